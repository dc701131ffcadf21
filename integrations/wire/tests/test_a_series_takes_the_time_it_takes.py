"""A series is expanded as RFC 5545 says, compared with an implementation that is not ours, and never takes long."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given, settings
from hypothesis import strategies as st

from integrations.contract import Change, Window
from integrations.items import Event
from integrations.wire.recurrence import expand, taken

pytestmark = pytest.mark.pure

BERLIN = ZoneInfo("Europe/Berlin")
WINDOW = Window(datetime(2031, 1, 1, tzinfo=UTC), datetime(2033, 1, 1, tzinfo=UTC))
FIRST = datetime(2031, 3, 3, 10, tzinfo=BERLIN)
SERIES = Event(start=FIRST, end=FIRST + timedelta(hours=1), timezone="Europe/Berlin", recurrence=("RRULE:FREQ=WEEKLY;COUNT=5",))


def starts(item: Event, *exceptions: Event, window: Window = WINDOW) -> list[datetime]:
    expansion = expand(item, exceptions, window)
    assert not expansion.problem
    return [one.start for one in expansion.instances]


RULES = st.sampled_from(
    (
        "FREQ=DAILY", "FREQ=DAILY;INTERVAL=3", "FREQ=DAILY;BYDAY=MO,WE", "FREQ=DAILY;BYMONTH=2,3;COUNT=20", "FREQ=WEEKLY", "FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=SU,TU",
        "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;COUNT=44", "FREQ=MONTHLY", "FREQ=MONTHLY;BYMONTHDAY=-1", "FREQ=MONTHLY;BYMONTHDAY=31", "FREQ=MONTHLY;BYDAY=2TU,-1FR",
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "FREQ=MONTHLY;INTERVAL=5;BYMONTHDAY=1,15", "FREQ=YEARLY", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", "FREQ=YEARLY;BYDAY=20MO",
        "FREQ=YEARLY;BYMONTH=3,10;BYDAY=-1SU", "FREQ=YEARLY;BYWEEKNO=1,53", "FREQ=YEARLY;BYYEARDAY=1,100,-1", "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO", "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13",
        "FREQ=DAILY;BYHOUR=8,12;BYMINUTE=0,30;COUNT=50", "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8", "FREQ=DAILY;UNTIL=20310501T000000Z",
    )
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(rule=RULES, day=st.dates(date(2024, 1, 1), date(2032, 6, 1)), hour=st.integers(0, 23))
def test_it_finds_the_starts_another_implementation_finds(rule: str, day: date, hour: int) -> None:
    first = datetime(day.year, day.month, day.day, hour, tzinfo=UTC)
    expected = [
        one
        for one in rrulestr(rule, dtstart=first).between(WINDOW.start - timedelta(hours=1), WINDOW.end, inc=True)
        if WINDOW.start < one + timedelta(hours=1) and one < WINDOW.end
    ]
    item = Event(start=first, end=first + timedelta(hours=1), recurrence=(f"RRULE:{rule}",))
    found = starts(item)
    if "COUNT" not in rule or first in rrulestr(rule, dtstart=first).between(first, first, inc=True):
        assert [one for one in found if one != first] == [one for one in expected if one != first]
    assert (first in found) == (first >= WINDOW.start)


def test_it_keeps_the_wall_time_over_a_clock_change() -> None:
    hours = {one.astimezone(BERLIN).hour for one in starts(replace(SERIES, recurrence=("RRULE:FREQ=DAILY;COUNT=300",)))}
    assert hours == {10}


def test_a_time_the_clock_skips_is_read_with_the_offset_before() -> None:
    item = replace(
        SERIES, start=datetime(2031, 3, 29, 2, 30, tzinfo=BERLIN), end=datetime(2031, 3, 29, 3, tzinfo=BERLIN), recurrence=("RRULE:FREQ=DAILY;COUNT=3",)
    )
    assert starts(item)[1] == datetime(2031, 3, 30, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "line",
    [
        "EXDATE:20310310T090000Z",
        "EXDATE;TZID=Europe/Berlin:20310310T100000",
        "EXDATE;VALUE=DATE:20310310",
        "EXDATE;TZID=W. Europe Standard Time:20310310T100000",
    ],
)
def test_an_excluded_date_is_free(line: str) -> None:
    assert datetime(2031, 3, 10, 9, tzinfo=UTC) not in starts(replace(SERIES, recurrence=(*SERIES.recurrence, line)))


@pytest.mark.parametrize(
    "line", ["RDATE:20310401T090000Z", "RDATE;VALUE=PERIOD:20310401T090000Z/PT30M", "RDATE;VALUE=PERIOD:20310401T090000Z/20310401T093000Z"]
)
def test_an_added_date_is_taken(line: str) -> None:
    assert datetime(2031, 4, 1, 9, tzinfo=UTC) in starts(replace(SERIES, recurrence=(*SERIES.recurrence, line)))


def test_a_moved_instance_frees_its_old_time_and_takes_the_new() -> None:
    old = FIRST + timedelta(days=7)
    moved = replace(SERIES, recurrence=(), start=old + timedelta(hours=4), end=old + timedelta(hours=5), recurrence_id=old)
    found = starts(SERIES, moved)
    assert old.astimezone(UTC) not in found
    assert (old + timedelta(hours=4)).astimezone(UTC) in found
    assert len(found) == 5


def test_an_instance_moved_into_the_window_is_seen() -> None:
    window = Window(datetime(2031, 6, 1, tzinfo=UTC), datetime(2031, 7, 1, tzinfo=UTC))
    moved = replace(SERIES, recurrence=(), start=datetime(2031, 6, 2, 9, tzinfo=UTC), end=datetime(2031, 6, 2, 10, tzinfo=UTC), recurrence_id=FIRST)
    assert starts(SERIES, moved, window=window) == [datetime(2031, 6, 2, 9, tzinfo=UTC)]


def test_instances_without_their_series_are_events_of_their_own() -> None:
    lone = replace(SERIES, recurrence=(), recurrence_id=FIRST)
    other = replace(lone, start=FIRST + timedelta(days=1), end=FIRST + timedelta(days=1, hours=1), recurrence_id=FIRST + timedelta(days=7))
    assert starts(lone, other) == [FIRST.astimezone(UTC), (FIRST + timedelta(days=1)).astimezone(UTC)]


def test_an_all_day_series_takes_the_days_of_its_zone() -> None:
    item = Event(start=date(2031, 3, 29), end=date(2031, 3, 30), all_day=True, recurrence=("RRULE:FREQ=DAILY;COUNT=3",))
    spans = [(one.start, one.end) for one in expand(item, (), WINDOW, zone=BERLIN).instances]
    assert [(end - start).total_seconds() / 3600 for start, end in spans] == [24, 23, 24]
    assert spans[0][0] == datetime(2031, 3, 28, 23, tzinfo=UTC)


def test_what_began_before_the_window_is_seen() -> None:
    item = Event(start=datetime(2030, 12, 1, tzinfo=UTC), end=datetime(2031, 1, 2, tzinfo=UTC))
    assert starts(item) == [datetime(2030, 12, 1, tzinfo=UTC)]


HOSTILE = (
    "FREQ=SECONDLY", "FREQ=MINUTELY;INTERVAL=1", "FREQ=HOURLY", "FREQ=DAILY;INTERVAL=0", "FREQ=DAILY;INTERVAL=-1", "FREQ=DAILY;COUNT=0", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=31", "FREQ=DAILY;BYHOUR=" + ",".join(map(str, range(24))) + ";BYMINUTE=" + ",".join(map(str, range(60))), "FREQ=DAILY;COUNT=999999",
    "FREQ=YEARLY;BYDAY=" + ",".join(["MO"] * 20_000), "FREQ=DAILY;BYSETPOS=400", "FREQ=NEVER", "", "FREQ=DAILY;BYMONTH=13", "FREQ=DAILY;BYSECOND=0,1,2,3,4,5,6,7,8,9,10,11,12;BYMINUTE=1,2,3,4",
    "FREQ=DAILY;UNTIL=99991231T235959Z", "FREQ=DAILY;UNTIL=nonsense", "FREQ=DAILY;INTERVAL=" + "9" * 500, "FREQ=WEEKLY;BYDAY=99MO", "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=1,2,3,-400",
)  # fmt: skip


@pytest.mark.parametrize("rule", HOSTILE)
@pytest.mark.parametrize("year", [1, 1604, 2031, 9999])
def test_a_hostile_rule_ends_within_a_second_and_never_opens_its_own_time(rule: str, year: int) -> None:
    first = datetime(year, 3, 3, 10, tzinfo=UTC)
    begin = time.process_time()
    expansion = expand(Event(start=first, end=first + timedelta(hours=1), recurrence=(f"RRULE:{rule}",)), (), WINDOW)
    assert time.process_time() - begin < 1
    if year == 2031:
        spans = taken([Change("x", item=Event(start=first, end=first + timedelta(hours=1), recurrence=(f"RRULE:{rule}",)))], WINDOW)
        assert any(start <= first < end for start, end in spans)
    assert len(expansion.instances) <= 2_000


def test_too_many_instances_close_the_rest_of_the_window() -> None:
    expansion = expand(replace(SERIES, recurrence=("RRULE:FREQ=DAILY",)), (), WINDOW, limit=10)
    assert len(expansion.instances) == 10
    assert expansion.problem
    assert expansion.closed == (expansion.instances[-1].start + timedelta(days=1), WINDOW.end)


def test_free_and_cancelled_instances_take_no_time() -> None:
    gone = replace(SERIES, recurrence=(), recurrence_id=FIRST, status="cancelled")
    free = replace(
        SERIES, recurrence=(), recurrence_id=FIRST + timedelta(days=7), start=FIRST + timedelta(days=7), end=FIRST + timedelta(days=7, hours=1), show_as="free"
    )
    assert len(taken([Change("x", item=SERIES, exceptions=(gone, free))], WINDOW)) == 3


def test_what_can_not_be_read_is_closed() -> None:
    closed = (datetime(2031, 5, 1, tzinfo=UTC), datetime(2031, 5, 2, tzinfo=UTC))
    assert taken([Change("x", problem="broken", closed=closed)], WINDOW) == [closed]
