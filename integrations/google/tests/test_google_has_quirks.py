"""What is Google's own: kinds of events, series in its feed, guests and their mails, ids that are used up."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from integrations.contract import Changed, NeedsPerson, Retry, Window
from integrations.google.tests.world import GoogleWorld
from integrations.items import Person
from integrations.testing.servers.google import GoogleServer
from integrations.testing.world import BERLIN, EVENT, WINDOW, read
from integrations.wire.recurrence import expand

pytestmark = pytest.mark.once

WEEKLY = replace(EVENT, uid="series@person", recurrence=("RRULE:FREQ=WEEKLY;COUNT=5",))
ADA, BEA = Person("ada@example.com", "Ada"), Person("bea@example.com", "Bea")


def instance(remote_id: str, week: int) -> str:
    start = EVENT.start + timedelta(weeks=week)
    assert isinstance(start, datetime)
    return f"{remote_id}_{start.astimezone(UTC):%Y%m%dT%H%M%SZ}"


# Kinds of events

STATUS = {"start": {"dateTime": "2031-03-03T10:00:00+01:00"}, "end": {"dateTime": "2031-03-03T11:00:00+01:00"}}
PLACE = {"visibility": "public", "transparency": "transparent", "workingLocationProperties": {"type": "homeOffice", "homeOffice": {}}}


@pytest.mark.parametrize(
    ("row", "shown"),
    [({"eventType": "outOfOffice"}, "away"), ({"eventType": "focusTime"}, "busy"), ({"eventType": "workingLocation"} | PLACE, "elsewhere")],
)
def test_each_kind_of_event_is_read_as_what_it_means(world: GoogleWorld, row: dict[str, Any], shown: str) -> None:
    made = world.ask("POST", "events", STATUS | row, calendar="primary")
    provider = world.provider()
    primary = provider.identity()
    item = read(provider, primary)[0][made["id"]].item
    assert item is not None
    assert item.show_as == shown


def test_a_finer_value_of_ours_yields_to_what_another_client_sets(world: GoogleWorld) -> None:
    provider = world.provider()
    receipt = provider.create(world.calendar, replace(EVENT, show_as="away"), "key-1")
    world.patch(receipt.remote_id, transparency="transparent")
    item = provider.get(world.calendar, receipt.remote_id).item
    assert item is not None
    assert item.show_as == "free"


# Series


@pytest.mark.parametrize("path", ["listing", "delta", "get"])
def test_a_cancelled_instance_is_part_of_its_series(world: GoogleWorld, path: str) -> None:
    provider = world.provider()
    cursor = read(provider, world.calendar)[1]
    remote_id = world.put(WEEKLY)
    if path == "delta":
        cursor = read(provider, world.calendar, cursor)[1]
    world.remove(instance(remote_id, 2))
    world.edit(instance(remote_id, 3), title="Moved", start=EVENT.start + timedelta(weeks=3, hours=5), end=EVENT.end + timedelta(weeks=3, hours=5))
    change = provider.get(world.calendar, remote_id) if path == "get" else read(provider, world.calendar, cursor if path == "delta" else "")[0][remote_id]
    assert change.item is not None
    assert change.item.recurrence == WEEKLY.recurrence
    alive = [one for one in expand(change.item, change.exceptions, WINDOW).instances if one.status != "cancelled"]
    assert [one.start for one in alive] == [EVENT.start + timedelta(weeks=week, hours=5 if week == 3 else 0) for week in (0, 1, 3, 4)]
    assert provider.busy([world.calendar], WINDOW) == [(one.start, one.end) for one in alive]


def test_an_instance_just_cancelled_is_known_though_a_search_by_uid_hides_it(world: GoogleWorld, server: GoogleServer) -> None:
    server.narrow = True
    provider = world.provider()
    remote_id = world.put(WEEKLY)
    cursor = read(provider, world.calendar)[1]
    world.remove(instance(remote_id, 2))
    change = read(provider, world.calendar, cursor)[0][remote_id]
    assert [(one.status, one.recurrence_id) for one in change.exceptions] == [("cancelled", EVENT.start + timedelta(weeks=2))]


def test_a_deleted_series_is_gone_once_with_all_its_exceptions(world: GoogleWorld) -> None:
    provider = world.provider()
    remote_id = world.put(WEEKLY)
    world.remove(instance(remote_id, 1))
    cursor = read(provider, world.calendar)[1]
    world.remove(instance(remote_id, 2))
    world.remove(remote_id)
    pages = list(provider.changes(world.calendar, cursor, WINDOW))
    assert [(change.remote_id, change.gone) for page in pages for change in page.changes] == [(remote_id, True)]
    assert read(provider, world.calendar)[0] == {}


def test_an_instance_without_its_series_is_known_by_its_own_id(world: GoogleWorld, server: GoogleServer) -> None:
    """Whoever is invited to one instance only has no master in the calendar."""
    provider = world.provider()
    remote_id, cursor = world.put(WEEKLY), read(provider, world.calendar)[1]
    world.edit(instance(remote_id, 1), title="Only this one")
    del server.store.calendars[world.calendar].events[remote_id]
    for found in (read(provider, world.calendar)[0], read(provider, world.calendar, cursor)[0]):
        assert {name: change.item.title for name, change in found.items() if change.item} == {instance(remote_id, 1): "Only this one"}
    item = provider.get(world.calendar, instance(remote_id, 1)).item
    assert item is not None
    assert item.recurrence_id == EVENT.start + timedelta(weeks=1)
    cursor = read(provider, world.calendar)[1]
    world.remove(instance(remote_id, 1))
    assert [change.gone for change in read(provider, world.calendar, cursor)[0].values()] == [True]
    assert read(provider, world.calendar)[0] == {}


def test_a_changed_series_is_read_whole_over_many_pages(world: GoogleWorld) -> None:
    provider = world.provider()
    remote_id = world.put(replace(WEEKLY, recurrence=("RRULE:FREQ=WEEKLY;COUNT=9",)))
    for week in range(7):
        world.edit(instance(remote_id, week), title=f"Week {week}")
    cursor = read(provider, world.calendar)[1]
    world.edit(instance(remote_id, 7), title="Week 7")
    change = read(provider, world.calendar, cursor)[0][remote_id]
    assert sorted(one.title for one in change.exceptions) == [f"Week {week}" for week in range(8)]


def test_an_event_in_an_unknown_zone_is_set_aside_and_closed(world: GoogleWorld, server: GoogleServer) -> None:
    good, bad = world.put(EVENT), world.put(EVENT)
    server.store.calendars[world.calendar].events[bad]["start"]["timeZone"] = "Nowhere/Atlantis"
    found = read(world.provider(), world.calendar)[0]
    assert found[good].item is not None
    assert found[bad].item is None
    assert found[bad].problem
    assert found[bad].closed == (EVENT.start, EVENT.end)


@pytest.mark.parametrize("broken", [{"start": {}}, {"start": None}, {"start": "x"}, {"end": {"date": "2031-02-30"}}, {"attendees": 5}, {"recurrence": 5}])
def test_one_event_that_makes_no_sense_does_not_stop_the_others(world: GoogleWorld, server: GoogleServer, broken: dict[str, Any]) -> None:
    bad, good = world.put(EVENT), world.put(EVENT)
    server.store.calendars[world.calendar].events[bad].update(broken)
    server.page_size = 10
    found = read(world.provider(), world.calendar)[0]
    assert found[good].item is not None
    assert found[bad].item is None
    assert found[bad].problem


# Guests


def test_nobody_is_mailed_unless_that_is_asked_for(world: GoogleWorld, server: GoogleServer) -> None:
    provider = world.provider()
    item = replace(EVENT, attendees=(ADA, BEA))
    receipt = provider.create(world.calendar, item, "key-1")
    receipt = provider.update(world.calendar, receipt.remote_id, replace(item, start=EVENT.start - timedelta(hours=1)), ["when"], receipt.etag)
    provider.delete(world.calendar, receipt.remote_id, receipt.etag)
    assert server.store.mails == []


def test_guests_are_mailed_about_what_concerns_them_where_google_invites(world: GoogleWorld, server: GoogleServer) -> None:
    provider = world.provider(invites=True)
    item = replace(EVENT, attendees=(ADA,))
    receipt = provider.create(world.calendar, item, "key-1")
    receipt = provider.update(world.calendar, receipt.remote_id, replace(item, private=True), ["private", "show_as"], receipt.etag)
    assert [one.about for one in server.store.mails] == ["insert"]
    receipt = provider.update(world.calendar, receipt.remote_id, replace(item, start=EVENT.start - timedelta(hours=1)), ["when"], receipt.etag)
    provider.delete(world.calendar, receipt.remote_id, receipt.etag)
    assert [(one.to, one.about) for one in server.store.mails] == [("ada@example.com", about) for about in ("insert", "update", "delete")]


@pytest.mark.feature("A8")
def test_guests_never_see_each_other(world: GoogleWorld) -> None:
    """Red without guestsCanSeeOtherGuests in a new event, and without it beside changed attendees."""
    provider = world.provider()
    receipt = provider.create(world.calendar, EVENT, "key-1")
    assert world.row(receipt.remote_id)["guestsCanSeeOtherGuests"] is False
    world.patch(receipt.remote_id, guestsCanSeeOtherGuests=True)
    now = provider.get(world.calendar, receipt.remote_id)
    provider.update(world.calendar, receipt.remote_id, replace(EVENT, attendees=(ADA, BEA)), ["attendees"], now.etag)
    assert world.row(receipt.remote_id)["guestsCanSeeOtherGuests"] is False


def test_what_a_guest_answered_stays_when_another_one_comes_and_goes(world: GoogleWorld) -> None:
    provider = world.provider()
    receipt = provider.create(world.calendar, replace(EVENT, attendees=(ADA,)), "key-1")
    world.patch(receipt.remote_id, attendees=[{"email": "ada@example.com", "displayName": "Ada", "responseStatus": "accepted"}, {"email": "own@guest.example"}])
    for guests, there in (((ADA, BEA), ["ada@example.com", "own@guest.example", "bea@example.com"]), ((ADA,), ["ada@example.com", "own@guest.example"])):
        now = provider.get(world.calendar, receipt.remote_id)
        provider.update(world.calendar, receipt.remote_id, replace(EVENT, attendees=guests), ["attendees"], now.etag)
        rows = world.row(receipt.remote_id)["attendees"]
        assert [one["email"] for one in rows] == there
        assert rows[0]["responseStatus"] == "accepted"


def test_two_hundred_guests_of_ours_are_told_from_others(world: GoogleWorld) -> None:
    provider = world.provider()
    many = tuple(Person(f"guest-{number}@example.com") for number in range(200))
    receipt = provider.create(world.calendar, replace(EVENT, attendees=many), "key-1")
    after = provider.update(world.calendar, receipt.remote_id, EVENT, ["attendees"], receipt.etag)
    assert after.item is not None
    assert after.item.attendees == ()


# Ids and etags


def test_a_key_whose_event_was_deleted_gets_another_id(world: GoogleWorld) -> None:
    provider = world.provider()
    first = provider.create(world.calendar, EVENT, "key-1")
    world.remove(first.remote_id)
    second = provider.create(world.calendar, EVENT, "key-1")
    assert second.remote_id != first.remote_id
    assert provider.create(world.calendar, EVENT, "key-1").remote_id == second.remote_id
    found = provider.find(world.calendar, "key-1", "")
    assert found is not None
    assert found.remote_id == second.remote_id


def test_an_event_that_is_deleted_each_time_needs_a_person_in_the_end(world: GoogleWorld) -> None:
    provider = world.provider()
    for _ in range(8):
        world.remove(provider.create(world.calendar, EVENT, "key-1").remote_id)
    with pytest.raises(NeedsPerson) as caught:
        provider.create(world.calendar, EVENT, "key-1")
    assert caught.value.code == "rejected"


def test_an_event_a_person_took_our_marker_off_is_no_longer_ours(world: GoogleWorld) -> None:
    provider = world.provider()
    first = provider.create(world.calendar, EVENT, "key-1")
    world.patch(first.remote_id, extendedProperties={"private": {"kalendsKey": None}})
    assert provider.find(world.calendar, "key-1", first.uid) is None
    assert provider.create(world.calendar, EVENT, "key-1").remote_id != first.remote_id


@pytest.mark.parametrize("fields", [["title"], ["show_as"], ["attendees"]])
def test_a_deleted_event_does_not_come_back_by_an_update(world: GoogleWorld, fields: list[str]) -> None:
    """Google undeletes what is patched to be confirmed."""
    provider = world.provider()
    receipt = provider.create(world.calendar, EVENT, "key-1")
    world.remove(receipt.remote_id)
    for etag in ("", receipt.etag):
        with pytest.raises(Changed):
            provider.update(world.calendar, receipt.remote_id, EVENT, fields, etag)
    assert world.row(receipt.remote_id)["status"] == "cancelled"


def test_an_event_moved_to_another_calendar_is_gone_here_and_marked_there(world: GoogleWorld, server: GoogleServer) -> None:
    provider = world.provider()
    receipt = provider.create(world.calendar, EVENT, "key-1")
    cursor = read(provider, world.calendar)[1]
    other = server.store.add_calendar("Other").id
    world.ask("POST", f"events/{receipt.remote_id}/move", destination=other)
    assert read(provider, world.calendar, cursor)[0][receipt.remote_id].gone
    found = provider.find(other, "key-1", receipt.uid)
    assert found is not None
    assert (found.remote_id, found.item.uid if found.item else "") == (receipt.remote_id, receipt.uid)


# Around it


def test_calendars_tell_who_may_write_and_which_is_the_main_one(world: GoogleWorld, server: GoogleServer) -> None:
    server.store.add_calendar("Holidays", role="reader")
    found = {one.name: one for one in world.provider().calendars()}
    assert {name: (one.writable, one.primary) for name, one in found.items()} == {
        "employee@example.com": (True, True), "Work": (True, False), "Holidays": (False, False),
    }  # fmt: skip
    assert found["Work"].timezone == "Europe/Berlin"


def test_busy_times_of_two_years_and_many_calendars_come_in_one_request(world: GoogleWorld, server: GoogleServer) -> None:
    calendars = [server.store.add_calendar(f"Number {number}").id for number in range(60)]
    start = EVENT.start + timedelta(days=45)
    assert isinstance(start, datetime)
    for calendar, hours in ((calendars[0], 0), (calendars[59], 24)):
        times = {"start": {"dateTime": (start + timedelta(hours=hours)).isoformat()}, "end": {"dateTime": (start + timedelta(hours=hours + 24)).isoformat()}}
        world.ask("POST", "events", times, calendar=calendar)
    span = Window(start - timedelta(days=89, hours=20), start + timedelta(days=600))  # a query ends within the event
    assert world.provider().busy(calendars, span) == [(start, start + timedelta(hours=48))]
    assert server.requests == 1


def test_times_that_google_cannot_tell_are_never_free(world: GoogleWorld, server: GoogleServer) -> None:
    server.blind.add(world.calendar)
    with pytest.raises(Retry):
        world.provider().busy([world.calendar], WINDOW)
    server.blind.clear()
    with pytest.raises(NeedsPerson) as caught:
        world.provider().busy([world.calendar, "gone@group.calendar.google.com"], WINDOW)
    assert caught.value.code == "gone"


def test_a_time_on_a_calendar_without_its_own_zone_is_read_in_that_of_the_listing(world: GoogleWorld, server: GoogleServer) -> None:
    remote_id = world.put(EVENT)
    row = server.store.calendars[world.calendar].events[remote_id]
    for name in ("start", "end"):
        del row[name]["timeZone"]
    item = read(world.provider(), world.calendar)[0][remote_id].item
    assert item is not None
    assert (item.timezone, item.start) == ("Europe/Berlin", datetime(2031, 3, 3, 10, tzinfo=BERLIN))
