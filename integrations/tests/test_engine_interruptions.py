"""What happens to an account, a rule or an appointment in the middle of everything: nothing is doubled, lost or decided by accident."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from unittest import mock

import pytest
import time_machine
from django.utils import timezone

from booking.actions import appointments as actions
from booking.actions.customers import Guest
from booking.models import Appointment, Busy
from integrations import connect, engine, history
from integrations.items import Event
from integrations.models import Account, FieldChange, Link, Pair
from integrations.testing.converged import assert_converged
from integrations.testing.stage import Stage

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR, HALF = timedelta(hours=1), timedelta(minutes=30)


def book(scene: Stage, start: datetime) -> Appointment:
    guest = Guest("Clara", "clara@example.org", "Kunde")
    return actions.book(service=scene.service, start=start, guest=guest, now=timezone.now(), employee=scene.employee).appointment


def shift(scene: Stage, appointment: Appointment, start: datetime) -> None:
    scene.server.edit(scene.remote, scene.pair(appointment).remote_id, start=start, end=start + HALF)


def settled(scene: Stage) -> None:
    scene.sync()
    scene.sync()
    assert_converged(lambda: scene.server.writes)


def reconnect(scene: Stage, *, writes: bool = True) -> None:
    account = Account.objects.create(user=scene.employee.user, provider="memory", server=scene.server.name, username="new", secrets={"password": "x"})
    connect.check(account.pk)
    account.refresh_from_db()
    with mock.patch.object(connect, "_pull_later"):
        connect.choose(account, scene.employee.calendar, reads={scene.remote}, writes=scene.remote if writes else "")
    scene.link = Link.objects.get(account=account)


def test_connected_anew_it_takes_its_own_events_over_and_doubles_none(scene):
    kept, moved, ended = (book(scene, MONDAY + n * HOUR) for n in range(3))
    scene.sync()
    path = scene.pair(moved).remote_id
    connect.disconnect(scene.link.account)
    scene.server.edit(scene.remote, path, title="Clara, short")
    actions.cancel(appointment=ended, now=timezone.now())
    reconnect(scene)
    assert engine.drain(scene.link.pk) == 0, "it wrote before it had looked"
    settled(scene)
    assert len(scene.server.calendars[scene.remote].events) == 2
    assert scene.pair(moved).remote_id == path
    assert not Busy.objects.exists()
    shift(scene, kept, MONDAY + 4 * HOUR)
    settled(scene)
    kept.refresh_from_db()
    assert kept.start == MONDAY + 4 * HOUR


def test_connected_anew_to_be_read_only_its_own_events_take_no_time_and_stay(scene):
    book(scene, MONDAY)
    scene.sync()
    connect.disconnect(scene.link.account)
    reconnect(scene, writes=False)
    scene.sync()
    assert not Busy.objects.exists()
    assert not Pair.objects.exists()
    assert len(scene.server.calendars[scene.remote].events) == 1


def test_a_copy_of_an_event_is_still_a_foreign_one(scene):
    appointment = book(scene, MONDAY)
    scene.sync()
    scene.server.put(scene.remote, scene.theirs(appointment))
    scene.sync()
    assert Busy.objects.count() == 1


@pytest.mark.parametrize("full", [False, True])
def test_what_was_moved_there_while_the_sync_was_off_is_taken_in_afterwards(scene, full):
    appointment = book(scene, MONDAY)
    scene.sync()
    scene.rule(direction="off")
    shift(scene, appointment, MONDAY + HOUR)
    engine.pull(scene.link.pk, full=full)
    scene.rule(direction="both")
    connect.rule_changed([scene.link])
    settled(scene)
    appointment.refresh_from_db()
    assert appointment.start == MONDAY + HOUR


def test_what_was_moved_there_while_its_sync_was_off_is_taken_in_as_soon_as_it_is_on(scene):
    appointment = book(scene, MONDAY)
    scene.sync()
    actions.edit(appointment=appointment, changes={"sync_enabled": False})
    scene.sync()
    shift(scene, appointment, MONDAY + HOUR)
    scene.sync()
    actions.edit(appointment=appointment, changes={"sync_enabled": True})
    settled(scene)
    appointment.refresh_from_db()
    assert appointment.start == MONDAY + HOUR


@pytest.mark.parametrize("trouble", ["test", "lost"])
def test_a_question_that_waits_is_not_answered_by_other_trouble(scene, trouble):
    items = [book(scene, MONDAY + n * HOUR) for n in range(3)]
    scene.sync()
    for one in items:
        scene.server.remove(scene.remote, scene.pair(one).remote_id)
    scene.sync()
    with time_machine.travel(timezone.now() + timedelta(hours=2), tick=False):
        if trouble == "test":
            connect.check(scene.link.account_id)
        else:
            Link.objects.update(state=Link.State.LOST)
        scene.sync()
        scene.sync()
        assert all(Appointment.objects.get(pk=one.pk).is_live for one in items)
        assert Link.objects.get().state == Link.State.PARKED
        assert engine.answer_gone(scene.link.pk, deleted=True)
        assert not any(Appointment.objects.get(pk=one.pk).is_live for one in items)


def test_a_conflict_ends_with_the_appointment(scene):
    wanted, _other = book(scene, MONDAY), book(scene, MONDAY + HOUR)
    scene.sync()
    shift(scene, wanted, MONDAY + HOUR)
    scene.sync()
    assert scene.pair(wanted).state == Pair.State.CONFLICT
    actions.cancel(appointment=wanted, now=timezone.now())
    settled(scene)
    assert len(scene.server.calendars[scene.remote].events) == 1
    assert not Busy.objects.exists()


def test_a_setting_changed_during_a_reading_holds_for_all_events(scene):
    scene.server.put(scene.remote, Event(start=MONDAY, end=MONDAY + HOUR, title="Lunch", show_as="free"))
    scene.sync()
    scene.server.meanwhile.append(("changes", "before", lambda: connect.set_reading(Link.objects.get(), honour="busy", policy="close")))
    with mock.patch.object(connect, "_pull_later"):
        engine.pull(scene.link.pk)
    scene.sync()
    assert Busy.objects.count() == 1


def test_a_text_taken_back_during_a_writing_stays_taken_back(scene):
    appointment = book(scene, MONDAY)
    scene.sync()
    scene.server.edit(scene.remote, scene.pair(appointment).remote_id, title="T", description="D")
    scene.sync()
    typed = {one.field: one for one in FieldChange.objects.filter(direction="in")}
    history.revert(typed["title"], user=None)
    scene.server.meanwhile.append(("update", "before", lambda: history.revert(typed["description"], user=None)))
    engine.drain(scene.link.pk)
    settled(scene)
    assert (scene.theirs(appointment).title, scene.theirs(appointment).description) != ("T", "D")
    assert scene.theirs(appointment).description != "D"


def test_what_is_put_back_is_put_back_even_if_the_first_call_fails(scene):
    scene.rule(on_remote_delete="restore")
    gone, _other = book(scene, MONDAY), book(scene, MONDAY + HOUR)
    scene.sync()
    scene.server.remove(scene.remote, scene.pair(gone).remote_id)
    scene.server.faults.then("lose-before", "create")
    scene.sync()
    with time_machine.travel(timezone.now() + timedelta(hours=1), tick=False):
        settled(scene)
        assert scene.theirs(gone).start == MONDAY
