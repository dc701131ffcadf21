"""PURE: the dates of a meeting, its exceptions in their places, and what becomes of them when the series moves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from booking.ical import IcalError
from booking.ical.contentline import parse
from booking.ical.rule import Rule
from booking.ical.series import Span, occurrences

LIMIT = 2_000  # dates of one meeting within a window: daily for two years is 731
FAR = timedelta(days=3660)  # a series that has an end is followed so far to find it
LINES = ("RRULE", "RDATE")
Exceptions = Mapping[str, Mapping[str, Any] | None]


@dataclass(frozen=True, slots=True)
class Series:
    """When a meeting takes place; see models.Meeting for the fields."""

    start: datetime
    end: datetime
    all_day: bool
    timezone: str
    recurrence: tuple[str, ...]
    exceptions: Exceptions

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


@dataclass(frozen=True, slots=True)
class Date:
    """One date of a meeting. `original`: the key in its exceptions; `own`: what it says otherwise than the series, and its times."""

    start: datetime
    end: datetime
    original: str
    own: Mapping[str, Any]


def check(lines: Sequence[str], timezone: str) -> None:
    """Raises IcalError for what is not a series that can be followed."""
    for line in lines:
        parsed = list(parse(line))
        if len(parsed) != 1 or parsed[0].name not in LINES or "\n" in line or "\r" in line:
            raise IcalError("The series has a rule that can't be read.")
        if parsed[0].name == "RRULE":
            Rule.read(parsed[0].value, ZoneInfo(timezone))
    sample = datetime(2026, 1, 1, tzinfo=UTC)
    list(_raw(Series(sample, sample, False, timezone, tuple(lines), {}), (sample, sample + timedelta(days=1))))


def dates(series: Series, within: Span) -> list[Date]:
    """All that overlaps the half-open span, in order; what does not take place is left out. Raises IcalError above LIMIT."""
    found = []
    for start, end in _raw(series, within):
        original = key(start, series)
        if original not in series.exceptions and _meets(start, end, within):
            found.append(Date(start, end, original, {}))
        if len(found) > LIMIT:
            raise IcalError("The series has more instances than can be handled.")
    for original, said in series.exceptions.items():
        if said is not None:
            start, end = moment(said["start"], series.zone), moment(said["end"], series.zone)
            found += [Date(start, end, original, said)] if _meets(start, end, within) else []
    return sorted(found, key=lambda one: (one.start, one.original))


def last_end(series: Series) -> datetime | None:
    """When it is all over; None where the rule names no end, or a very late one."""
    rules = [line for line in series.recurrence if line.upper().startswith("RRULE")]
    if any("UNTIL=" not in line.upper() and "COUNT=" not in line.upper() for line in rules):
        return None
    far = series.start + FAR
    try:
        found = dates(series, (min(series.start, series.end), far))
    except IcalError:
        return None
    latest = max((one.end for one in found), default=series.end)
    return None if rules and latest > far - timedelta(days=366) else latest


def occurs(series: Series, original: str) -> bool:
    """Whether the rule alone puts a date there."""
    at = moment(original, series.zone)
    return any(key(start, series) == original for start, _ in _raw(series, (at, at + timedelta(seconds=1))))


def carried(before: Series, after: Series) -> dict[str, Any]:
    """The exceptions of a series that is moved or repeats by another rule: those of its dates go along, and stay where the new rule has a date.

    A date that was moved by itself keeps its own time.
    """
    if not after.recurrence:
        return {}
    shift = _wall(after.start, after) - _wall(before.start, before)
    found: dict[str, Any] = {}
    for original, said in before.exceptions.items():
        goes_along = original
        if occurs(before, original):
            goes_along = key((_wall(moment(original, before.zone), before) + shift).replace(tzinfo=after.zone).astimezone(UTC), after)
        if occurs(after, goes_along) and (said is None or (len(said["start"]) == 10) == after.all_day):
            found[goes_along] = dict(said) if said is not None else None
    return found


def key(start: datetime, series: Series) -> str:
    """What a date is called in the exceptions."""
    return day(start, series.zone).isoformat() if series.all_day else _stamp(start)


def day(midnight: datetime, zone: ZoneInfo) -> date:
    """The day that begins then. Days are meant, not instants: where a zone's rules were changed since, it is no longer midnight to the hour."""
    return (midnight.astimezone(zone).replace(tzinfo=None) + timedelta(hours=12)).date()


def moment(text: str, zone: ZoneInfo) -> datetime:
    """The instant of a text from the exceptions; a day begins at midnight. Raises ValueError."""
    if len(text) == 10:
        return datetime.combine(date.fromisoformat(text), time(), zone).astimezone(UTC)
    return datetime.fromisoformat(text).astimezone(UTC)


def _raw(series: Series, within: Span) -> Iterator[Span]:
    zone = series.zone
    if series.all_day:
        start, end = day(series.start, zone), day(series.end, zone)
        return occurrences(start, end, series.recurrence, home=zone, within=within, zone=zone, zones=_zone)
    return occurrences(series.start, series.end, series.recurrence, home=zone, within=within, zones=_zone)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise IcalError("The series is in a time zone that is not known.") from error


def _wall(value: datetime, series: Series) -> datetime:
    return value.astimezone(series.zone).replace(tzinfo=None)


def _meets(start: datetime, end: datetime, within: Span) -> bool:
    return start < within[1] and (end > within[0] or start >= within[0])


def _stamp(value: datetime) -> str:
    return value.astimezone(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")
