"""Graph's patterns and RFC 5545 say the same, and a series takes the same time by our reckoning and by the server's."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integrations.contract import NeedsPerson, Window
from integrations.outlook import series
from integrations.testing.servers.graph_series import occurrences
from integrations.testing.world import BERLIN, EVENT, WINDOW, read
from integrations.wire.recurrence import expand, taken

pytestmark = pytest.mark.once

NAME = "W. Europe Standard Time"
DAYS = list(series.CODES)
FIRST = st.datetimes(datetime(2031, 1, 1), datetime(2032, 12, 31)).map(lambda at: at.replace(minute=at.minute // 5 * 5, second=0, microsecond=0, fold=0))  # noqa: DTZ001 - wall times
INTERVAL = st.integers(1, 4)
SOME_DAYS = st.sets(st.sampled_from(DAYS), min_size=1).map(lambda found: [day for day in DAYS if day in found])
INDEX = st.sampled_from(list(series.PLACES))
LENGTHS = {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}
YEARDAY = st.integers(1, 12).flatmap(lambda month: st.fixed_dictionaries({"month": st.just(month), "dayOfMonth": st.integers(1, LENGTHS.get(month, 31))}))
PATTERN = st.one_of(
    st.fixed_dictionaries({"type": st.just("daily"), "interval": INTERVAL}),
    st.fixed_dictionaries({"type": st.just("weekly"), "interval": INTERVAL, "daysOfWeek": SOME_DAYS, "firstDayOfWeek": st.sampled_from(["monday", "sunday"])}),
    st.fixed_dictionaries({"type": st.just("absoluteMonthly"), "interval": INTERVAL, "dayOfMonth": st.integers(1, 31)}),
    st.fixed_dictionaries({"type": st.just("relativeMonthly"), "interval": INTERVAL, "daysOfWeek": SOME_DAYS, "index": INDEX}),
    YEARDAY.map(lambda found: {"type": "absoluteYearly", "interval": 1} | found),
    st.fixed_dictionaries({"type": st.just("relativeYearly"), "interval": st.just(1), "daysOfWeek": SOME_DAYS, "index": INDEX, "month": st.integers(1, 12)}),
)
RANGE = st.one_of(
    st.just({"type": "noEnd"}),
    st.integers(1, 20).map(lambda number: {"type": "numbered", "numberOfOccurrences": number}),
    st.integers(0, 700).map(lambda days: {"type": "endDate", "days": days}),
)


@st.composite
def series_of_graph(draw):
    """(first, recurrence) with a first occurrence that is one of the pattern's, as Outlook makes it."""
    pattern, reach, drawn = draw(PATTERN), dict(draw(RANGE)), draw(FIRST)
    fields = {"start": _moment(drawn), "end": _moment(drawn + timedelta(minutes=45)), "recurrence": {"pattern": pattern, "range": {"type": "noEnd"}}}
    day = next(day for day, _, _ in occurrences(fields, datetime(2060, 1, 1, tzinfo=UTC)))
    first = datetime.combine(day, drawn.time())
    if reach["type"] == "endDate":
        reach["endDate"] = (day + timedelta(days=reach.pop("days"))).isoformat()
    return first, {"pattern": pattern, "range": reach | {"startDate": day.isoformat(), "recurrenceTimeZone": NAME}}


def _moment(local: datetime) -> dict[str, str]:
    return {"dateTime": local.isoformat(), "timeZone": NAME}


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(series_of_graph())
def test_a_pattern_becomes_a_rule_that_takes_the_same_time(found):
    first, recurrence = found
    start = first.replace(tzinfo=BERLIN)
    window = Window(start.astimezone(UTC) - timedelta(days=1), start.astimezone(UTC) + timedelta(days=1200))
    fields = {"start": _moment(first), "end": _moment(first + timedelta(minutes=45)), "recurrence": recurrence}
    theirs = [begin for _, begin, _ in occurrences(fields, window.end)]
    item = replace(EVENT, start=start, end=start + timedelta(minutes=45), recurrence=(series.rule(recurrence, start, BERLIN),))
    ours = expand(item, (), window)
    assert not ours.problem
    assert [one.start for one in ours.instances] == theirs


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(series_of_graph())
def test_a_pattern_goes_to_a_rule_and_back(found):
    first, recurrence = found
    start = first.replace(tzinfo=BERLIN)
    line = series.rule(recurrence, start, BERLIN)
    back = series.recurrence((line,), start, BERLIN, NAME)
    assert series.rule(back, start, BERLIN) == line
    assert back["range"] == recurrence["range"]
    pattern = recurrence["pattern"]
    if pattern["type"] == "weekly" and pattern["interval"] == 1:  # which day a week begins with makes no difference then
        pattern = pattern | {"firstDayOfWeek": "monday"}
    assert back["pattern"] == pattern


