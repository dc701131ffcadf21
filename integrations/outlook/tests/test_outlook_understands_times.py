"""Windows names, custom zones, clock changes, whole days, and what takes time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from integrations.contract import Window
from integrations.items import snapshot
from integrations.outlook import mapping
from integrations.outlook.zone_names import windows
from integrations.testing.servers.graph_rules import ZONES, moment
from integrations.testing.world import EVENT, WINDOW
from integrations.wire.recurrence import expand
from integrations.wire.zones import resolve

pytestmark = pytest.mark.once

BUSY = {"subject": "Theirs", "start": {"dateTime": "2031-07-01T10:00:00", "timeZone": "UTC"}, "end": {"dateTime": "2031-07-01T11:00:00", "timeZone": "UTC"}}
SPAN = (datetime(2031, 7, 1, 10, tzinfo=UTC), datetime(2031, 7, 1, 11, tzinfo=UTC))


@pytest.mark.parametrize(
    ("name", "zone"),
    [("W. Europe Standard Time", "Europe/Berlin"), ("GMT Standard Time", "Europe/London"), ("India Standard Time", "Asia/Calcutta"), ("UTC", "UTC")],
)
def test_a_windows_name_is_understood(world, name, zone):
    local = {"dateTime": "2031-07-01T10:00:00", "timeZone": name}
    remote_id = world.post(BUSY | {"start": local, "end": local | {"dateTime": "2031-07-01T11:00:00"}})
    item = world.provider().get(world.calendar, remote_id).item
    assert (item.timezone, item.start) == (zone, datetime(2031, 7, 1, 10, tzinfo=ZoneInfo(zone)))


def test_every_zone_goes_out_under_a_name_graph_knows_and_with_the_same_offsets():
    for name in sorted(available_timezones()):
        found = windows(name)
        assert found == "" or found.lower() in ZONES, name
        for month in (1, 7):
            at = datetime(2026, month, 15, 12, tzinfo=UTC)
            assert found == "" or at.astimezone(ZoneInfo(name)).utcoffset() == at.astimezone(resolve(found)).utcoffset(), name
    assert windows("Europe/Vienna") in ("W. Europe Standard Time", "Central Europe Standard Time")


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(
        [
            "Europe/Berlin",
            "America/New_York",
            "Australia/Lord_Howe",
            "Asia/Kathmandu",
            "America/St_Johns",
            "Pacific/Apia",
            "Europe/Dublin",
            "UTC",
            "Asia/Kolkata",
        ]
    ),
    st.datetimes(datetime(2026, 1, 1), datetime(2036, 1, 1)),  # noqa: DTZ001 - hypothesis wants them naive
    st.integers(0, 3 * 24 * 60),
)
@example("Europe/Berlin", datetime(2031, 10, 26, 0, 30), 30)  # noqa: DTZ001 - the hour that comes twice, both times
@example("Europe/Berlin", datetime(2031, 10, 26, 1, 30), 30)  # noqa: DTZ001
def test_an_instant_goes_out_and_comes_back_in_every_zone_and_hour(zone, naive, minutes):
    start = naive.replace(tzinfo=UTC, microsecond=0)
    item = replace(EVENT, start=start, end=start + timedelta(minutes=minutes), timezone=zone)
    sent = mapping.body(item, "key")
    assert (moment(sent["start"]), moment(sent["end"])) == (item.start, item.end)  # as the server reads it
    row = {"id": "1", "originalStartTimeZone": sent["start"]["timeZone"], **sent}
    assert snapshot(mapping.event(row), ["when"]) == snapshot(item, ["when"])
    assert mapping.event(row).timezone == zone


def test_a_custom_zone_is_exact_for_a_single_event_and_closes_the_time_of_a_series(world):
    pattern = {"pattern": {"type": "daily", "interval": 1}, "range": {"type": "noEnd", "startDate": "2031-07-01"}}
    single, series = world.post(BUSY), world.post(BUSY | {"recurrence": pattern})
    row = world.ask("GET", world.path(single))
    assert mapping.event(row | {"originalStartTimeZone": "tzone://Microsoft/Custom"}).start == SPAN[0]
    row = world.ask("GET", world.path(series))
    change = mapping.change(row | {"originalStartTimeZone": "tzone://Microsoft/Custom"})
    assert (change.item, change.closed) == (None, SPAN)
    assert change.problem


@pytest.mark.parametrize(
    "broken", [{"start": None}, {"start": {"dateTime": "soon", "timeZone": "UTC"}}, {"recurrence": {"pattern": {"type": "hourly"}}}, {"attendees": [7]}]
)
def test_what_can_not_be_read_is_set_aside_with_its_time_as_far_as_it_is_known(broken):
    row = {"id": "1", "@odata.etag": "e", **BUSY, **broken}
    change = mapping.change(row)
    assert (change.item, change.closed) == (None, None if "start" in broken else SPAN)
    assert change.problem


@pytest.mark.parametrize(
    ("start", "end", "zone", "closed"),
    [
        ("2031-07-01T11:00:00", "2031-07-01T10:00:00", "UTC", SPAN),  # ends before it starts
        ("0001-01-01T00:00:00", "0001-01-01T01:00:00", "W. Europe Standard Time", None),  # no instants
        ("9999-12-31T23:00:00", "9999-12-31T23:59:59", "Pacific Standard Time", None),
        ("9999-12-32T00:00:00", "9999-12-31T23:59:59", "UTC", None),
    ],
)
def test_a_time_that_can_not_be_is_set_aside_and_closed_as_far_as_it_is_known(start, end, zone, closed):
    """F64 g, f. Seen red without the comparison, and with an overflow in what is closed: the whole listing broke at such an event."""
    change = mapping.change(timed(start, end, zone))
    assert (change.item, change.closed) == (None, closed)
    assert change.problem


@pytest.mark.parametrize(
    ("start", "end", "inside"),
    [
        ("2030-03-03T11:00:00", "2032-06-03T11:00:00", True),  # two years, begun before the window
        ("2031-10-26T00:30:00", "2031-10-26T01:10:00", True),  # forty minutes in the hour that comes twice in Berlin
        ("0001-01-01T00:00:00", "0001-01-01T01:00:00", False),
        ("9999-12-31T20:00:00", "9999-12-31T21:00:00", False),
    ],
)
def test_a_time_however_far_or_long_is_read_as_it_is(start, end, inside):
    change = mapping.change(timed(start, end, "UTC") | {"originalStartTimeZone": "W. Europe Standard Time"})
    assert change.item is not None
    assert bool(expand(change.item, (), WINDOW).instances) == inside


def timed(start, end, zone):
    return {"id": "1", "start": {"dateTime": start, "timeZone": zone}, "end": {"dateTime": end, "timeZone": zone}, "originalStartTimeZone": zone}


@pytest.mark.parametrize("zone", ["Pacific Standard Time", "Tonga Standard Time", "UTC"])
def test_whole_days_stay_what_they_are_wherever_they_were_entered(world, zone):
    days = {"start": {"dateTime": "2031-05-01T00:00:00", "timeZone": zone}, "end": {"dateTime": "2031-05-03T00:00:00", "timeZone": zone}, "isAllDay": True}
    item = world.provider().get(world.calendar, world.post(BUSY | days)).item
    assert (item.start, item.end) == (date(2031, 5, 1), date(2031, 5, 3))
    berlin = world.provider(timezone="Europe/Berlin").busy([world.calendar], WINDOW)
    assert berlin == [(datetime(2031, 4, 30, 22, tzinfo=UTC), datetime(2031, 5, 2, 22, tzinfo=UTC))]


@pytest.mark.parametrize("local", ["2031-05-01T07:00:00.0000000", "2031-04-30T22:00:00.0000000"])
def test_whole_days_that_were_converted_on_the_way_are_put_back(local):
    """Not seen from Graph, but other readers of calendars do it."""
    zone = {7: "Pacific Standard Time", 22: "W. Europe Standard Time"}[int(local[11:13])]
    end = local.replace("05-01", "05-02").replace("04-30", "05-01")
    row = {
        "id": "1",
        "isAllDay": True,
        "originalStartTimeZone": zone,
        "start": {"dateTime": local, "timeZone": "UTC"},
        "end": {"dateTime": end, "timeZone": "UTC"},
    }
    assert (mapping.event(row).start, mapping.event(row).end) == (date(2031, 5, 1), date(2031, 5, 2))


def test_busy_times_end_with_the_window(world):
    world.post(BUSY)
    half = Window(SPAN[0] - timedelta(days=1), SPAN[0] + timedelta(minutes=30))
    assert world.provider().busy([world.calendar], half) == [(SPAN[0], half.end)]
