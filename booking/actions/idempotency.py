"""A request that is sent twice is carried out once: the answer is kept with the change it tells of, in one transaction."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from booking.errors import BookingError
from booking.models import IdempotencyKey
from booking.models.quick import insert

LIFETIME = timedelta(hours=24)

Answer = tuple[int, Any]
"""(HTTP status, what can be written as JSON)"""


class Mismatch(BookingError):
    """The key was used before, with another request."""

    code = "idempotency_mismatch"


def digest(*parts: object) -> str:
    """The same 64 characters for the same values, whatever the order of their keys."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def once(*, key: str, request_hash: str, do: Callable[[], Answer], now: datetime | None = None) -> Answer:
    """What `do` answers, or what it answered to the same key within the last 24 hours; Mismatch if that was another request.

    `do` runs inside the transaction that keeps its answer, so both are there or neither is; if it raises, the key is free again.
    A repetition does it again and is undone: it finds its time taken by itself, its link dead, or at the latest its key in the table. Of
    two at the same time the second waits there: on PostgreSQL at the unique index, on SQLite for the write lock.
    """
    now = now or timezone.now()
    while True:
        try:
            with transaction.atomic():
                status, body = do()
                _keep(key, request_hash, status, body)
                return status, body
        except Exception as error:  # whatever happens to a repetition, it is told what the first was
            if (kept := _kept(key, request_hash, now)) is not None:
                return kept
            if not isinstance(error, _KnownError):
                raise


def purge(*, now: datetime | None = None) -> int:
    """Forgets answers that are older than 24 hours; returns how many."""
    return IdempotencyKey.objects.filter(created_at__lte=(now or timezone.now()) - LIFETIME).delete()[0]


class _KnownError(Exception):
    """The key has a row already."""


def _keep(key: str, request_hash: str, status: int, body: Any) -> None:
    try:
        # The last statement of its transaction, which ends with it: no savepoint.
        insert(IdempotencyKey(key=key, request_hash=request_hash, status=status, body=body))
    except IntegrityError as error:
        raise _KnownError from error


def _kept(key: str, request_hash: str, now: datetime) -> Answer | None:
    """The answer kept for the key; None if it is free again, because it is too old or was purged a moment ago."""
    IdempotencyKey.objects.filter(key=key, created_at__lte=now - LIFETIME).delete()
    row = IdempotencyKey.objects.filter(key=key).first()
    if row is None:
        return None
    if row.request_hash != request_hash:
        raise Mismatch(_("This Idempotency-Key was already used for another request."))
    assert row.status is not None  # rows of others are seen only when they are answered
    return row.status, row.body
