"""What every provider must keep, as tests: subclass ProviderContract and give it a `world`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest

from integrations.contract import Changed, CursorExpired, NeedsPerson, Provider, Retry
from integrations.items import Person, snapshot
from integrations.testing.contract_series import SeriesContract
from integrations.testing.contract_together import Together
from integrations.testing.world import CORPUS, EVENT, WINDOW, World, read


class ProviderContract(Together, SeriesContract):
    """Subclass it as TestSomething with a fixture `world`."""

    @pytest.fixture
    def provider(self, world: World) -> Provider:
        return world.provider()

    # Creating

    def test_a_created_event_is_read_back_as_it_was_sent(self, world: World, provider: Provider) -> None:
        receipt = provider.create(world.calendar, EVENT, "key-1")
        item = provider.get(world.calendar, receipt.remote_id).item
        assert item is not None
        assert snapshot(item) == snapshot(EVENT)
        assert (item.key, item.timezone) == ("key-1", "Europe/Berlin")

    def test_creating_twice_with_one_key_makes_one_event(self, world: World, provider: Provider) -> None:
        first = provider.create(world.calendar, EVENT, "key-1")
        second = world.provider().create(world.calendar, EVENT, "key-1")
        assert (first.remote_id, first.etag) == (second.remote_id, second.etag)
        assert len(read(provider, world.calendar)[0]) == 1

    def test_creating_again_after_a_lost_answer_adopts_what_was_made(self, world: World, provider: Provider) -> None:
        world.fail("lost-answer")
        try:
            receipt = provider.create(world.calendar, EVENT, "key-1")
        except Retry:
            receipt = world.provider().create(world.calendar, EVENT, "key-1")
        assert list(read(provider, world.calendar)[0]) == [receipt.remote_id]
        assert world.writes() == 1

    def test_creating_after_a_lost_call_makes_one_event(self, world: World, provider: Provider) -> None:
        world.fail("lost-call")
        with pytest.raises(Retry):
            provider.create(world.calendar, EVENT, "key-1")
        receipt = world.provider().create(world.calendar, EVENT, "key-1")
        assert list(read(provider, world.calendar)[0]) == [receipt.remote_id]

    def test_adopting_does_not_overwrite_what_a_person_changed_meanwhile(self, world: World, provider: Provider) -> None:
        receipt = provider.create(world.calendar, EVENT, "key-1")
        world.edit(receipt.remote_id, title="Changed by hand")
        adopted = world.provider().create(world.calendar, EVENT, "key-1")
        assert adopted.item is not None
        assert adopted.item.title == "Changed by hand"

    def test_different_keys_make_different_events(self, world: World, provider: Provider) -> None:
        made = {provider.create(world.calendar, EVENT, f"key-{number}").remote_id for number in range(3)}
        assert len(made) == 3

    def test_the_receipt_carries_uid_and_etag_as_they_are_listed(self, world: World, provider: Provider) -> None:
        receipt = provider.create(world.calendar, EVENT, "key-1")
        change = read(provider, world.calendar)[0][receipt.remote_id]
        assert change.item is not None
        assert (change.etag, change.item.uid) == (receipt.etag, receipt.uid)

    # Reading

    def test_an_event_of_a_person_is_listed_without_marker(self, world: World, provider: Provider) -> None:
        remote_id = world.put(EVENT)
        change = read(provider, world.calendar)[0][remote_id]
        assert change.item is not None
        assert change.item.key == ""
        assert snapshot(change.item, ("title", "when")) == snapshot(EVENT, ("title", "when"))

    def test_an_empty_calendar_is_a_full_listing_of_nothing(self, world: World, provider: Provider) -> None:
        found, cursor, full = read(provider, world.calendar)
        assert (found, full) == ({}, True)
        assert cursor

    def test_a_listing_over_many_pages_is_complete(self, world: World, provider: Provider) -> None:
        made = {
            world.put(replace(EVENT, title=f"Number {number}", start=EVENT.start + timedelta(days=number), end=EVENT.end + timedelta(days=number)))
            for number in range(52)
        }
        found, _, full = read(provider, world.calendar)
        assert set(found) == made
        assert full

    def test_nothing_changed_is_an_empty_delta(self, world: World, provider: Provider) -> None:
        world.put(EVENT)
        _, cursor, _ = read(provider, world.calendar)
        found, _, full = read(provider, world.calendar, cursor)
        assert (found, full) == ({}, False)

    def test_a_delta_brings_new_changed_and_deleted_events_and_nothing_else(self, world: World, provider: Provider) -> None:
        stays, changes, goes = (world.put(replace(EVENT, title=title)) for title in ("stays", "changes", "goes"))
        _, cursor, _ = read(provider, world.calendar)
        comes = world.put(replace(EVENT, title="comes"))
        world.edit(changes, title="changed")
        world.remove(goes)
        found, cursor, _ = read(provider, world.calendar, cursor)
        assert set(found) == {comes, changes, goes}
        assert found[goes].gone
        assert found[goes].item is None
        assert [change.item.title for change in (found[comes], found[changes]) if change.item] == ["comes", "changed"]
        assert read(world.provider(), world.calendar, cursor)[0] == {}
        assert stays not in found

    def test_several_changes_in_a_row_are_all_seen(self, world: World, provider: Provider) -> None:
        remote_id = world.put(EVENT)
        _, cursor, _ = read(provider, world.calendar)
        for number in range(4):
            world.edit(remote_id, title=f"Title {number}")
            found, cursor, _ = read(provider, world.calendar, cursor)
            assert [change.item.title for change in found.values() if change.item] == [f"Title {number}"]

    def test_a_void_cursor_is_said_to_be_expired(self, world: World, provider: Provider) -> None:
        world.put(EVENT)
        read(provider, world.calendar)
        with pytest.raises(CursorExpired):
            read(provider, world.calendar, world.forget_cursors())

    def test_a_cursor_of_another_kind_is_said_to_be_expired(self, world: World, provider: Provider) -> None:
        with pytest.raises(CursorExpired):
            read(provider, world.calendar, "something else")

    def test_an_event_that_began_before_the_window_is_listed(self, world: World, provider: Provider) -> None:
        remote_id = world.put(replace(EVENT, start=datetime(2030, 12, 20, tzinfo=UTC), end=datetime(2031, 1, 5, tzinfo=UTC), timezone="UTC"))
        assert remote_id in read(provider, world.calendar)[0]

    def test_an_all_day_event_keeps_its_days(self, world: World, provider: Provider) -> None:
        days = replace(EVENT, start=date(2031, 5, 1), end=date(2031, 5, 3), all_day=True)
        receipt = provider.create(world.calendar, days, "key-1")
        item = provider.get(world.calendar, receipt.remote_id).item
        assert item is not None
        assert (item.all_day, item.start, item.end) == (True, date(2031, 5, 1), date(2031, 5, 3))

    @pytest.mark.parametrize(
        ("zone", "month"),
        [("America/New_York", 3), ("Australia/Lord_Howe", 10), ("Asia/Kolkata", 1), ("UTC", 1), ("Pacific/Apia", 1), ("America/St_Johns", 3)],
    )
    def test_instants_and_zones_survive(self, world: World, provider: Provider, zone: str, month: int) -> None:
        start = datetime(2031, month, 30, 2, 30, tzinfo=ZoneInfo(zone)).astimezone(UTC)
        item = replace(EVENT, start=start, end=start + timedelta(minutes=90), timezone=zone)
        found = provider.get(world.calendar, provider.create(world.calendar, item, "key-1").remote_id).item
        assert found is not None
        assert (found.start, found.end, found.timezone) == (item.start, item.end, zone)

    @pytest.mark.parametrize("minute", [0, 60])
    def test_both_hours_of_the_clock_going_back_survive(self, world: World, provider: Provider, minute: int) -> None:
        start = datetime(2031, 10, 26, 0, 30, tzinfo=UTC) + timedelta(minutes=minute)
        item = replace(EVENT, start=start, end=start + timedelta(minutes=30))
        found = provider.get(world.calendar, provider.create(world.calendar, item, "key-1").remote_id).item
        assert found is not None
        assert snapshot(found, ["when"]) == snapshot(item, ["when"])  # instants: aware datetimes in a repeated hour never compare equal

    def test_odd_texts_survive_and_make_no_difference_when_read_back(self, world: World, provider: Provider) -> None:
        for number, text in enumerate(CORPUS):
            item = replace(EVENT, title=text, description=text, location=text)
            receipt = provider.create(world.calendar, item, f"key-{number}")
            found = provider.get(world.calendar, receipt.remote_id).item
            assert found is not None
            assert snapshot(found) == snapshot(item), text

    @pytest.mark.parametrize("shown", ["free", "tentative", "busy", "away", "elsewhere"])
    def test_how_it_is_shown_survives(self, world: World, provider: Provider, shown: Any) -> None:
        receipt = provider.create(world.calendar, replace(EVENT, show_as=shown), "key-1")
        found = provider.get(world.calendar, receipt.remote_id).item
        assert found is not None
        assert found.show_as == shown

    # Finding

    def test_our_event_is_found_by_its_key(self, world: World, provider: Provider) -> None:
        receipt = provider.create(world.calendar, EVENT, "key-1")
        found = provider.find(world.calendar, "key-1", receipt.uid)
        assert found is not None
        assert found.remote_id == receipt.remote_id

    def test_an_unknown_key_finds_nothing(self, world: World, provider: Provider) -> None:
        world.put(EVENT)
        assert provider.find(world.calendar, "key-2", "nothing@kalends") is None

    def test_any_event_is_found_by_its_uid(self, world: World, provider: Provider) -> None:
        remote_id = world.put(EVENT)
        item = provider.get(world.calendar, remote_id).item
        assert item is not None
        found = provider.copy_of(world.calendar, item.uid)
        assert found is not None
        assert (found.remote_id, found.etag) == (remote_id, provider.get(world.calendar, remote_id).etag)
        assert provider.copy_of(world.calendar, "nobody's") is None

    def test_the_marker_stays_when_a_person_edits_the_event(self, world: World, provider: Provider) -> None:
        receipt = provider.create(world.calendar, EVENT, "key-1")
        world.edit(receipt.remote_id, title="By hand", start=EVENT.start + timedelta(hours=1), end=EVENT.end + timedelta(hours=1))
        found = provider.find(world.calendar, "key-1", receipt.uid)
        assert found is not None
        assert found.item is not None
        assert (found.item.key, found.item.title) == ("key-1", "By hand")

    # Updating

    def test_only_the_named_groups_are_written(self, world: World, provider: Provider) -> None:
        receipt = provider.create(world.calendar, EVENT, "key-1")
        later = replace(EVENT, title="Not this", start=EVENT.start + timedelta(days=1), end=EVENT.end + timedelta(days=1))
        provider.update(world.calendar, receipt.remote_id, later, ["when"], receipt.etag)
        found = provider.get(world.calendar, receipt.remote_id).item
        assert found is not None
        assert snapshot(found) == snapshot(replace(later, title="Haircut"))

    @pytest.mark.parametrize(
        ("group", "changes"),
        [
            ("title", {"title": "Other"}),
            ("description", {"description": "Other\ntext"}),
            ("location", {"location": "Elsewhere"}),
            ("location", {"location": ""}),
            ("show_as", {"show_as": "free"}),
            ("show_as", {"show_as": "tentative"}),
            ("private", {"private": True}),
            ("when", {"start": date(2031, 4, 1), "end": date(2031, 4, 2), "all_day": True}),
        ],
    )
    def test_each_group_can_be_changed_alone(self, world: World, provider: Provider, group: str, changes: dict[str, Any]) -> None:
        receipt = provider.create(world.calendar, EVENT, "key-1")
        wish = replace(EVENT, **changes)
        after = provider.update(world.calendar, receipt.remote_id, wish, [group], receipt.etag)
        change = provider.get(world.calendar, receipt.remote_id)
        assert change.item is not None
        assert snapshot(change.item) == snapshot(wish)
        assert change.etag == after.etag != receipt.etag

    def test_what_others_put_there_survives_our_update(self, world: World, provider: Provider) -> None:
        receipt = provider.create(world.calendar, EVENT, "key-1")
        world.decorate(receipt.remote_id)
        before = world.decorations(receipt.remote_id)
        assert before
        now = provider.get(world.calendar, receipt.remote_id)
        wish = replace(EVENT, title="Other", start=EVENT.start + timedelta(hours=2), end=EVENT.end + timedelta(hours=2))
        provider.update(world.calendar, receipt.remote_id, wish, ["title", "when", "attendees", "show_as", "private"], now.etag)
        assert world.decorations(receipt.remote_id) == before

    def test_an_outdated_etag_changes_nothing_and_says_so(self, world: World, provider: Provider) -> None:
        receipt = provider.create(world.calendar, EVENT, "key-1")
        world.edit(receipt.remote_id, title="By hand")
        with pytest.raises(Changed):
            provider.update(world.calendar, receipt.remote_id, replace(EVENT, title="Ours"), ["title"], receipt.etag)
        found = provider.get(world.calendar, receipt.remote_id).item
        assert found is not None
        assert found.title == "By hand"

    def test_updating_what_is_gone_says_changed(self, world: World, provider: Provider) -> None:
        receipt = provider.create(world.calendar, EVENT, "key-1")
        world.remove(receipt.remote_id)
        with pytest.raises(Changed):
            provider.update(world.calendar, receipt.remote_id, EVENT, ["title"], receipt.etag)

    def test_an_update_whose_answer_is_lost_is_not_lost(self, world: World, provider: Provider) -> None:
        receipt = provider.create(world.calendar, EVENT, "key-1")
        world.fail("lost-answer")
        wish = replace(EVENT, title="Other")
        self._settles(lambda: provider.update(world.calendar, receipt.remote_id, wish, ["title"], receipt.etag))
        change = world.provider().get(world.calendar, receipt.remote_id)
        assert change.item is not None
        assert change.item.title == "Other"

    def _settles(self, action: Callable[[], Any]) -> bool:
        """Whether a provider found out by itself what became of its call; saying "again" is right, too."""
        try:
            action()
        except Retry:
            return False
        return True

    # Deleting

    def test_a_deleted_event_is_gone_and_in_the_delta(self, world: World, provider: Provider) -> None:
        receipt = provider.create(world.calendar, EVENT, "key-1")
        _, cursor, _ = read(provider, world.calendar)
        provider.delete(world.calendar, receipt.remote_id, receipt.etag)
        assert provider.get(world.calendar, receipt.remote_id).gone
        assert read(provider, world.calendar, cursor)[0][receipt.remote_id].gone
        assert provider.find(world.calendar, "key-1", receipt.uid) is None

    def test_deleting_twice_is_a_success(self, world: World, provider: Provider) -> None:
        receipt = provider.create(world.calendar, EVENT, "key-1")
        provider.delete(world.calendar, receipt.remote_id, receipt.etag)
        provider.delete(world.calendar, receipt.remote_id, receipt.etag)
        provider.delete(world.calendar, receipt.remote_id, "")
        assert provider.get(world.calendar, receipt.remote_id).gone

    def test_an_outdated_etag_deletes_nothing(self, world: World, provider: Provider) -> None:
        receipt = provider.create(world.calendar, EVENT, "key-1")
        world.edit(receipt.remote_id, title="By hand")
        with pytest.raises(Changed):
            provider.delete(world.calendar, receipt.remote_id, receipt.etag)
        assert provider.get(world.calendar, receipt.remote_id).item is not None
        provider.delete(world.calendar, receipt.remote_id, "")
        assert provider.get(world.calendar, receipt.remote_id).gone

    def test_a_deletion_whose_answer_is_lost_can_be_repeated(self, world: World, provider: Provider) -> None:
        receipt = provider.create(world.calendar, EVENT, "key-1")
        world.fail("lost-answer")
        if not self._settles(lambda: provider.delete(world.calendar, receipt.remote_id, receipt.etag)):
            world.provider().delete(world.calendar, receipt.remote_id, receipt.etag)
        assert read(provider, world.calendar)[0] == {}

    def test_an_event_can_be_made_again_after_it_was_deleted(self, world: World, provider: Provider) -> None:
        receipt = provider.create(world.calendar, EVENT, "key-1")
        provider.delete(world.calendar, receipt.remote_id, receipt.etag)
        again = provider.create(world.calendar, EVENT, "key-1.2")
        assert set(read(provider, world.calendar)[0]) == {again.remote_id}

    # Failing

    def test_a_busy_server_says_when_to_come_back(self, world: World, provider: Provider) -> None:
        world.fail("busy", after=7)
        with pytest.raises(Retry) as caught:
            read(provider, world.calendar)
        assert caught.value.after == 7

    def test_a_calendar_that_is_gone_needs_a_person_and_proves_nothing(self, world: World, provider: Provider) -> None:
        receipt = provider.create(world.calendar, EVENT, "key-1")
        nowhere = world.calendar.rstrip("/") + "-gone" + ("/" if world.calendar.endswith("/") else "")
        for action in (
            lambda: read(provider, nowhere),
            lambda: provider.get(nowhere, receipt.remote_id.replace(urlsplit(world.calendar).path, urlsplit(nowhere).path)),
        ):
            with pytest.raises(NeedsPerson) as caught:
                action()
            assert caught.value.code == "gone"

    # Around it

    def test_calendars_are_listed_with_name_and_right_to_write(self, world: World, provider: Provider) -> None:
        found = {one.id: one for one in provider.calendars()}
        assert found[world.calendar].writable
        assert found[world.calendar].name

    def test_a_calendar_can_be_created_once(self, world: World, provider: Provider) -> None:
        made = provider.create_calendar("Kalends <&> Söhne")
        again = provider.create_calendar("Kalends <&> Söhne")
        assert made.id == again.id
        assert made.name == "Kalends <&> Söhne"
        receipt = provider.create(made.id, EVENT, "key-1")
        assert set(read(provider, made.id)[0]) == {receipt.remote_id}

    def test_busy_times_are_merged_and_leave_out_what_is_free(self, world: World, provider: Provider) -> None:
        world.put(EVENT)
        world.put(replace(EVENT, start=EVENT.start + timedelta(minutes=30), end=EVENT.end + timedelta(minutes=30)))
        world.put(replace(EVENT, start=EVENT.start + timedelta(days=1), end=EVENT.end + timedelta(days=1), show_as="free"))
        assert provider.busy([world.calendar], WINDOW) == [(datetime(2031, 3, 3, 9, tzinfo=UTC), datetime(2031, 3, 3, 10, 15, tzinfo=UTC))]

    def test_guests_are_written_and_taken_out_again(self, world: World, provider: Provider) -> None:
        guest = Person("ada@example.com", "Ada")
        receipt = provider.create(world.calendar, replace(EVENT, attendees=(guest,)), "key-1")
        found = provider.get(world.calendar, receipt.remote_id)
        assert found.item is not None
        assert [one.email for one in found.item.attendees] == ["ada@example.com"]
        provider.update(world.calendar, receipt.remote_id, EVENT, ["attendees"], found.etag)
        without = provider.get(world.calendar, receipt.remote_id).item
        assert without is not None
        assert without.attendees == ()

    def test_the_check_ends_well(self, world: World, provider: Provider) -> None:
        steps = list(provider.check())
        assert len(steps) >= 2
        assert all(step.ok for step in steps), steps

    def test_the_identity_is_told(self, world: World, provider: Provider) -> None:
        assert provider.identity()
