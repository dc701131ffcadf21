"""PURE: a series and its exceptions as the instants they take. Bounded by construction: no rule, however hostile, costs more than its window."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from booking.ical import IcalError
from booking.ical.series import instant, occurrences
from integrations.contract import Change, Window
from integrations.items import TAKES_NO_TIME, Event
from integrations.wire.zones import resolve

LIMIT = 2_000  # instances of one series within a window: daily for two years is 731


@dataclass(frozen=True, slots=True)
class Instance:
    """One occurrence. `start`, `end`: instants in UTC. `original`: the instant it had before anybody moved it. `item`: what it says."""

    start: datetime
    end: datetime
    original: datetime
    item: Event

    @property
    def show_as(self) -> str:
        return self.item.show_as

    @property
    def status(self) -> str:
        return self.item.status


@dataclass(frozen=True, slots=True)
class Expansion:
    """What was found. With a `problem` there may be more than `instances`; `closed` is the time it may take."""

    instances: tuple[Instance, ...]
    problem: str = ""
    closed: tuple[datetime, datetime] | None = None


def expand(item: Event, exceptions: Sequence[Event], window: Window, *, zone: tzinfo = UTC, limit: int = LIMIT) -> Expansion:
    """Everything of a series (or of a single event) that overlaps the window, in order, cancelled instances included.

    All-day events take the days of `zone`. A wall time that a clock change skips is read with the offset before it (RFC 5545 §3.3.5).
    """
    found: list[Instance] = []
    moved = {instant(one.recurrence_id, zone) for one in exceptions if one.recurrence_id is not None}
    problem, closed = "", None
    try:
        for start, end in _occurrences(item, window, zone):
            if start not in moved or item.recurrence_id is not None:
                found += _within(item, start, end, start, window)
            if len(found) > limit:
                problem, closed = "The series has more instances than can be handled.", (found[limit].start, window.end)
                del found[limit:]
                break
    except (IcalError, OverflowError) as error:
        problem = str(error) if isinstance(error, IcalError) else "The series leaves the calendar."
        span = instant(item.start, zone), instant(item.end, zone)
        found += _within(item, *span, span[0], window)
        closed = span
    for one in exceptions[: limit + 1]:
        start = instant(one.start, zone)
        original = start if one.recurrence_id is None else instant(one.recurrence_id, zone)
        found += _within(one, start, instant(one.end, zone), original, window)
    return Expansion(tuple(sorted(found, key=lambda instance: (instance.start, instance.original))), problem, closed)


def _within(item: Event, start: datetime, end: datetime, original: datetime, window: Window) -> Iterator[Instance]:
    if start < window.end and (end > window.start or start >= window.start):
        yield Instance(start, end, original, item)


def _occurrences(item: Event, window: Window, zone: tzinfo) -> Iterator[tuple[datetime, datetime]]:
    """(start, end) in UTC of the master's occurrences, its exceptions not yet taken out."""
    home: tzinfo = zone if item.all_day else ZoneInfo(item.timezone)
    lines = () if item.recurrence_id is not None else item.recurrence
    return occurrences(item.start, item.end, lines, home=home, within=(window.start, window.end), zone=zone, zones=resolve)


def merged(spans: Iterable[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    """The spans sorted, those that touch or overlap made one, empty ones left out."""
    found: list[tuple[datetime, datetime]] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        elif end > start:
            found.append((start, end))
    return found


def taken(changes: Iterable[Change], window: Window, *, zone: tzinfo = UTC) -> list[tuple[datetime, datetime]]:
    """The busy spans of a full listing within the window, merged: what takes time and is not cancelled, and what could not be read."""
    spans: list[tuple[datetime, datetime]] = []
    for change in changes:
        spans += [change.closed] if change.closed else []
        if change.item is not None:
            expansion = expand(change.item, change.exceptions, window, zone=zone)
            spans += [expansion.closed] if expansion.closed else []
            spans += [(one.start, one.end) for one in expansion.instances if one.show_as not in TAKES_NO_TIME and one.status != "cancelled"]
    inside = ((max(start, window.start), min(end, window.end)) for start, end in spans)
    return merged(span for span in inside if span[0] < span[1])


def concerns(change: Change, window: Window) -> bool:
    """Whether a listing of the window has this: all that is ours, repeats, or can't be read stays in. A day more on each side, for days have zones."""
    item = change.item
    if item is None or item.key or item.recurrence or change.exceptions or change.problem:
        return True
    day = timedelta(days=1)
    return instant(item.start, UTC) < window.end + day and instant(item.end, UTC) > window.start - day
