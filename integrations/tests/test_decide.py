"""Every line of the decision table."""

from __future__ import annotations

import itertools

import pytest

from integrations.decide import Action, Ours, Part, Theirs, decide, part

pytestmark = pytest.mark.pure

BOTH = [
    (Ours.SAME, Theirs.SAME, Action.NOTHING),
    (Ours.CHANGED, Theirs.SAME, Action.UPDATE_THEIRS),
    (Ours.SAME, Theirs.CHANGED, Action.APPLY_HERE),
    (Ours.CHANGED, Theirs.CHANGED, Action.MERGE),
    (Ours.NEW, Theirs.NONE, Action.CREATE_THEIRS),
    (Ours.DELETED, Theirs.NONE, Action.CLOSE),
    (Ours.DELETED, Theirs.SAME, Action.DELETE_THEIRS),
    (Ours.DELETED, Theirs.CHANGED, Action.DELETE_THEIRS),
    (Ours.DELETED, Theirs.DELETED, Action.CLOSE),
    (Ours.CHANGED, Theirs.DELETED, Action.RECREATE_THEIRS),
]
TO = [
    (Ours.SAME, Theirs.CHANGED, Action.NOTE),
    (Ours.CHANGED, Theirs.CHANGED, Action.UPDATE_THEIRS),
    (Ours.CHANGED, Theirs.SAME, Action.UPDATE_THEIRS),
    (Ours.NEW, Theirs.NONE, Action.CREATE_THEIRS),
    (Ours.DELETED, Theirs.CHANGED, Action.DELETE_THEIRS),
    (Ours.CHANGED, Theirs.DELETED, Action.RECREATE_THEIRS),
]
FROM = [
    (Ours.CHANGED, Theirs.SAME, Action.NOTHING),
    (Ours.NEW, Theirs.NONE, Action.NOTHING),
    (Ours.SAME, Theirs.CHANGED, Action.APPLY_HERE),
    (Ours.CHANGED, Theirs.CHANGED, Action.APPLY_HERE),
    (Ours.SAME, Theirs.DELETED, Action.CANCEL_HERE),
    (Ours.CHANGED, Theirs.DELETED, Action.CANCEL_HERE),
    (Ours.DELETED, Theirs.SAME, Action.UNLINK),
    (Ours.DELETED, Theirs.CHANGED, Action.UNLINK),
]


@pytest.mark.parametrize(("ours", "theirs", "action"), BOTH)
def test_both_ways_each_pair_of_changes_has_its_action(ours: Ours, theirs: Theirs, action: Action) -> None:
    assert decide(ours, theirs, direction="both") is action


@pytest.mark.parametrize(("ours", "theirs", "action"), TO)
def test_one_way_to_the_calendar_never_takes_anything_from_it(ours: Ours, theirs: Theirs, action: Action) -> None:
    assert decide(ours, theirs, direction="to") is action


@pytest.mark.parametrize(("ours", "theirs", "action"), FROM)
def test_one_way_from_the_calendar_never_writes_to_it(ours: Ours, theirs: Theirs, action: Action) -> None:
    assert decide(ours, theirs, direction="from") is action


@pytest.mark.parametrize(("rule", "action"), [("cancel", Action.CANCEL_HERE), ("restore", Action.RECREATE_THEIRS), ("unlink", Action.UNLINK)])
def test_a_deletion_there_follows_the_rule(rule: str, action: Action) -> None:
    assert decide(Ours.SAME, Theirs.DELETED, direction="both", on_remote_delete=rule) is action


def test_one_way_to_the_calendar_puts_a_deleted_event_back_once() -> None:
    assert decide(Ours.SAME, Theirs.DELETED, direction="to") is Action.RECREATE_THEIRS
    assert decide(Ours.SAME, Theirs.DELETED, direction="to", put_back=True) is Action.UNLINK


@pytest.mark.parametrize(("ours", "theirs"), list(itertools.product([one for one in Ours if one is not Ours.NONE], Theirs)))
def test_switched_off_nothing_travels(ours: Ours, theirs: Theirs) -> None:
    assert decide(ours, theirs, direction="off") is Action.NOTHING


@pytest.mark.parametrize("direction", ["off", "to", "from", "both"])
def test_foreign_events_take_their_time_whatever_the_direction(direction: str) -> None:
    assert decide(Ours.NONE, Theirs.NEW, direction=direction) is Action.BUSY
    assert decide(Ours.NONE, Theirs.DELETED, direction=direction) is Action.DROP_BUSY


def test_what_others_enter_becomes_ours_only_where_the_rule_wants_it() -> None:
    assert decide(Ours.NONE, Theirs.NEW, direction="both", imports=True) is Action.CREATE_HERE
    assert decide(Ours.NONE, Theirs.DELETED, direction="both", imports=True) is Action.DROP_BUSY


HAS = ["", "own", "copy"]
EVERYTHING = list(itertools.product([False, True], HAS, [False, True]))


@pytest.mark.parametrize(("copies", "has", "waited"), EVERYTHING)
def test_the_organisers_calendar_leads_whatever_stands_there(copies: bool, has: str, waited: bool) -> None:
    assert part(leads=True, copies=copies, has=has, waited=waited) is Part.LEAD


@pytest.mark.parametrize(("has", "waited"), list(itertools.product(HAS, [False, True])))
def test_where_no_copies_come_the_others_have_events_of_their_own(has: str, waited: bool) -> None:
    assert part(leads=False, copies=False, has=has, waited=waited) is Part.OWN


@pytest.mark.parametrize(
    ("has", "waited", "expected"),
    [("", False, Part.WAIT), ("", True, Part.OWN), ("own", False, Part.OWN), ("own", True, Part.OWN), ("copy", False, Part.COPY), ("copy", True, Part.COPY)],
)
def test_a_copy_is_followed_awaited_for_a_while_and_then_done_without(has: str, waited: bool, expected: Part) -> None:
    assert part(leads=False, copies=True, has=has, waited=waited) is expected
