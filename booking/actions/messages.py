"""Sends mails again that a person asks for."""

from __future__ import annotations

from datetime import datetime

from booking.models import Message

AGAIN = (Message.State.FAILED, Message.State.SENT)


def send_again(*, message: Message, now: datetime) -> bool:
    """Puts it back into the outbox; False if it is waiting already, or is no longer true."""
    rows = Message.objects.filter(pk=message.pk, state__in=AGAIN)
    return rows.update(state=Message.State.OPEN, not_before=now, claimed_until=None, attempts=0, error="", sent_at=None) == 1
