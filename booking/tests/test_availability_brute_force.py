"""Slots on the days the clocks change, against a count of single minutes that knows nothing of spans, offsets or grids."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from booking.availability.intervals import gaps
from booking.availability.slots import DaysOff, Period, Rules, Terms, Trust, grid, open_starts

pytestmark = pytest.mark.pure

# A zone and the local days around one of its changes; Kolkata has none, but half an hour.
DAYS = [
    ("Europe/Berlin", date(2026, 3, 29)),
    ("Europe/Berlin", date(2026, 10, 25)),
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("Asia/Kolkata", date(2026, 3, 29)),
]

clock = st.integers(0, 1439)
hours = st.lists(st.tuples(clock, clock), max_size=3).map(lambda pairs: [(min(a, b), max(a, b) + 1) for a, b in pairs])
spans = st.lists(st.tuples(st.integers(-2000, 4000), st.integers(1, 400)), max_size=6)


def period(minutes: tuple[int, int]) -> Period:
    return Period(*(time(minute // 60 % 24, minute % 60) for minute in minutes))


@lru_cache
def clocks(zone: str, first: int, last: int) -> list[tuple[date, int]]:
    """What the clock on the wall shows in each minute: the date, and the minute of the day."""
    walls = [datetime.fromtimestamp(60 * minute, UTC).astimezone(ZoneInfo(zone)) for minute in range(first, last)]
    return [(wall.date(), wall.hour * 60 + wall.minute) for wall in walls]


def minutes_free(
    zone: str, worked: dict[date, list[tuple[int, int]]], taken: list[tuple[int, int]], terms: dict[str, int], window: tuple[int, int]
) -> list[int]:
    """Starts in `window`, minute by minute. All in minutes since the epoch except `worked`: minutes of the wall clock for each local date."""
    low = window[0] - 3000
    on_wall = clocks(zone, low, window[1] + 3000)
    working = [any(start <= minute < end for start, end in worked.get(date_, ())) for date_, minute in on_wall]
    stepped = [any(start <= minute < end and (minute - start) % terms["step"] == 0 for start, end in worked.get(date_, ())) for date_, minute in on_wall]
    blocked = [any(start <= minute < end for start, end in taken) for minute in range(low, window[1] + 3000)]
    found = []
    for minute in range(*window):
        at = minute - low
        needs = range(at - terms["before"], at + terms["duration"] + terms["after"])
        if stepped[at] and all(working[at : at + terms["duration"]]) and not any(blocked[other] for other in needs):
            found.append(minute)
    return found


@pytest.mark.parametrize(("zone", "day"), DAYS)
@settings(max_examples=30, deadline=None)
@given(
    weekday_hours=hours,
    special_hours=hours,
    taken=spans,
    duration=st.integers(1, 300),
    step=st.integers(1, 120),
    before=st.integers(0, 90),
    after=st.integers(0, 90),
    off=st.booleans(),
)
@example(weekday_hours=[(0, 1440)], special_hours=[], taken=[(600, 1)], duration=240, step=30, before=0, after=0, off=False)
@example(weekday_hours=[(90, 300)], special_hours=[(110, 200)], taken=[], duration=45, step=45, before=0, after=0, off=False)
def test_slots_equal_a_count_of_single_minutes(
    zone: str,
    day: date,
    weekday_hours: list[tuple[int, int]],
    special_hours: list[tuple[int, int]],
    taken: list[tuple[int, int]],
    duration: int,
    step: int,
    before: int,
    after: int,
    off: bool,
) -> None:
    # The day of the change works by the weekday or by special hours, the day before may be off, the day after is ordinary.
    around = {day + timedelta(days=n): weekday_hours for n in range(-3, 5)}
    if special_hours:
        around[day] = special_hours
    if off:
        around[day - timedelta(days=1)] = []
    midnight = int(datetime.combine(day, time(0), ZoneInfo(zone)).timestamp()) // 60
    window = midnight - 720, midnight + 2200
    busy = [(midnight + start, midnight + start + length) for start, length in taken]
    expected = minutes_free(zone, around, busy, {"duration": duration, "step": step, "before": before, "after": after}, window)

    rules = Rules(
        timezone=zone,
        weekly=(tuple(period(each) for each in weekday_hours),) * 7,
        special=((day, tuple(period(each) for each in special_hours)),) if special_hours else (),
        off=(DaysOff(day - timedelta(days=1), day - timedelta(days=1)),) if off else (),
    )
    terms = Terms(duration=duration * 60, step=step * 60, before=before * 60, after=after * 60)
    needed = (window[0] - before) * 60, (window[1] + duration + after) * 60
    free = gaps([start * 60 for start, _ in busy], [end * 60 for _, end in busy], within=needed)
    starts = grid(rules, terms, (window[0] * 60, window[1] * 60))
    assert [start // 60 for start in open_starts(starts, free, terms=terms, trust=Trust())] == expected


def test_an_hour_that_is_skipped_has_no_slots_and_one_that_comes_twice_has_them_twice() -> None:
    night = Rules("Europe/Berlin", ((Period(time(1), time(4)),),) * 7)
    terms = Terms(duration=1800, step=1800)

    def on_wall(day: date) -> list[str]:
        start = int(datetime.combine(day, time(0), UTC).timestamp()) - 7200
        local = [datetime.fromtimestamp(each, ZoneInfo("Europe/Berlin")) for each in grid(night, terms, (start, start + 86400))]
        return [f"{each:%H:%M%z}" for each in local if each.date() == day]

    assert on_wall(date(2026, 3, 29)) == ["01:00+0100", "01:30+0100", "03:00+0200", "03:30+0200"]
    assert on_wall(date(2026, 10, 25)) == [
        "01:00+0200", "01:30+0200", "02:00+0200", "02:30+0200", "02:00+0100", "02:30+0100", "03:00+0100", "03:30+0100",
    ]  # fmt: skip


def test_a_day_off_on_29_february_is_taken_on_the_28th_in_other_years() -> None:
    leap = DaysOff(date(2024, 2, 29), date(2024, 2, 29), yearly=True)
    assert [day for day in (date(2026, 2, 27), date(2026, 2, 28), date(2026, 3, 1)) if leap.covers(day)] == [date(2026, 2, 28)]
    assert [day for day in (date(2028, 2, 28), date(2028, 2, 29), date(2028, 3, 1)) if leap.covers(day)] == [date(2028, 2, 29)]
    assert not leap.covers(date(2023, 2, 28))


def test_yearly_days_off_may_run_across_new_year() -> None:
    holidays = DaysOff(date(2024, 12, 24), date(2025, 1, 2), yearly=True)
    inside = [date(2026, 12, 24), date(2026, 12, 31), date(2027, 1, 1), date(2027, 1, 2), date(2025, 1, 2)]
    assert all(holidays.covers(day) for day in inside)
    assert not any(holidays.covers(day) for day in (date(2026, 12, 23), date(2027, 1, 3), date(2024, 1, 2)))
