"""Writes the times that something else takes. The only writer of Busy and BusySource."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from booking.models import Busy, BusySource, Calendar


@dataclass(frozen=True, slots=True)
class Span:
    """One busy time, half-open, aware."""

    start: datetime
    end: datetime
    title: str = ""


def add_source(*, calendar: Calendar, label: str, max_age: timedelta, policy: str = BusySource.Policy.CLOSE) -> BusySource:
    """A source that has not been read yet: until it is, its policy holds."""
    return BusySource.objects.create(calendar=calendar, label=label[:200], max_age=max_age, policy=policy)


def set_policy(source: BusySource, policy: str) -> None:
    """What holds while the source can't be trusted (BusySource.Policy)."""
    source.policy = BusySource.Policy(policy)
    source.save(update_fields=["policy"])


def drop_source(source: BusySource) -> None:
    """Takes the source and all its times away."""
    source.delete()


def replace(source: BusySource, key: str, spans: Iterable[Span]) -> None:
    """The times of one event in place of what was known of it; none at all removes it."""
    with transaction.atomic():
        source.rows.filter(key=key).delete()
        Busy.objects.bulk_create(
            Busy(calendar_id=source.calendar_id, source=source, key=key, start=span.start, end=span.end, title=span.title[:500])
            for span in spans
            if span.end > span.start
        )


def keep_only(source: BusySource, keys: Iterable[str]) -> int:
    """Removes what a full listing no longer has; returns how many rows went."""
    gone: QuerySet[Busy] = source.rows.exclude(key__in=set(keys))
    return gone.delete()[0]


def mark_read(source: BusySource, *, at: datetime, complete_until: datetime | None) -> None:
    source.state, source.fetched_at, source.complete_until = BusySource.State.OK, at, complete_until
    source.save(update_fields=["state", "fetched_at", "complete_until"])


def mark_lost(source: BusySource) -> None:
    """It can't be read: from now on its policy decides."""
    source.state = BusySource.State.LOST
    source.save(update_fields=["state"])
