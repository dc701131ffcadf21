"""One creation per key, nobody's guests and meetings lost, no request too many, no secret in a text."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest

from integrations.contract import NeedsPerson, Retry
from integrations.items import Person, snapshot
from integrations.testing.faults import FaultPlan
from integrations.testing.world import EVENT, read

pytestmark = pytest.mark.once

ADA, BOB = Person("ada@example.com", "Ada"), Person("bob@example.com", "Bob")


def test_a_new_event_is_one_request_and_so_is_a_move(world):
    provider = world.provider()
    receipt = provider.create(world.calendar, EVENT, "key-1")
    assert [call[0] for call in world.server.calls] == ["POST"]
    provider.update(world.calendar, receipt.remote_id, replace(EVENT, start=EVENT.end, end=EVENT.end + timedelta(hours=1)), ["when"], receipt.etag)
    assert [call[0] for call in world.server.calls] == ["POST", "PATCH"]


def test_a_creation_repeated_with_other_content_adopts_the_first(world):
    provider = world.provider()
    first = provider.create(world.calendar, EVENT, "key-1")
    again = world.provider().create(world.calendar, replace(EVENT, title="Other"), "key-1")
    assert (again.remote_id, again.etag) == (first.remote_id, first.etag)
    assert again.item is not None
    assert again.item.title == "Haircut"
    assert world.writes() == 1


def test_what_was_deleted_before_we_knew_of_it_can_be_made_again_and_once(world):
    world.server.faults.then("lose-after", "write")
    with pytest.raises(Retry):
        world.provider().create(world.calendar, EVENT, "key-1")
    world.remove(next(iter(world.server.mailbox.events)))
    made = {world.provider().create(world.calendar, EVENT, "key-1").remote_id for _ in range(3)}
    found = read(world.provider(), world.calendar)[0]
    assert set(found) == made
    assert [change.item and change.item.key for change in found.values()] == ["key-1"]


@pytest.mark.parametrize("seed", range(6))
def test_whatever_fails_there_is_one_event_and_one_invitation(world, seed):
    """A third of all calls fail, before or after they were carried out; each is simply called again, as the engine does."""
    world.server.faults = FaultPlan(seed, 0.34, ("lose-before", "lose-after", "busy", "late-error", "page", "truncate"))
    wishes = {}
    for number in range(5):
        item = replace(EVENT, attendees=(ADA,), title=f"Number {number}")
        receipt = insist(lambda item=item, number=number: world.provider().create(world.calendar, item, f"key-{number}"))
        wishes[receipt.remote_id] = replace(item, title=f"Changed {number}")
        insist(lambda remote_id=receipt.remote_id: update(world, remote_id, wishes[remote_id]))
    gone = next(iter(wishes))
    insist(lambda: world.provider().delete(world.calendar, gone, ""))
    faults, world.server.faults = world.server.faults, FaultPlan()
    found = read(world.provider(), world.calendar)[0]
    assert {remote_id: change.item and snapshot(change.item) for remote_id, change in found.items()} == {
        one: snapshot(wish) for one, wish in wishes.items() if one != gone
    }
    changes = sum(method == "PATCH" and status == 200 for method, _, status in world.server.calls)
    assert world.server.mailbox.mails == 5 + changes + 1  # invitations, news of changes, one cancellation
    assert len(faults.log) > 3


def insist(action):
    for _ in range(40):
        with suppress(Retry):
            return action()
    raise AssertionError("it never came through")


def update(world, remote_id, wish):
    now = world.provider().get(world.calendar, remote_id)
    if now.item is None or now.item.title != wish.title:
        world.provider().update(world.calendar, remote_id, wish, ["title"], now.etag)


def test_guests_see_only_themselves(world):
    receipt = world.provider().create(world.calendar, replace(EVENT, attendees=(ADA, BOB)), "key-1")
    assert world.ask("GET", world.path(receipt.remote_id))["hideAttendees"] is True
    assert world.server.mailbox.mails == 2


def test_a_changed_guest_list_mails_the_changed_guest_alone(world):
    provider = world.provider()
    receipt = provider.create(world.calendar, replace(EVENT, attendees=(ADA,)), "key-1")
    provider.update(world.calendar, receipt.remote_id, replace(EVENT, attendees=(ADA, BOB)), ["attendees"], receipt.etag)
    assert world.server.mailbox.mails == 2
    assert [one["emailAddress"]["address"] for one in world.ask("GET", world.path(receipt.remote_id))["attendees"]] == ["ada@example.com", "bob@example.com"]


def test_an_answer_of_a_guest_survives_our_writing_the_guests(world):
    provider = world.provider()
    receipt = provider.create(world.calendar, replace(EVENT, attendees=(ADA,)), "key-1")
    accepted = {
        "type": "required",
        "status": {"response": "accepted", "time": "2031-01-01T00:00:00Z"},
        "emailAddress": {"address": "Ada@example.com", "name": "Ada"},
    }
    world.ask("PATCH", world.path(receipt.remote_id), {"attendees": [accepted]})
    now = provider.get(world.calendar, receipt.remote_id)
    provider.update(world.calendar, receipt.remote_id, replace(EVENT, attendees=(ADA, BOB)), ["attendees"], now.etag)
    found = provider.get(world.calendar, receipt.remote_id).item
    assert [one.response for one in found.attendees] == ["accepted", "needs-action"]


def test_a_new_description_leaves_the_online_meeting_alone(world):
    provider = world.provider()
    receipt = provider.create(world.calendar, EVENT, "key-1")
    world.decorate(receipt.remote_id)
    meeting = world.ask("GET", world.path(receipt.remote_id))["onlineMeeting"]
    now = provider.get(world.calendar, receipt.remote_id)
    assert snapshot(now.item, ["description"]) == snapshot(EVENT, ["description"])
    wish = replace(EVENT, description="New\n<b>words</b> & more")
    provider.update(world.calendar, receipt.remote_id, wish, ["description"], now.etag)
    row = world.ask("GET", world.path(receipt.remote_id))
    assert (row["isOnlineMeeting"], row["onlineMeeting"]) == (True, meeting)
    assert meeting["joinUrl"] in row["body"]["content"]
    assert snapshot(provider.get(world.calendar, receipt.remote_id).item) == snapshot(replace(wish, attendees=(Person("foreign@example.com", "Foreign"),)))


def test_a_meeting_whose_block_is_not_recognised_keeps_its_whole_text(world):
    provider = world.provider()
    receipt = provider.create(world.calendar, EVENT, "key-1")
    world.decorate(receipt.remote_id)
    stored = world.server.mailbox.events[receipt.remote_id].fields["body"]
    stored["content"] = stored["content"].replace("_", "-")
    before = world.ask("GET", world.path(receipt.remote_id))["body"]
    after = provider.update(world.calendar, receipt.remote_id, replace(EVENT, description="New"), ["description"], "")
    assert world.ask("GET", world.path(receipt.remote_id))["body"] == before
    wish = replace(EVENT, description="New", title="Moved on")
    provider.update(world.calendar, receipt.remote_id, wish, ["description", "title"], after.etag)
    row = world.ask("GET", world.path(receipt.remote_id))
    assert (row["subject"], row["body"]) == ("Moved on", before)


def test_a_bad_address_of_a_guest_is_refused_before_anything_is_sent(world):
    with pytest.raises(NeedsPerson) as caught:
        world.provider().create(world.calendar, replace(EVENT, attendees=(Person("no address"),)), "key-1")
    assert caught.value.code == "rejected"
    assert world.server.calls == []


def test_a_calendar_without_the_right_to_write_needs_a_person(world):
    locked = world.server.mailbox.add_calendar("Locked", editable=False)
    with pytest.raises(NeedsPerson) as caught:
        world.provider().create(locked, EVENT, "key-1")
    assert caught.value.code == "permission"
    assert {one.name: one.writable for one in world.provider().calendars()} == {"Calendar": True, "Locked": False}


def test_ids_stay_what_they_are_when_a_client_asks_for_others(world):
    receipt = world.provider().create(world.calendar, EVENT, "key-1")
    ordinary = world.http.get(world.path(), headers={"Prefer": ""}).json()["value"][0]["id"]
    assert ordinary != receipt.remote_id
    assert list(read(world.provider(), world.calendar)[0]) == [receipt.remote_id]
