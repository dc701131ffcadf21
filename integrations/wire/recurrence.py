"""PURE: a series and its exceptions as the instants they take. Bounded by construction: no rule, however hostile, costs more than its window."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from booking.ical.contentline import IcalError, Line, duration, moment, parse
from integrations.contract import Change, Window
from integrations.items import Event
from integrations.wire.rule import Rule
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
    first, last = instant(item.start, zone), instant(item.end, zone)
    if not item.recurrence or item.recurrence_id is not None:
        yield first, last
        return
    wall = first.astimezone(home).replace(tzinfo=None)
    days = timedelta(days=item.end.toordinal() - item.start.toordinal())  # of an all-day event
    lines = [line for text in item.recurrence for line in parse(text)]
    if any(line.name == "EXRULE" for line in lines):
        raise IcalError("The series has an exclusion rule, which can't be read.")
    excluded = {value for line in lines if line.name == "EXDATE" for value in _values(line, home)}

    def occurrence(local: datetime) -> tuple[datetime, datetime]:
        start = local.replace(tzinfo=home).astimezone(UTC)
        return start, (local + days).replace(tzinfo=home).astimezone(UTC) if item.all_day else start + (last - first)

    reach = window.start.astimezone(home).replace(tzinfo=None) - (last - first) - timedelta(days=1)
    until = window.end.astimezone(home).replace(tzinfo=None) + timedelta(days=1)
    seen: set[datetime] = set()
    rules = [Rule.read(line.value, home) for line in lines if line.name == "RRULE"]
    if len(rules) > 3:
        raise IcalError("The series has more rules than can be handled.")
    starts: list[Iterable[datetime]] = [rule.starts(wall, reach, until) for rule in rules] or [[wall]]
    for source in starts:
        for local in source:
            start, end = occurrence(local)
            if start not in seen and start not in excluded and local.date() not in excluded:
                seen.add(start)
                yield start, end
    for line in lines:
        for value, end_value in _additions(line, home) if line.name == "RDATE" else ():
            start = value if isinstance(value, datetime) else occurrence(datetime.combine(value, wall.time()))[0]
            if start not in seen and start not in excluded and start.astimezone(home).date() not in excluded:
                seen.add(start)
                yield start, end_value or occurrence(start.astimezone(home).replace(tzinfo=None))[1]


def _values(line: Line, home: tzinfo) -> Iterator[datetime | date]:
    """The instants of EXDATE or RDATE in UTC, or their dates; a date excludes what starts on that day."""
    for text in line.value.split(","):
        value = moment(Line(line.name, text, line.params), resolve, home)
        yield value.astimezone(UTC) if isinstance(value, datetime) else value


def _additions(line: Line, home: tzinfo) -> Iterator[tuple[datetime | date, datetime | None]]:
    for text in line.value.split(","):
        begin, _, rest = text.partition("/")
        value = next(iter(_values(Line(line.name, begin, line.params), home)))
        if not rest or not isinstance(value, datetime):
            yield value, None
        elif rest.lstrip("+").upper().startswith("P"):
            yield value, value + duration(rest)
        else:
            end = next(iter(_values(Line(line.name, rest, line.params), home)))
            yield value, end if isinstance(end, datetime) else None


def instant(value: datetime | date, zone: tzinfo) -> datetime:
    """A time in UTC; a day begins at midnight in `zone`."""
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    return datetime.combine(value, time(), zone).astimezone(UTC)


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
    """The busy spans of a full listing within the window, merged: what is neither free nor cancelled, and what could not be read."""
    spans: list[tuple[datetime, datetime]] = []
    for change in changes:
        spans += [change.closed] if change.closed else []
        if change.item is not None:
            expansion = expand(change.item, change.exceptions, window, zone=zone)
            spans += [expansion.closed] if expansion.closed else []
            spans += [(one.start, one.end) for one in expansion.instances if one.show_as != "free" and one.status != "cancelled"]
    inside = ((max(start, window.start), min(end, window.end)) for start, end in spans)
    return merged(span for span in inside if span[0] < span[1])


def concerns(change: Change, window: Window) -> bool:
    """Whether a listing of the window has this: all that is ours, repeats, or can't be read stays in. A day more on each side, for days have zones."""
    item = change.item
    if item is None or item.key or item.recurrence or change.exceptions or change.problem:
        return True
    day = timedelta(days=1)
    return instant(item.start, UTC) < window.end + day and instant(item.end, UTC) > window.start - day
