"""PURE: when a series takes place (RFC 5545 §3.8.5): rules, added and excluded dates. Bounded by its window, whatever the rule says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from booking.ical.contentline import IcalError, Line, duration, moment, parse
from booking.ical.rule import Rule

Span = tuple[datetime, datetime]
Zones = Callable[[str], tzinfo]


def occurrences(
    start: datetime | date, end: datetime | date, lines: Sequence[str], *, home: tzinfo, within: Span, zone: tzinfo = UTC, zones: Zones
) -> Iterator[Span]:
    """(start, end) in UTC of what may overlap `within`, not in order; exceptions that stand beside the series are not yet taken out.

    `lines` such as "RRULE:…", "EXDATE…:…"; none of them for a single event. `home` is the zone of its wall times, `zone` that of its days when it
    is all day, `zones` knows the zones of a TZID. A wall time that a clock change skips is read with the offset before it (RFC 5545 §3.3.5).
    """
    first, last = instant(start, zone), instant(end, zone)
    if not lines:
        yield first, last
        return
    all_day = not isinstance(start, datetime)
    wall = first.astimezone(home).replace(tzinfo=None)
    days = timedelta(days=end.toordinal() - start.toordinal())  # of an all-day event
    parsed = [line for text in lines for line in parse(text)]
    if any(line.name == "EXRULE" for line in parsed):
        raise IcalError("The series has an exclusion rule, which can't be read.")
    excluded = {value for line in parsed if line.name == "EXDATE" for value in _values(line, home, zones)}

    def occurrence(local: datetime) -> Span:
        begin = local.replace(tzinfo=home).astimezone(UTC)
        return begin, (local + days).replace(tzinfo=home).astimezone(UTC) if all_day else begin + (last - first)

    reach = within[0].astimezone(home).replace(tzinfo=None) - (last - first) - timedelta(days=1)
    until = within[1].astimezone(home).replace(tzinfo=None) + timedelta(days=1)
    seen: set[datetime] = set()
    rules = [Rule.read(line.value, home) for line in parsed if line.name == "RRULE"]
    if len(rules) > 3:
        raise IcalError("The series has more rules than can be handled.")
    starts: list[Iterable[datetime]] = [rule.starts(wall, reach, until) for rule in rules] or [[wall]]
    for source in starts:
        for local in source:
            begin, finish = occurrence(local)
            if begin not in seen and begin not in excluded and local.date() not in excluded:
                seen.add(begin)
                yield begin, finish
    for line in parsed:
        for value, end_value in _additions(line, home, zones) if line.name == "RDATE" else ():
            begin = value if isinstance(value, datetime) else occurrence(datetime.combine(value, wall.time()))[0]
            if begin not in seen and begin not in excluded and begin.astimezone(home).date() not in excluded:
                seen.add(begin)
                yield begin, end_value or occurrence(begin.astimezone(home).replace(tzinfo=None))[1]


def _values(line: Line, home: tzinfo, zones: Zones) -> Iterator[datetime | date]:
    """The instants of EXDATE or RDATE in UTC, or their dates; a date excludes what starts on that day."""
    for text in line.value.split(","):
        value = moment(Line(line.name, text, line.params), zones, home)
        yield value.astimezone(UTC) if isinstance(value, datetime) else value


def _additions(line: Line, home: tzinfo, zones: Zones) -> Iterator[tuple[datetime | date, datetime | None]]:
    for text in line.value.split(","):
        begin, _, rest = text.partition("/")
        value = next(iter(_values(Line(line.name, begin, line.params), home, zones)))
        if not rest or not isinstance(value, datetime):
            yield value, None
        elif rest.lstrip("+").upper().startswith("P"):
            yield value, value + duration(rest)
        else:
            end = next(iter(_values(Line(line.name, rest, line.params), home, zones)))
            yield value, end if isinstance(end, datetime) else None


def instant(value: datetime | date, zone: tzinfo) -> datetime:
    """A time in UTC; a day begins at midnight in `zone`."""
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    return datetime.combine(value, time(), zone).astimezone(UTC)
