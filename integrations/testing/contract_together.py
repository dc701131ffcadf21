"""What every provider must keep when several things are written at once: part of ProviderContract."""

from __future__ import annotations

from dataclasses import replace

from integrations.contract import Changed, Create, Delete, NeedsPerson, Provider, Receipt, Update
from integrations.items import Person
from integrations.testing.world import EVENT, World, read


class Together:
    """Mixed into ProviderContract, which has the fixtures."""

    def test_several_writes_are_done_and_told_each_by_itself(self, world: World, provider: Provider) -> None:
        there = [provider.create(world.calendar, replace(EVENT, title=f"Old {number}"), f"old-{number}") for number in range(5)]
        world.edit(there[1].remote_id, title="By hand")
        world.remove(there[4].remote_id)
        wish = replace(EVENT, title="Ours")
        made, renamed, outdated, deleted, kept, twice, gone = provider.many(
            world.calendar,
            [
                Create(EVENT, "new-1"),
                Update(there[0].remote_id, wish, ("title",), there[0].etag),
                Update(there[1].remote_id, wish, ("title",), there[1].etag),
                Delete(there[2].remote_id, there[2].etag),
                Delete(there[3].remote_id, ""),
                Create(wish, "old-0"),
                Update(there[4].remote_id, wish, ("title",), there[4].etag),
            ],
        )
        assert isinstance(made, Receipt)
        assert isinstance(renamed, Receipt)
        assert isinstance(twice, Receipt)
        assert [type(one) for one in (outdated, gone)] == [Changed, Changed]
        assert (deleted, kept) == (None, None)
        assert twice.remote_id == there[0].remote_id
        titles = {one.remote_id: one.item.title for one in read(world.provider(), world.calendar)[0].values() if one.item}
        assert titles == {made.remote_id: "Haircut", there[0].remote_id: "Ours", there[1].remote_id: "By hand"}

    def test_several_writes_whose_answer_is_lost_are_all_adopted(self, world: World, provider: Provider) -> None:
        """F12, F13 over batches."""
        ops = [Create(EVENT, f"key-{number}") for number in range(5)]
        world.fail("lost-answer")
        provider.many(world.calendar, ops)
        again = world.provider().many(world.calendar, ops)
        assert {one.remote_id for one in again if isinstance(one, Receipt)} == set(read(world.provider(), world.calendar)[0])
        assert world.writes() == len(again) == 5

    def test_one_that_can_not_be_written_keeps_none_of_the_others(self, world: World, provider: Provider) -> None:
        impossible = replace(EVENT, attendees=(Person("no address"),))
        fine, refused, last = provider.many(world.calendar, [Create(EVENT, "key-1"), Create(impossible, "key-2"), Create(EVENT, "key-3")])
        assert isinstance(fine, Receipt)
        assert isinstance(last, Receipt)
        assert isinstance(refused, Receipt | NeedsPerson)
        assert {fine.remote_id, last.remote_id} <= set(read(world.provider(), world.calendar)[0])
