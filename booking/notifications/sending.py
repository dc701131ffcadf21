"""Sends what waits in the message outbox, over each channel by itself: claim, look again, send, note it.

At least once: a worker that dies between the mail server's "yes" and our note of it sends the same mail again after the lease,
with the same Message-ID. In every other case once.
"""

from __future__ import annotations

import logging
import time
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

import booking.wake
from booking.models import Message
from booking.models.message import EMAIL
from booking.notifications import channels, knowledge, registrations, reminders, waiting
from booking.notifications.channels.spreading import spread
from booking.notifications.rendering import render

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=5)  # far longer than the mail server's time-out
BUDGET = 240.0  # seconds one drain may take before it leaves the rest to the next
WAITS = [timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 180, 360, 720)]  # then a person has to look
LONGEST_ERROR = 500
ABOUT = (
    "attendance__appointment__service__category",
    "attendance__appointment__location",
    "attendance__customer",
    "reminder",
    "registration__event__organizer__calendar",
    "registration__event__location",
    "registration__customer",
    "waiting__service__category",
    "waiting__service__category",
    "waiting__customer",
    "waiting__employee",
)


def send_due(now: datetime, channel: str = EMAIL, limit: int = 200) -> int:
    """Sends what is due over one channel, oldest first, and returns how many went out. May run any number of times at once.

    Another system that doesn't answer is left alone for the rest of the run, so that it can't hold up the others."""
    began, sent, silent = time.monotonic(), 0, set[str]()
    for pk, recipient in due(now).filter(channel=channel).order_by("not_before", "pk").values_list("pk", "recipient")[:limit]:
        elapsed = time.monotonic() - began
        if elapsed > BUDGET:
            break
        if recipient in silent:
            continue
        went = send_one(pk, now=now + timedelta(seconds=elapsed))
        sent += went
        if channel != EMAIL and not went and Message.objects.filter(pk=pk, state=Message.State.OPEN, attempts__gt=0).exists():
            silent.add(recipient)
    if channel == EMAIL and channels.others():
        _wake_others(now)
    return sent


def _wake_others(now: datetime) -> None:
    """By the clock that drives the mails: what was not woken, and what is to be tried again."""
    from booking.tasks import send_messages

    waiting = due(now).exclude(channel=EMAIL).order_by("channel").values_list("channel", flat=True).distinct()
    booking.wake.wake([(send_messages.name, [channel]) for channel in waiting])


def due(now: datetime) -> QuerySet[Message]:
    """Open, and nobody is at it; one after the other for each recipient of a booking, so that news arrives in its order."""
    same = Q(attendance=OuterRef("attendance")) | Q(registration=OuterRef("registration")) | Q(waiting=OuterRef("waiting"))
    at_it = Message.objects.filter(same, recipient=OuterRef("recipient"), state=Message.State.OPEN, claimed_until__gt=now)
    free = Q(claimed_until=None) | Q(claimed_until__lte=now)
    return Message.objects.filter(free, ~Exists(at_it), state=Message.State.OPEN, not_before__lte=now)


def send_one(pk: int, *, now: datetime) -> bool:
    """Sends one message unless it is no longer due, no longer needed or somebody else's; True if a mail went out."""
    until = now + LEASE
    # Also a check that no transaction is open around us: a slow mail server must never hold locks.
    with transaction.atomic(durable=True):
        if not due(now).filter(pk=pk).update(claimed_until=until, attempts=F("attempts") + 1):
            return False
    mine = Message.objects.filter(pk=pk, state=Message.State.OPEN, claimed_until=until)
    message = mine.select_related(*ABOUT).first()
    if message is None:  # its booking has just been erased
        return False
    try:
        if reason := _needless(message, now):
            mine.update(state=Message.State.SKIPPED, error=reason, claimed_until=None)
            return False
        context = {**message.context, "told": _told(message)}
        if message.channel == EMAIL:
            spread(message)
            render(message).send()
        else:
            channels.named(message.channel).send(message)
    except Exception as error:  # one mail that can't be made or sent must not keep the others from going
        _put_off(message, mine, error, now)
        return False
    if not mine.update(state=Message.State.SENT, sent_at=timezone.now(), claimed_until=None, error="", context=context):
        logger.warning("Message %s was sent after its lease had ended and may have been sent twice.", pk)
    return True


def retry(messages: QuerySet[Message], *, now: datetime) -> int:
    """Gives failed ones another chance; returns how many."""
    failed = messages.filter(state=Message.State.FAILED)
    return failed.update(state=Message.State.OPEN, attempts=0, not_before=now, claimed_until=None, error="")


def _needless(message: Message, now: datetime) -> str:
    if message.moment:
        return reminders.needless(message, now)
    if message.waiting:
        return waiting.needless(message)
    return registrations.needless(message) if message.registration else knowledge.needless(message)


def _told(message: Message) -> dict[str, Any]:
    """What the recipient knows when it has been sent."""
    if message.waiting:
        return waiting.current(message.waiting).as_json()
    return registrations.current(message.registration).as_json() if message.registration else knowledge.current(message.booking).as_json()


def _put_off(message: Message, mine: QuerySet[Message], error: Exception, now: datetime) -> None:
    """Back-off, or after the last attempt failed, with the reason for people to see."""
    final = isinstance(error, channels.Undeliverable)
    reason = (str(error) if final else f"{type(error).__name__}: {error}")[:LONGEST_ERROR]
    logger.warning("Message %s could not be sent (attempt %s).", message.pk, message.attempts, exc_info=error)
    if final or message.attempts > len(WAITS):
        mine.update(state=Message.State.FAILED, error=reason, claimed_until=None)
    else:
        mine.update(not_before=now + WAITS[message.attempts - 1], error=reason, claimed_until=None)
