"""What a CalDAV client must live with, tried on real servers behind a proxy that misbehaves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urljoin, urlsplit
from uuid import uuid4

import icalendar
import pytest

from integrations.caldav.provider import CaldavProvider
from integrations.caldav.tests.world import CaldavWorld
from integrations.caldav.tests.world import world as world_on
from integrations.contract import Changed, NeedsPerson, Retry
from integrations.items import Person
from integrations.testing.accounts import Login
from integrations.testing.proxy import Fault
from integrations.testing.servers import Server
from integrations.testing.world import EVENT, WINDOW, read
from integrations.wire.dav import Dav, canonical

pytestmark = pytest.mark.once


@pytest.fixture(params=["radicale", "xandikos"])
def world(request: pytest.FixtureRequest) -> Iterator[CaldavWorld]:
    with world_on(request.getfixturevalue(request.param)) as made:
        yield made


@pytest.fixture
def radicale_world(radicale: Server) -> Iterator[CaldavWorld]:
    with world_on(radicale) as made:
        yield made


@pytest.mark.parametrize("place", ["root", "home", "calendar", "somewhere"])
def test_calendars_are_found_from_any_address_of_the_account(world: CaldavWorld, place: str) -> None:
    home = urljoin(world.proxy.address, urlsplit(world.server.home).path)
    address = {"root": world.proxy.address, "home": home, "calendar": world.calendar, "somewhere": urljoin(world.proxy.address, "somewhere/else/")}[place]
    provider = CaldavProvider(Login(address, world.server.username, world.server.password))
    assert world.calendar in [one.id for one in provider.calendars()]


def test_a_wrong_password_needs_a_person_and_is_tried_once(radicale_world: CaldavWorld) -> None:
    provider = CaldavProvider(Login(radicale_world.proxy.address, "employee", "wrong"))
    with pytest.raises(NeedsPerson) as caught:
        provider.calendars()
    assert caught.value.code == "auth"
    assert len(radicale_world.proxy.calls) == 1


def test_the_check_names_the_step_that_fails(radicale_world: CaldavWorld, settings) -> None:
    provider = CaldavProvider(Login(radicale_world.proxy.address, "employee", "wrong"))
    assert [step.ok for step in provider.check()] == [True, True, False]
    assert list(provider.check())[-1].hint
    assert [step.ok for step in CaldavProvider(Login("ftp://example.com/", "employee", "x")).check()] == [False]
    settings.KALENDS_PRIVATE_HOSTS = []
    assert [step.ok for step in CaldavProvider(Login(radicale_world.proxy.address, "employee", "x")).check()] == [False]


@pytest.mark.parametrize("kind", ["page", "truncate", "cut", "cut-before", "status"])
@pytest.mark.parametrize("method", ["PROPFIND", "REPORT"])
def test_a_listing_that_fails_is_never_an_empty_one(world: CaldavWorld, kind: str, method: str) -> None:
    world.put(EVENT)
    provider = world.provider()
    provider.identity()
    world.proxy.then(Fault(kind, method=method), times=2)  # twice: reading is repeated once after a cut
    with pytest.raises(Retry):
        read(provider, world.calendar)
    world.proxy.faults.clear()
    assert len(read(provider, world.calendar)[0]) == 1


@pytest.mark.parametrize("status", [500, 502, 504])
def test_an_error_after_the_work_was_done_is_looked_into(world: CaldavWorld, status: int) -> None:
    provider = world.provider()
    world.proxy.then(Fault("late-status", method="PUT", status=status))
    receipt = provider.create(world.calendar, EVENT, "key-1")
    world.proxy.then(Fault("late-status", method="PUT", status=status))
    receipt = provider.update(world.calendar, receipt.remote_id, replace(EVENT, title="Other"), ["title"], receipt.etag)
    world.proxy.then(Fault("late-status", method="DELETE", status=status))
    provider.delete(world.calendar, receipt.remote_id, receipt.etag)
    assert world.writes() == 3
    assert read(provider, world.calendar)[0] == {}


def test_a_missing_etag_is_fetched(world: CaldavWorld) -> None:
    provider = world.provider()
    world.proxy.then(Fault("drop-etag", method="PUT"))
    receipt = provider.create(world.calendar, EVENT, "key-1")
    assert receipt.etag == read(provider, world.calendar)[0][receipt.remote_id].etag
    assert receipt.item is not None


def test_without_sync_collection_entity_tags_are_compared(world: CaldavWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server's announcement of sync-collection is hidden from us, as on sabre."""
    ask = Dav.propfind

    def hiding(self, url, *names, depth="0"):
        rows = ask(self, url, *names, depth=depth)
        for row in rows:
            row.props.pop("{DAV:}supported-report-set", None)
        return rows

    monkeypatch.setattr(Dav, "propfind", hiding)
    provider = world.provider()
    stays, goes = world.put(EVENT), world.put(EVENT)
    found, cursor, full = read(provider, world.calendar)
    assert (set(found), full, cursor[:2]) == ({stays, goes}, True, "e:")
    for _ in range(3):
        found, cursor, full = read(provider, world.calendar, cursor)
        assert (found, full) == ({}, False)
    world.remove(goes)
    comes = world.put(EVENT)
    world.edit(stays, title="Edited")
    found, cursor, _ = read(provider, world.calendar, cursor)
    assert set(found) == {stays, goes, comes}
    assert found[goes].gone


