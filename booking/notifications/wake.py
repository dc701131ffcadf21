"""Rings for the task that sends the mails. If nobody hears it, the sweep finds them: the table is the truth."""

from __future__ import annotations

import logging

from django.db import transaction

logger = logging.getLogger(__name__)


def wake_after_commit() -> None:
    transaction.on_commit(_wake)


def _wake() -> None:
    from booking.tasks import send_messages

    try:
        send_messages.apply_async(retry=False)
    except Exception:  # whatever the broker's library raises: the booking is done and must be answered
        logger.warning("The broker does not answer; the sweep will find the mails that wait.", exc_info=True)
