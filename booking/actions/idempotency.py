"""A request that is sent twice is carried out once: the answer is kept with the change it tells of, in one transaction."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from booking.errors import BookingError
from booking.models import IdempotencyKey

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
    Of two at the same time the second waits: on PostgreSQL at the unique index, on SQLite for the write lock.
    """
    now = now or timezone.now()
    with transaction.atomic():
        row = _claim(key, request_hash)
        if row.status is not None and row.created_at > now - LIFETIME:
            if row.request_hash != request_hash:
                raise Mismatch(_("This Idempotency-Key was already used for another request."))
            return row.status, row.body
        row.status, row.body = do()
        row.request_hash, row.created_at = request_hash, now
        row.save(update_fields=["status", "body", "request_hash", "created_at"])
        return row.status, row.body


def purge(*, now: datetime | None = None) -> int:
    """Forgets answers that are older than 24 hours; returns how many."""
    return IdempotencyKey.objects.filter(created_at__lte=(now or timezone.now()) - LIFETIME).delete()[0]


def _claim(key: str, request_hash: str) -> IdempotencyKey:
    """The key's row, locked. Its status is None if it is new: rows of others are seen only when they are answered."""
    while True:
        IdempotencyKey.objects.bulk_create([IdempotencyKey(key=key, request_hash=request_hash)], ignore_conflicts=True)
        row = IdempotencyKey.objects.select_for_update().filter(key=key).first()
        if row is not None:  # else purged between the two statements
            return row
