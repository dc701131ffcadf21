"""What is written for an event reads back as the same event, whatever its zone, its times and its state."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.google import mapping
from integrations.items import OWNED, Event, Person, fingerprint
from integrations.testing.world import WINDOW
from integrations.wire.recurrence import concerns, expand

pytestmark = pytest.mark.pure

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia", "America/St_Johns", "Africa/Casablanca"]
SHOWN = ["free", "tentative", "busy", "away", "elsewhere"]
GUESTS = [Person("ada@example.com", "Ada"), Person("bea@example.com"), Person("room@example.com", "Room 1", role="resource")]


@st.composite
def events(draw: st.DrawFn) -> Event:
    zone, all_day = draw(st.sampled_from(ZONES)), draw(st.booleans())
    start: Any = draw(st.integers(1_735_000_000, 2_050_000_000).map(lambda at: datetime.fromtimestamp(at, UTC))).astimezone(ZoneInfo(zone))
    length = timedelta(minutes=draw(st.integers(0, 3000)))
    end = (start.astimezone(UTC) + length).astimezone(ZoneInfo(zone))
    if all_day:
        start, end = start.date(), start.date() + timedelta(days=draw(st.integers(1, 40)))
    return Event(
        start,
        end,
        title=draw(st.text(max_size=30)),
        description=draw(st.text(max_size=60)),
        location=draw(st.text(max_size=30)),
        all_day=all_day,
        timezone=zone,
        show_as=draw(st.sampled_from(SHOWN)),
        private=draw(st.booleans()),
        attendees=tuple(draw(st.lists(st.sampled_from(GUESTS), unique=True))),
        reminder=draw(st.none() | st.integers(0, 40000)),
    )


def merged(row: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    found = dict(row)
    for name, value in patch.items():
        found[name] = merged(found.get(name) or {}, value) if isinstance(value, dict) else value
    return {name: value for name, value in found.items() if value is not None}


@given(events())
def test_a_new_event_reads_back_as_it_was(item: Event) -> None:
    read = mapping.event(mapping.body(item, "key"), "UTC")
    assert fingerprint(read) == fingerprint(item)
    assert (read.key, read.reminder) == ("key", item.reminder)


@given(events(), events(), st.sets(st.sampled_from(OWNED)))
def test_a_patch_changes_its_groups_and_no_other(before: Event, after: Event, groups: set[str]) -> None:
    row = mapping.body(before, "key")
    read = mapping.event(merged(row, mapping.fields(after, groups, row)), "UTC")
    assert fingerprint(read, groups) == fingerprint(after, groups)
    assert fingerprint(read, set(OWNED) - groups) == fingerprint(before, set(OWNED) - groups)


@given(st.text(), st.integers(0, 9))
def test_an_id_is_one_that_google_takes_and_always_the_same(key: str, number: int) -> None:
    made = mapping.event_id(key, number)
    assert made == mapping.event_id(key, number)
    assert 5 <= len(made) <= 1024
    assert set(made) <= set("0123456789abcdefghijklmnopqrstuv")


def test_the_days_of_an_event_have_no_time() -> None:
    days = Event(date(2031, 5, 1), date(2031, 5, 3), all_day=True)
    assert mapping.body(days, "key")["start"] == {"date": "2031-05-01"}


@pytest.mark.parametrize(
    ("start", "end", "closed"),
    [
        ("2031-03-03T11:00:00+01:00", "2031-03-03T10:00:00+01:00", ("2031-03-03T09:00Z", "2031-03-03T10:00Z")),  # ends before it starts
        ("2031-03-03", "2031-03-01", ("2031-02-28T00:00Z", "2031-03-04T00:00Z")),
        ("0001-01-01T00:00:00", "0001-01-01T01:00:00", None),  # no instants, where days begin earlier than in Greenwich …
        ("0001-01-01T00:00:00+02:00", "2031-03-03T10:00:00+01:00", None),
        ("9999-12-31T23:00:00-05:00", "9999-12-31T23:59:59-05:00", None),  # … or later
        ("9999-12-31", "10000-01-01", None),
    ],
)
def test_a_time_that_can_not_be_is_set_aside_and_closed_as_far_as_it_is_known(start: str, end: str, closed: tuple[str, str] | None) -> None:
    """F64 g, f. Seen red without the comparison, and with wall times without an offset taken as they are: the whole listing broke at the first of them."""
    change = mapping.change(row_of(start, end))
    assert change.item is None
    assert change.problem
    assert change.closed == (closed and tuple(datetime.fromisoformat(one) for one in closed))
    assert concerns(change, WINDOW)


@pytest.mark.parametrize(
    ("start", "end", "inside"),
    [
        ("2030-03-03T11:00:00+01:00", "2032-06-03T11:00:00+02:00", True),  # two years, begun before the window
        ("2031-10-26T02:30:00+02:00", "2031-10-26T02:10:00+01:00", True),  # forty minutes in the hour that comes twice
        ("2031-03-03", "2031-03-03", True),
        ("0001-01-01", "0001-01-02", False),
        ("0001-01-01T00:00:00Z", "0001-01-01T01:00:00Z", False),
        ("9999-12-30", "9999-12-31", False),
    ],
)
def test_a_time_however_far_or_long_is_read_as_it_is(start: str, end: str, inside: bool) -> None:
    change = mapping.change(row_of(start, end))
    assert change.item is not None
    assert not change.problem
    assert concerns(change, WINDOW) == inside
    assert bool(expand(change.item, (), WINDOW).instances) == inside


def row_of(start: str, end: str) -> dict[str, Any]:
    times = {name: {"dateTime" if "T" in text else "date": text, "timeZone": "Europe/Berlin"} for name, text in (("start", start), ("end", end))}
    return {"id": "abcde", "status": "confirmed", **times}
