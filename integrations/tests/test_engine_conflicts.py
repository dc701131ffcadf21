"""A conflict waits for a person: what the calendar wants is kept as it stands there, and only the time waits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from booking.actions import appointments as actions
from booking.models import Appointment
from integrations import engine
from integrations.models import FieldChange, Pair
from integrations.testing.converged import assert_converged
from integrations.testing.stage import Stage

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR, HALF = timedelta(hours=1), timedelta(minutes=30)


@pytest.fixture
def wanted(scene: Stage) -> Appointment:
    """Moved in the calendar to where another appointment is."""
    wanted, _other = (scene.book(MONDAY + n * HOUR, now=timezone.now()) for n in range(2))
    scene.sync()
    scene.sync()
    edit(scene, wanted, start=MONDAY + HOUR, end=MONDAY + HOUR + HALF)
    scene.sync()
    assert scene.pair(wanted).state == Pair.State.CONFLICT
    return wanted


def edit(scene: Stage, appointment: Appointment, **changes: object) -> None:
    scene.server.edit(scene.remote, scene.pair(appointment).remote_id, **changes)


def settled(scene: Stage) -> None:
    scene.sync()
    scene.sync()
    assert_converged(lambda: scene.server.writes)


def free_the_time(appointment: Appointment) -> None:
    other = Appointment.objects.exclude(pk=appointment.pk).get()
    actions.cancel(appointment=other, now=timezone.now())


def test_the_time_wanted_there_survives_a_listing_and_a_new_title(scene, wanted):
    engine.pull(scene.link.pk, full=True)
    edit(scene, wanted, title="Clara, short")
    scene.sync()
    free_the_time(wanted)
    engine.settle_conflict(scene.pair(wanted), keep_ours=False)
    settled(scene)
    wanted.refresh_from_db()
    assert wanted.start == MONDAY + HOUR


@pytest.mark.parametrize("ours", [True, False])
def test_a_title_typed_while_the_time_waits_is_kept_however_it_is_settled(scene, wanted, ours):
    edit(scene, wanted, title="Clara, short")
    scene.sync()
    free_the_time(wanted)
    engine.settle_conflict(scene.pair(wanted), keep_ours=ours)
    settled(scene)
    assert scene.theirs(wanted).title == "Clara, short"


@pytest.mark.parametrize("ours", [True, False])
def test_a_title_typed_twice_while_the_time_waits_is_the_last_one_however_it_is_settled(scene, wanted, ours):
    """Seen red with a base that stays as it was before the conflict: the first title, taken in, looked like ours, and won."""
    for title in ("Clara, short", "Clara, long"):
        edit(scene, wanted, title=title)
        scene.sync()
    assert list(FieldChange.objects.filter(field="title", direction="in").values_list("new", flat=True).order_by("pk")) == ["Clara, short", "Clara, long"]
    free_the_time(wanted)
    engine.settle_conflict(scene.pair(wanted), keep_ours=ours)
    settled(scene)
    assert scene.theirs(wanted).title == "Clara, long"


def test_what_gave_way_beside_a_time_that_waits_is_in_the_history_once(scene, wanted):
    """Seen red with nothing noted of other groups as long as the time waits."""
    scene.rule(title="Ours")
    edit(scene, wanted, title="Clara, short")
    for _ in range(3):
        engine.pull(scene.link.pk, full=True)
    assert list(FieldChange.objects.filter(field="title", kind="conflict").values_list("old", flat=True)) == ["Clara, short"]


def test_moved_back_there_with_another_title_it_is_a_conflict_no_more(scene, wanted):
    edit(scene, wanted, start=MONDAY, end=MONDAY + HALF, title="Clara, short")
    settled(scene)
    assert scene.pair(wanted).state == Pair.State.LIVE
    assert scene.theirs(wanted).title == "Clara, short"


def test_moved_back_there_after_theirs_was_chosen_it_moves_back_here(scene, wanted):
    free_the_time(wanted)
    engine.settle_conflict(scene.pair(wanted), keep_ours=False)
    scene.sync()
    edit(scene, wanted, start=MONDAY, end=MONDAY + HALF)
    settled(scene)
    wanted.refresh_from_db()
    assert wanted.start == MONDAY


def test_moved_here_before_the_conflict_and_back_there_after_it_ours_is_written(scene):
    """While the conflict waits nothing is written, so the row in the outbox is gone. Seen red without a new one when it is settled by itself."""
    scene.rule(priority="theirs")
    first, _other = (scene.book(MONDAY + n * HOUR, now=timezone.now()) for n in range(2))
    scene.sync()
    actions.move(appointment=first, start=MONDAY + 4 * HOUR, end=MONDAY + 4 * HOUR + HALF, now=timezone.now())
    edit(scene, first, start=MONDAY + HOUR, end=MONDAY + HOUR + HALF)
    scene.sync()
    assert scene.pair(first).state == Pair.State.CONFLICT
    edit(scene, first, start=MONDAY, end=MONDAY + HALF)
    settled(scene)
    first.refresh_from_db()
    assert (first.start, scene.theirs(first).start) == (MONDAY + 4 * HOUR, MONDAY + 4 * HOUR)