def test_a_server_that_knows_sync_collection_no_longer_is_asked_what_it_can_do(world: CaldavWorld) -> None:
    """As after a change of its software. Seen red when the refusal is passed on."""
    provider = world.provider()
    _found, cursor, _full = read(provider, world.calendar)
    assert cursor.startswith("t:")
    comes = world.put(EVENT)
    world.proxy.then(Fault("status", method="REPORT", status=405))
    assert set(read(provider, world.calendar, cursor)[0]) == {comes}


def test_one_broken_event_is_set_aside_and_closed(radicale_world: CaldavWorld) -> None:
    world = radicale_world
    good = world.put(EVENT)
    text = (
        world.text(good)
        .decode()
        .replace("Europe/Berlin", "Nowhere/Atlantis")
        .replace(str(icalendar.Calendar.from_ical(world.text(good)).walk("VEVENT")[0]["UID"]), "other@person")
    )
    lines = text.split("BEGIN:VTIMEZONE")[0] + text.split("END:VTIMEZONE\r\n")[-1]
    bad = world.put_text(lines)
    found = read(world.provider(), world.calendar)[0]
    assert found[good].item is not None
    assert found[bad].item is None
    assert found[bad].problem
    closed = found[bad].closed
    assert closed is not None
    assert closed[0] < EVENT.start < EVENT.end < closed[1]
    assert any(start <= closed[0] and closed[1] <= end for start, end in world.provider().busy([world.calendar], WINDOW))


def test_a_task_in_the_calendar_is_no_event(world: CaldavWorld) -> None:
    world.put_text(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VTODO\r\nUID:todo@x\r\nDTSTAMP:20300101T000000Z\r\nSUMMARY:Do\r\nEND:VTODO\r\nEND:VCALENDAR\r\n"
    )
    assert read(world.provider(), world.calendar)[0] == {}


def test_our_event_is_found_under_another_name(world: CaldavWorld) -> None:
    provider = world.provider()
    receipt = provider.create(world.calendar, EVENT, "key-1")
    text = world.text(receipt.remote_id)
    world.remove(receipt.remote_id)
    moved = world.put_text(text)
    found = provider.find(world.calendar, "key-1", receipt.uid)
    assert found is not None
    assert found.remote_id == moved
    assert provider.create(world.calendar, EVENT, "key-1").remote_id == moved


def test_an_event_of_the_same_identity_that_is_not_ours_is_left_alone(world: CaldavWorld) -> None:
    world.put(replace(EVENT, uid="same@person", title="Not ours"))
    provider = world.provider()
    with pytest.raises(NeedsPerson) as caught:
        provider.create(world.calendar, replace(EVENT, uid="same@person"), "key-1")
    assert caught.value.code == "rejected"
    assert len(read(provider, world.calendar)[0]) == 1


def test_servers_are_told_not_to_mail_and_guests_appear_only_when_asked(world: CaldavWorld) -> None:
    provider = world.provider()
    bare = world.text(provider.create(world.calendar, EVENT, "key-1").remote_id)
    assert b"ATTENDEE" not in bare
    assert b"ORGANIZER" not in bare
    led = replace(EVENT, attendees=(Person("ada@example.com", "Ada"),), organizer=Person("salon@example.com"))
    text = world.text(provider.create(world.calendar, led, "key-2").remote_id).replace(b"\r\n ", b"").decode()
    assert [line.split(":")[0].count("SCHEDULE-AGENT=CLIENT") for line in text.splitlines() if line.startswith("ATTENDEE")] == [1]
    assert "ORGANIZER" in text


def test_the_sequence_rises_when_we_move_an_event(world: CaldavWorld) -> None:
    provider = world.provider()
    receipt = provider.create(world.calendar, EVENT, "key-1")
    for number in (1, 2):
        later = replace(EVENT, start=EVENT.start + timedelta(hours=number), end=EVENT.end + timedelta(hours=number))
        receipt = provider.update(world.calendar, receipt.remote_id, later, ["when"], receipt.etag)
    assert b"SEQUENCE:2" in world.text(receipt.remote_id)


def test_somebody_who_is_faster_between_our_look_and_our_write_wins(world: CaldavWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Red without If-Match on the PUT."""
    provider = world.provider()
    assert isinstance(provider, CaldavProvider)
    receipt = provider.create(world.calendar, EVENT, "key-1")
    put = provider._put

    def late(*arguments):
        world.edit(receipt.remote_id, title="By hand")
        return put(*arguments)

    monkeypatch.setattr(provider, "_put", late)
    with pytest.raises(Changed):
        provider.update(world.calendar, receipt.remote_id, replace(EVENT, title="Ours"), ["title"], receipt.etag)
    assert b"By hand" in world.text(receipt.remote_id)


@pytest.mark.parametrize(
    ("one", "other"), [("/a%40b/%c3%bc.ics", "/a@b/%C3%BC.ics"), ("http://x/a/b.ics", "/a/b.ics"), ("/a/ü.ics", "/a/%C3%BC.ics"), ("/a%20b/", "/a b/")]
)
def test_addresses_are_compared_decoded(one: str, other: str) -> None:
    assert canonical(one) == canonical(other)


def test_a_slash_inside_a_name_stays_there() -> None:
    assert canonical("/a%2Fb") != canonical("/a/b")


def test_a_floating_time_is_read_in_the_calendars_zone(world: CaldavWorld) -> None:
    text = f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:{uuid4()}\r\nDTSTAMP:20300101T000000Z\r\nDTSTART:20310303T100000\r\nDTEND:20310303T110000\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    item = world.provider(timezone="America/New_York").get(world.calendar, world.put_text(text)).item
    assert item is not None
    assert item.start == datetime(2031, 3, 3, 15, tzinfo=UTC)
