"""Working rules, sold and busy time in, bookable starts out. Pure: standard library only, whole seconds since the epoch."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from booking.availability.intervals import Span, merge, starts_inside

DAY = 86400
EPOCH = date(1970, 1, 1).toordinal()


class Period(NamedTuple):
    """Wall time of one day; an end of 00:00 is the end of the day."""

    start: time
    end: time

    @property
    def seconds(self) -> Span:
        """From midnight by the clock on the wall."""
        return _seconds(self.start), _seconds(self.end) or DAY


class DaysOff(NamedTuple):
    """Whole days, both ends included. A yearly one that touches 29 February is taken on the 28th in other years."""

    first: date
    last: date
    yearly: bool = False

    def covers(self, day: date) -> bool:
        if not self.yearly:
            return self.first <= day <= self.last
        years = self.last.year - self.first.year
        return any(
            _in_year(self.first, year) <= day <= _in_year(self.last, year + years) for year in range(max(day.year - years, self.first.year), day.year + 1)
        )

    def coming(self, day: date) -> tuple[date, date] | None:
        """The first and last day of the first time that isn't over on `day`."""
        if not self.yearly:
            return (self.first, self.last) if self.last >= day else None
        years = self.last.year - self.first.year
        year = max(day.year - years, self.first.year)
        while (last := _in_year(self.last, year + years)) < day:
            year += 1
        return _in_year(self.first, year), last


Placed = tuple[Period, int | None]
"""A period, and the location where it is worked; None: wherever."""


class Rules(NamedTuple):
    """When a calendar works, in the wall time of `timezone`. `special` replaces a date's weekly hours, by nothing on a public holiday;
    days off beat both."""

    timezone: str
    weekly: tuple[tuple[Period, ...], ...]  # Monday first
    special: tuple[tuple[date, tuple[Period, ...]], ...] = ()
    off: tuple[DaysOff, ...] = ()


class Terms(NamedTuple):
    """What a slot of a service needs, in seconds; the buffers lie outside [start, start + duration)."""

    duration: int
    step: int
    before: int = 0
    after: int = 0


class Trust(NamedTuple):
    """From which instant on what is known about a calendar doesn't suffice: `closed` for offering, `unsure` for promising. None: never."""

    closed: int | None = None
    unsure: int | None = None


def rules_by_place(
    *,
    timezone: str,
    weekly: Sequence[Sequence[Placed]],
    special: Mapping[date, Sequence[Placed]],
    off: tuple[DaysOff, ...],
    offered: Collection[int],
    wanted: int | None,
) -> tuple[tuple[int | None, Rules], ...]:
    """The rules of each location at which a slot may be, the location first; None: it belongs to none.

    `offered` are the locations of the service, none at all if it takes place wherever; `wanted` is the one the customer wishes. A slot is at
    one location from start to end; what is worked wherever counts at each.
    """
    if wanted is not None and offered and wanted not in offered:
        return ()
    bound = wanted if wanted is not None or len(offered) != 1 else next(iter(offered))
    if bound is not None:
        places: list[int | None] = [bound]
    else:
        worked = {place for periods in (*weekly, *special.values()) for _, place in periods if place is not None}
        places = [None, *sorted(place for place in worked if not offered or place in offered)]
    return tuple(
        (
            place,
            Rules(
                timezone=timezone,
                weekly=tuple(_at(place, periods) for periods in weekly),
                special=tuple((day, _at(place, periods)) for day, periods in sorted(special.items())),
                off=off,
            ),
        )
        for place in places
    )


def working_time(rules: Rules, window: Span) -> list[Span]:
    """Merged working spans around `window`. An instant is worked when the clock on the wall then shows a time of a period:
    an hour that is skipped isn't worked, one that happens twice is worked twice."""
    return merge((start, end) for start, end, _ in _worked(rules, window))