@pytest.mark.parametrize(
    "lines",
    [
        ("RRULE:FREQ=HOURLY",), ("RRULE:FREQ=DAILY;BYHOUR=9,10",), ("RRULE:FREQ=MONTHLY;BYMONTHDAY=31",), ("RRULE:FREQ=MONTHLY;BYMONTHDAY=1,15",),
        ("RRULE:FREQ=MONTHLY;BYDAY=5TH",), ("RRULE:FREQ=YEARLY;BYDAY=20MO",), ("RRULE:FREQ=YEARLY;BYWEEKNO=20",), ("RRULE:FREQ=WEEKLY;BYDAY=2MO",),
        ("RRULE:FREQ=MONTHLY;BYMONTH=3;BYMONTHDAY=5",), ("RRULE:FREQ=DAILY", "RRULE:FREQ=WEEKLY"), ("RDATE:20310401T100000Z",),
    ],
)  # fmt: skip
def test_a_rule_that_outlook_does_not_know_is_refused_and_not_bent(world, lines):
    with pytest.raises(NeedsPerson) as caught:
        world.provider().create(world.calendar, replace(EVENT, recurrence=lines), "key-1")
    assert caught.value.code == "rejected"
    assert world.writes() == 0


def test_a_date_that_is_left_out_is_taken_out_of_the_series_there(world):
    """Outlook's pattern knows no exceptions: the series is made, then that date deleted. Seen red when the receipt is given without writing the dates."""
    provider = world.provider()
    rows = replace(EVENT, recurrence=("RRULE:FREQ=DAILY;COUNT=3", f"EXDATE:{EVENT.start + timedelta(days=1):%Y%m%dT090000Z}"))
    receipt = provider.create(world.calendar, rows, "key-1")
    assert [start for start, _ in provider.busy([world.calendar], WINDOW)] == [EVENT.start, EVENT.start + timedelta(days=2)]
    assert provider.get(world.calendar, receipt.remote_id).item == replace(receipt.item, exceptions=())


@pytest.mark.feature("C7")
def test_a_series_with_moved_and_cancelled_instances_takes_the_time_the_server_says(world):
    """Red without the exceptions, and without the cancelled days, in mapping.change."""
    second, third = (datetime(2031, 3, day, 10, tzinfo=BERLIN) for day in (17, 24))
    rows = replace(EVENT, recurrence=("RRULE:FREQ=WEEKLY;COUNT=6", "EXDATE:20310310T090000Z"))
    moved = replace(EVENT, title="Moved", start=second + timedelta(hours=3), end=second + timedelta(hours=4), recurrence_id=second)
    remote_id = world.put(rows, moved)
    world.ask("PATCH", world.path(world.occurrence(remote_id, third)), {"showAs": "free"})
    provider = world.provider()
    change = read(provider, world.calendar)[0][remote_id]
    assert {one.recurrence_id for one in change.exceptions} == {second, third}
    server = provider.busy([world.calendar], WINDOW)
    assert taken([change], WINDOW) == server
    assert len(server) == 4  # six, one cancelled, one free
    assert provider.get(world.calendar, remote_id) == change


def test_a_series_is_read_whole_when_one_instance_changes(world):
    provider = world.provider()
    remote_id = world.put(replace(EVENT, recurrence=("RRULE:FREQ=WEEKLY;COUNT=6",)))
    world.put(replace(EVENT, title="Another"))
    _, cursor, _ = read(provider, world.calendar)
    day = datetime(2031, 3, 10, 10, tzinfo=BERLIN)
    world.ask("DELETE", world.path(world.occurrence(remote_id, day)))
    found, cursor, _ = read(provider, world.calendar, cursor)
    assert [one for one, change in found.items() if not change.gone] == [remote_id]
    item = found[remote_id].item
    assert item is not None
    assert item.recurrence == ("RRULE:FREQ=WEEKLY;COUNT=6", "EXDATE:20310310T090000Z")
    world.ask("PATCH", world.path(world.occurrence(remote_id, day + timedelta(days=7))), {"subject": "By hand"})
    found, cursor, _ = read(provider, world.calendar, cursor)
    assert [one.title for one in found[remote_id].exceptions] == ["By hand"]
    world.remove(remote_id)
    assert read(provider, world.calendar, cursor)[0][remote_id].gone


def test_a_series_of_whole_days_keeps_its_days(world):
    item = replace(EVENT, start=date(2031, 3, 29), end=date(2031, 3, 31), all_day=True, recurrence=("RRULE:FREQ=DAILY;INTERVAL=3;UNTIL=20310405",))
    provider = world.provider(timezone="Europe/Berlin")
    receipt = provider.create(world.calendar, item, "key-1")
    change = provider.get(world.calendar, receipt.remote_id)
    assert change.item.recurrence == item.recurrence
    found = provider.busy([world.calendar], WINDOW)
    assert found == taken([change], WINDOW, zone=ZoneInfo("Europe/Berlin"))
    assert len(found) == 3
    world.ask("DELETE", world.path(f"{receipt.remote_id}.2031-04-01"))
    change = provider.get(world.calendar, receipt.remote_id)
    assert "EXDATE;VALUE=DATE:20310401" in change.item.recurrence
    assert provider.busy([world.calendar], WINDOW) == taken([change], WINDOW, zone=ZoneInfo("Europe/Berlin"))
