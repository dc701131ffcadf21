"""Laws of the three-way merge."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.merge import Snapshot, changed, merge

pytestmark = pytest.mark.pure

GROUPS = ("title", "description", "location", "when")
values = st.sampled_from(["a", "b", "c"])
snapshots = st.fixed_dictionaries(dict.fromkeys(GROUPS, values))
priorities = st.sampled_from(["ours", "theirs", "newest"])
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
moments = st.one_of(st.none(), st.integers(-5, 5).map(lambda minutes: NOW + timedelta(minutes=minutes)))


@given(snapshots, snapshots, snapshots, priorities, moments, moments)
def test_each_group_ends_as_one_of_the_two_sides_and_a_lone_change_always_survives(base, ours, theirs, priority, ours_at, theirs_at) -> None:
    merged = merge(base, ours, theirs, priority, ours_at=ours_at, theirs_at=theirs_at)
    lost = {one.group for one in merged.lost}
    for group in GROUPS:
        assert merged.value[group] in (ours[group], theirs[group])
        if ours[group] != base[group] and theirs[group] == base[group]:
            assert merged.value[group] == ours[group]
        if theirs[group] != base[group] and ours[group] == base[group]:
            assert merged.value[group] == theirs[group]
        assert (group in lost) == (base[group] != ours[group] != theirs[group] != base[group])


@given(snapshots, snapshots, snapshots, priorities)
def test_taking_and_giving_what_it_says_makes_both_sides_equal(base: Snapshot, ours: Snapshot, theirs: Snapshot, priority) -> None:
    merged = merge(base, ours, theirs, priority)
    ours_after = ours | {group: theirs[group] for group in merged.take}
    theirs_after = theirs | {group: ours[group] for group in merged.give}
    assert ours_after == theirs_after == merged.value
    again = merge(merged.value, ours_after, theirs_after, priority)
    assert (again.take, again.give, again.lost) == ((), (), ())


@given(snapshots, snapshots, snapshots)
def test_nothing_that_loses_is_forgotten(base: Snapshot, ours: Snapshot, theirs: Snapshot) -> None:
    merged = merge(base, ours, theirs, "theirs")
    assert {one.group: one.value for one in merged.lost} == {one.group: ours[one.group] for one in merged.lost}
    for group in changed(base, ours):
        assert merged.value[group] == ours[group] or group in {one.group for one in merged.lost}


def test_the_newest_change_wins_and_an_unknown_time_loses() -> None:
    base, ours, theirs = {"title": "a"}, {"title": "b"}, {"title": "c"}
    later = NOW + timedelta(seconds=1)
    assert merge(base, ours, theirs, "newest", ours_at=NOW, theirs_at=later).value == theirs
    assert merge(base, ours, theirs, "newest", ours_at=later, theirs_at=NOW).value == ours
    assert merge(base, ours, theirs, "newest", ours_at=NOW, theirs_at=NOW).value == ours
    assert merge(base, ours, theirs, "newest", ours_at=None, theirs_at=NOW).value == theirs
    assert merge(base, ours, theirs, "newest", ours_at=NOW, theirs_at=None).value == ours
