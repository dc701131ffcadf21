"""PURE: a VTIMEZONE (RFC 5545 §3.6.5) for an IANA zone, by yearly rules where the zone follows one (Outlook reads nothing else)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

YEARS = 20  # how far ahead irregular zones are listed change by change
DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")

Onset = tuple[datetime, timedelta, timedelta, str]  # wall time before the change, offset before, offset after, name after


@lru_cache(maxsize=256)
def vtimezone(name: str, year: int) -> tuple[str, ...]:
    """The content lines of the zone `name`, right from `year` on. Raises zoneinfo.ZoneInfoNotFoundError."""
    zone = ZoneInfo(name)
    lines = ["BEGIN:VTIMEZONE", f"TZID:{name}"]
    begin = datetime(year, 1, 1, tzinfo=UTC)
    offset = _offset(zone, begin)
    lines += _part("STANDARD", begin.replace(tzinfo=None), offset, offset, begin.astimezone(zone).tzname() or name, ())
    kinds: dict[tuple[timedelta, timedelta, str], list[datetime]] = {}
    for wall, before, after, label in _onsets(zone, year):
        kinds.setdefault((before, after, label), []).append(wall)
    for (before, after, label), walls in kinds.items():
        kind = "DAYLIGHT" if after > before else "STANDARD"
        rule = _yearly(walls)
        if rule:
            extra: tuple[str, ...] = (rule,)
        else:
            extra = tuple(f"RDATE:{wall:%Y%m%dT%H%M%S}" for wall in walls[1:])
        lines += _part(kind, walls[0], before, after, label, extra)
    return (*lines, "END:VTIMEZONE")


def _part(kind: str, start: datetime, before: timedelta, after: timedelta, label: str, extra: tuple[str, ...]) -> list[str]:
    return [
        f"BEGIN:{kind}",
        f"DTSTART:{start:%Y%m%dT%H%M%S}",
        f"TZOFFSETFROM:{_signed(before)}",
        f"TZOFFSETTO:{_signed(after)}",
        f"TZNAME:{label}",
        *extra,
        f"END:{kind}",
    ]


def _signed(offset: timedelta) -> str:
    minutes = round(offset.total_seconds() / 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}{abs(minutes) % 60:02}"


def _offset(zone: ZoneInfo, instant: datetime) -> timedelta:
    return instant.astimezone(zone).utcoffset() or timedelta()


def _onsets(zone: ZoneInfo, year: int) -> list[Onset]:
    found: list[Onset] = []
    instant, end = datetime(year, 1, 1, tzinfo=UTC), datetime(year + YEARS, 1, 1, tzinfo=UTC)
    while instant < end:
        following = instant + timedelta(days=7)  # no zone of today changes twice within a week, back to where it was
        if _offset(zone, instant) != _offset(zone, following):
            low, high = instant, following
            while high - low > timedelta(minutes=1):
                middle = low + (high - low) / 2
                low, high = (middle, high) if _offset(zone, middle) == _offset(zone, low) else (low, middle)
            moment = high.replace(second=0, microsecond=0)
            before, after = _offset(zone, instant), _offset(zone, following)
            found.append(((moment + before).replace(tzinfo=None), before, after, following.astimezone(zone).tzname() or str(zone)))
        instant = following
    return found


def _yearly(walls: list[datetime]) -> str:
    """The RRULE that makes these yearly onsets, or "" where there is none."""
    first = walls[0]
    same = {(wall.month, wall.weekday(), wall.time()) for wall in walls}
    if len(walls) < YEARS - 1 or len(same) > 1 or {b.year - a.year for a, b in pairwise(walls)} != {1}:
        return ""
    if all((wall + timedelta(days=7)).month != wall.month for wall in walls):
        return f"RRULE:FREQ=YEARLY;BYMONTH={first.month};BYDAY=-1{DAYS[first.weekday()]}"
    weeks = {(wall.day - 1) // 7 + 1 for wall in walls}
    return f"RRULE:FREQ=YEARLY;BYMONTH={first.month};BYDAY={weeks.pop()}{DAYS[first.weekday()]}" if len(weeks) == 1 else ""
