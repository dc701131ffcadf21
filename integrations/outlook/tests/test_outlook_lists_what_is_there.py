"""The delta of a calendar view: its frozen window, what "removed" means there, links that expire, pages that get lost."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from integrations.contract import CursorExpired, NeedsPerson, Retry, Window
from integrations.outlook.mapping import KEY
from integrations.testing.world import EVENT, WINDOW, read

pytestmark = pytest.mark.once

FAR = replace(EVENT, start=datetime(2035, 5, 5, 10, tzinfo=UTC), end=datetime(2035, 5, 5, 11, tzinfo=UTC), timezone="UTC")


def reads(world) -> list[tuple[str, int]]:
    """The requests that the server was asked since the last call, without their tokens."""
    found = [(f"{method} {'$batch' if '$batch' in path else path.rpartition('/')[2].partition('?')[0]}", status) for method, path, status in world.server.calls]
    world.server.calls.clear()
    return [(method, status) for method, status in found if not method.startswith("part")]


def test_what_was_created_outside_the_window_is_not_gone(world):
    provider = world.provider()
    _, cursor, _ = read(provider, world.calendar)
    far = world.put(FAR)
    change = read(provider, world.calendar, cursor)[0][far]
    assert not change.gone
    assert change.item is not None
    assert change.item.start == FAR.start


def test_what_was_moved_out_of_the_window_is_not_gone(world):
    provider = world.provider()
    receipt = provider.create(world.calendar, EVENT, "key-1")
    _, cursor, _ = read(provider, world.calendar)
    world.edit(receipt.remote_id, start=FAR.start, end=FAR.end)
    change = read(provider, world.calendar, cursor)[0][receipt.remote_id]
    assert change.item is not None
    assert (change.item.start, change.item.key) == (FAR.start, "key-1")


def test_many_removals_are_looked_up_twenty_at_a_time(world):
    ids = [world.put(replace(EVENT, title=str(number))) for number in range(45)]
    provider = world.provider()
    _, cursor, _ = read(provider, world.calendar)
    for remote_id in ids:
        world.remove(remote_id)
    world.server.page_size = 100
    reads(world)
    found = read(provider, world.calendar, cursor)[0]
    assert {remote_id for remote_id, change in found.items() if change.gone} == set(ids)
    assert [method for method, _ in reads(world) if "$batch" in method] == ["POST $batch"] * 3


def test_an_unchanged_calendar_costs_one_request_and_a_delta_its_pages(world):
    provider = world.provider()
    _, cursor, _ = read(provider, world.calendar)
    reads(world)
    _, cursor, _ = read(provider, world.calendar, cursor)
    assert len(reads(world)) == 1
    for _ in range(5):
        world.put(EVENT)
    world.server.calls.clear()
    assert len(read(provider, world.calendar, cursor)[0]) == 5
    assert len(reads(world)) == 3


def test_a_delta_alone_tells_which_event_is_ours(world):
    provider = world.provider()
    _, cursor, _ = read(provider, world.calendar)
    receipt = provider.create(world.calendar, EVENT, "key-1")
    change = read(provider, world.calendar, cursor)[0][receipt.remote_id]
    assert change.item is not None
    assert change.item.key == "key-1"


def test_a_sync_state_that_is_not_found_expires_the_cursor_and_says_nothing_about_events(world):
    provider = world.provider()
    world.put(EVENT)
    _, cursor, _ = read(provider, world.calendar)
    world.server.forget_tokens()
    pages = provider.changes(world.calendar, cursor, WINDOW)
    with pytest.raises(CursorExpired):
        next(pages)
    assert world.server.calls[-1][2] == 410


def test_a_link_that_is_gone_without_a_word_why_expires_the_cursor_too(world):
    provider = world.provider()
    _, cursor, _ = read(provider, world.calendar)
    world.server.faults.then("expired")
    with pytest.raises(CursorExpired):
        read(provider, world.calendar, cursor)


def test_a_listing_that_does_not_say_where_it_goes_on_is_not_believed(world):
    _, cursor, _ = read(world.provider(), world.calendar)
    for number in range(3):
        world.put(replace(EVENT, title=str(number)))
    world.server.faults.then("no-link")
    with pytest.raises(Retry):
        read(world.provider(), world.calendar, cursor)


def test_a_copy_that_a_person_made_shows_the_same_marker_in_a_listing_as_by_itself(world):
    stored = world.server.mailbox.events[world.put(EVENT)]
    stored.own[KEY] = "key-1"  # what Outlook takes along; the transaction id stays behind
    provider = world.provider()
    listed = read(provider, world.calendar)[0][stored.id].item
    assert listed is not None
    assert listed.key == "key-1"
    assert provider.get(world.calendar, stored.id).item == listed


@pytest.mark.feature("C6")
def test_a_window_that_has_rolled_on_beyond_the_frozen_one_is_listed_afresh(world):
    """Red when the cursor does not tell how far it reaches."""
    provider = world.provider()
    _, cursor, _ = read(provider, world.calendar)
    for days, expired in ((29, False), (31, True)):
        later = Window(WINDOW.start + timedelta(days=days), WINDOW.end + timedelta(days=days))
        if expired:
            with pytest.raises(CursorExpired):
                read(provider, world.calendar, cursor, later)
        else:
            assert read(provider, world.calendar, cursor, later)[2] is False


def test_between_two_listings_the_far_end_of_the_window_is_known(world):
    late = replace(EVENT, start=WINDOW.end + timedelta(days=29), end=WINDOW.end + timedelta(days=29, hours=1))
    remote_id = world.put(late)
    assert remote_id in read(world.provider(), world.calendar)[0]


@pytest.mark.parametrize("fault", ["lose-after", "busy", "page", "truncate", "late-error"])
def test_a_page_that_fails_ends_the_listing_with_an_error_and_no_cursor(world, fault):
    for number in range(5):
        world.put(replace(EVENT, title=str(number)))
    provider, seen = world.provider(), []
    with pytest.raises(Retry):  # noqa: PT012 - the first page is good
        for page in provider.changes(world.calendar, "", WINDOW):
            seen.append(page)
            world.server.faults.then(fault)
            world.server.faults.then(fault)  # a call that only reads is repeated once after a cut connection
    assert len(seen) == 1
    assert not any(page.cursor or page.last for page in seen)


def test_a_link_to_another_host_gets_no_token(world):
    provider = world.provider()
    _, cursor, _ = read(provider, world.calendar)
    elsewhere = cursor.replace(world.server.address, "http://127.0.0.1:9")
    with pytest.raises(CursorExpired):
        read(provider, world.calendar, elsewhere)


def test_a_next_page_on_another_host_is_not_asked_for(world, settings):
    settings.KALENDS_PRIVATE_HOSTS = ["127.0.0.1", "localhost"]  # even one that may be spoken to
    for number in range(3):
        world.put(replace(EVENT, title=str(number)))
    world.server.address = world.server.address.replace("127.0.0.1", "localhost")
    with pytest.raises(NeedsPerson) as caught:
        read(world.provider(), world.calendar)
    assert caught.value.code == "address"
    assert len(world.server.calls) == 5  # three that a person entered, our marks, one page


def test_events_of_other_calendars_are_neither_listed_nor_found(world):
    provider = world.provider()
    other = provider.create_calendar("Other").id
    receipt = provider.create(other, EVENT, "key-1")
    assert read(provider, world.calendar)[0] == {}
    assert provider.find(world.calendar, "key-1", receipt.uid) is None
    assert provider.find(other, "KEY-1", receipt.uid) is None  # the search there does not tell capitals apart
    found = provider.find(other, "key-1", "")
    assert found is not None
    assert found.remote_id == receipt.remote_id
    assert provider.get(world.calendar, receipt.remote_id).gone
