"""What runs in the background: each task calls one function and may run twice without harm."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

import booking.wake
from booking import health
from booking.actions import idempotency
from booking.notifications.sending import send_due


@shared_task
def send_messages() -> None:
    """Woken after each booking, and by the clock for what was not woken or is to be tried again."""
    send_due(timezone.now())


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
    """Forgets answers kept for repeated requests once they are a day old."""
    idempotency.purge()
