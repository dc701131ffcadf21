"""A worker that stalls in a call until its lease has run out and another has taken over saves nothing of what it knew (F15)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone

from booking.actions import appointments as actions
from booking.models import Appointment
from integrations import engine
from integrations.models import Outgoing
from integrations.testing.converged import assert_converged
from integrations.testing.stage import Stage

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR, HALF = timedelta(hours=1), timedelta(minutes=30)


def shift(scene: Stage, appointment: Appointment, start: datetime) -> None:
    scene.server.edit(scene.remote, scene.pair(appointment).remote_id, start=start, end=start + HALF)


def move(appointment: Appointment, start: datetime) -> None:
    actions.move(appointment=appointment, start=start, end=start + HALF, now=timezone.now())


def stall(scene: Stage, method: str, moment: str, act: Callable[[], object]) -> None:
    """During the next such call a person acts there, and another worker reads it."""

    def meanwhile() -> None:
        act()
        with time_machine.travel(timezone.now() + HOUR, tick=False):
            assert engine.pull(scene.link.pk)

    scene.server.meanwhile.append((method, moment, meanwhile))


def settled(scene: Stage) -> None:
    with time_machine.travel(timezone.now() + 2 * HOUR, tick=False):
        scene.sync()
        scene.sync()
        assert_converged(lambda: scene.server.writes)
    assert not Outgoing.objects.exists()


def test_what_came_back_there_meanwhile_is_not_put_back_too(scene):
    """Seen red with an intent that is saved without a look at the lease: nobody held the time of what a person had put there."""
    appointment = scene.book(MONDAY, now=timezone.now())
    scene.rule(on_remote_delete="restore")
    scene.sync()
    event, remote_id = scene.theirs(appointment), scene.pair(appointment).remote_id
    scene.server.remove(scene.remote, remote_id)
    stall(scene, "delete", "before", lambda: scene.server.put(scene.remote, event))
    engine.pull(scene.link.pk)
    settled(scene)
    assert len(scene.server.calendars[scene.remote].events) == 1


def test_a_move_there_that_was_taken_in_meanwhile_is_no_conflict_later(scene):
    """Seen red with an answer that is saved without a look at the lease: the next move here counted as one on both sides, and gave way."""
    appointment = scene.book(MONDAY, now=timezone.now())
    scene.rule(priority="theirs")
    scene.sync()
    move(appointment, MONDAY + HOUR)
    stall(scene, "update", "after", lambda: shift(scene, appointment, MONDAY + 2 * HOUR))
    engine.drain(scene.link.pk)
    settled(scene)
    appointment.refresh_from_db()
    assert appointment.start == MONDAY + 2 * HOUR
    move(appointment, MONDAY + 3 * HOUR)
    settled(scene)
    assert scene.theirs(appointment).start == MONDAY + 3 * HOUR


def test_our_own_writing_whose_answer_was_lost_does_not_overrule_what_we_did_since(scene):
    """Seen red without what was sent being kept: it counted as a move there, and a later move here gave way to it."""
    appointment = scene.book(MONDAY, now=timezone.now())
    scene.rule(priority="theirs")
    scene.sync()
    move(appointment, MONDAY + HOUR)
    scene.server.faults.then("lose-after", "update")
    engine.drain(scene.link.pk)
    move(appointment, MONDAY + 2 * HOUR)
    settled(scene)
    assert scene.theirs(appointment).start == MONDAY + 2 * HOUR


@pytest.mark.parametrize("further", [0, 1], ids=["the next is written", "the next gets lost"])
def test_nor_does_any_of_several_writings_without_an_answer(scene, further):
    """It is written again before anything was read. Seen red with a memory of the last update only: the first move came back."""
    appointment = scene.book(MONDAY, now=timezone.now())
    scene.rule(priority="theirs")
    scene.sync()
    for number, trouble in enumerate(["lose-after", *["lose-before"] * further]):
        move(appointment, MONDAY + (number + 1) * HOUR)
        scene.server.faults.then(trouble, "update")
        Outgoing.objects.update(not_before=timezone.now())
        engine.drain(scene.link.pk)
    last = MONDAY + 4 * HOUR
    move(appointment, last)
    Outgoing.objects.update(not_before=timezone.now())
    engine.drain(scene.link.pk)
    settled(scene)
    appointment.refresh_from_db()
    assert (appointment.start, scene.theirs(appointment).start) == (last, last)