def grid(rules: Rules, terms: Terms, window: Span) -> list[int]:
    """The sorted starts in `window` that the rules allow: on the step counted from a period's start in wall time, wholly inside working time."""
    worked = sorted(_worked(rules, (window[0], window[1] + terms.duration)))
    spans = merge((start, end) for start, end, _ in worked)
    starts: list[int] = []
    at = 0
    for start, end, anchor in worked:
        while spans[at][1] <= start:
            at += 1
        first = max(start, window[0])
        first += (anchor - first) % terms.step
        starts += range(first, min(end, window[1], spans[at][1] - terms.duration + 1), terms.step)
    # Overlapping periods and the hour that happens twice give some starts twice or out of order.
    return sorted(set(starts))


def open_starts(starts: list[int], free: Iterable[Span], *, terms: Terms, trust: Trust) -> list[int]:
    """Those of `starts` that fit the `free` time with their buffers and need nothing that may not be offered."""
    if trust.closed is not None:
        starts = starts[: trusted(starts, trust.closed, terms)]
    return starts_inside(starts, free, before=terms.before, after=terms.duration + terms.after)


def trusted(starts: list[int], until: int, terms: Terms) -> int:
    """How many of the sorted `starts` need nothing from `until` on, buffers included."""
    return bisect_right(starts, until - terms.duration - terms.after)


def bookable_window(now: float, *, notice: int, horizon: int) -> Span:
    """The starts that notice and horizon (seconds) allow at `now`, as a half-open span: now + notice <= start <= now + horizon."""
    return -int(-now // 1) + notice, int(now // 1) + horizon + 1


def _worked(rules: Rules, window: Span) -> Iterator[tuple[int, int, int]]:
    """(start, end, anchor) of the parts of periods near `window`; the grid goes through the anchor, the period's start by that part's offset."""
    # A day more on each side than any offset needs, so that spans reaching into the window are whole.
    first, last = window[0] // DAY - 1, window[1] // DAY + 1
    offsets = utc_offsets(rules.timezone, first - 1, last + 2)
    weekly = [[period.seconds for period in each] for each in rules.weekly]
    special = {day.toordinal() - EPOCH: [period.seconds for period in each] for day, each in rules.special}
    for day in range(first, last + 1):
        # 1 January 1970 was a Thursday.
        found = special.get(day, weekly[(day + 3) % 7])
        if not found or (rules.off and any(off.covers(date.fromordinal(day + EPOCH)) for off in rules.off)):
            continue
        for since, until, offset in offsets:
            midnight = day * DAY - offset
            if midnight + DAY <= since or midnight >= until:
                continue
            for wall_start, wall_end in found:
                start, end = max(midnight + wall_start, since), min(midnight + wall_end, until)
                if start < end:
                    yield start, end, midnight + wall_start


@lru_cache(maxsize=512)
def utc_offsets(timezone: str, first: int, last: int) -> tuple[tuple[int, int, int], ...]:
    """(since, until, offset in seconds) in order, from day `first` to day `last` since the epoch."""
    zone = ZoneInfo(timezone)

    def offset_at(instant: int) -> int:
        offset = datetime.fromtimestamp(instant, zone).utcoffset()
        assert offset is not None  # a ZoneInfo always knows
        return round(offset.total_seconds())

    parts: list[tuple[int, int, int]] = []
    since, offset = first * DAY, offset_at(first * DAY)
    for day in range(first + 1, last + 1):
        if (later := offset_at(day * DAY)) == offset:
            continue
        low, high = (day - 1) * DAY, day * DAY
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if offset_at(middle) == offset else (low, middle)
        parts.append((since, high, offset))
        since, offset = high, later
    return *parts, (since, last * DAY, offset)


def local_day(instant: int, timezone: str) -> date:
    return datetime.fromtimestamp(instant, ZoneInfo(timezone)).date()


def local_time(instant: int, timezone: str) -> time:
    return datetime.fromtimestamp(instant, ZoneInfo(timezone)).time()


def _at(place: int | None, periods: Sequence[Placed]) -> tuple[Period, ...]:
    return tuple(sorted(period for period, at in periods if at is None or at == place))


def _seconds(at: time) -> int:
    return at.hour * 3600 + at.minute * 60 + at.second


def _in_year(day: date, year: int) -> date:
    try:
        return day.replace(year=year)
    except ValueError:
        return day.replace(year=year, day=28)
