"""What runs in the background: each task calls one function and may run twice without harm."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

import booking.wake
from booking import health
from booking.actions import answers, idempotency, waiting
from booking.models.message import EMAIL
from booking.notifications import reminders
from booking.notifications.sending import send_due


@shared_task
def send_messages(channel: str = EMAIL) -> None:
    """Woken after each booking, and by the clock for what was not woken or is to be tried again."""
    send_due(timezone.now(), channel)


@shared_task
def remind() -> None:
    """Looks by the clock whom to remind of what, and who is to hear of it afterwards."""
    reminders.write_due(timezone.now())


@shared_task
def tell_waiting() -> None:
    """Woken when something is given back, and by the clock for whatever else frees a time."""
    waiting.tell(now=timezone.now())


@shared_task
def wake_each(calls: list[booking.wake.Call]) -> None:
    """Passes on what one change has woken."""
    for call in calls:
        booking.wake.wake([call])


@shared_task
def heartbeat() -> None:
    """Tells the health page that a worker works."""
    health.beat(timezone.now())


@shared_task
def purge() -> None:
    """Forgets answers kept for repeated requests once they are a day old, and files that nothing refers to."""
    idempotency.purge()
    answers.purge(now=timezone.now())
