"""What happens to an account, a rule or an appointment in the middle of everything: nothing is doubled, lost or decided by accident."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import pytest
import time_machine
from celery import current_app
from django.utils import timezone

from booking.actions import appointments as actions
from booking.actions.customers import Guest
from booking.errors import WrongState
from booking.models import Appointment, Busy, Employee
from integrations import answers, choosing, connect, engine, history
from integrations.contract import NeedsPerson
from integrations.engine.session import marker
from integrations.items import Event
from integrations.models import Account, FieldChange, Link, Outgoing, Pair
from integrations.tasks import sweep
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
    with mock.patch.object(choosing, "_pull_later"):
        choosing.choose(account, scene.employee.calendar, reads={scene.remote}, writes=scene.remote if writes else "")
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
    choosing.rule_changed([scene.link])
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
    scene.server.meanwhile.append(("changes", "before", lambda: choosing.set_reading(Link.objects.get(), honour="busy", policy="close")))
    with mock.patch.object(choosing, "_pull_later"):
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


def test_a_test_of_the_connection_that_ends_late_does_not_connect_again(scene):
    """Seen red with `check`, `check_again` and `change_secrets` that write over whatever state they find."""
    account = scene.link.account
    scene.server.meanwhile.append(("calendars", "before", lambda: connect.disconnect_later(account)))
    assert not connect.check(account.pk)
    assert Account.objects.get().state == Account.State.DISCONNECTING
    connect.check_again(account)
    connect.change_secrets(account, secrets={"password": "new"})
    assert Account.objects.get().state == Account.State.DISCONNECTING


def test_a_worker_that_stalled_until_another_took_over_puts_nothing_old_over_what_is_newer(scene):
    """F15. Seen red with transactions that don't ask for the lease: the appointment went back to where it had been an hour ago."""
    appointment, real, todo = book(scene, MONDAY), scene.server.call, [True]
    scene.sync()
    shift(scene, appointment, MONDAY + HOUR)

    def slow(name: str, action: Callable[[], Any]) -> Any:
        answer = real(name, action)
        if name != "changes" or not todo:
            return answer
        todo.pop()
        answer = deepcopy(answer)  # what it says is out of date when it arrives
        with time_machine.travel(timezone.now() + HOUR, tick=False):
            shift(scene, appointment, MONDAY + 2 * HOUR)
            assert engine.pull(scene.link.pk)
        return answer

    with mock.patch.object(scene.server, "call", slow):
        engine.pull(scene.link.pk)
    appointment.refresh_from_db()
    assert appointment.start == MONDAY + 2 * HOUR
    settled(scene)
    appointment.refresh_from_db()
    assert appointment.start == MONDAY + 2 * HOUR


def test_refusals_of_several_calendars_of_an_account_are_all_counted(scene):
    """Seen red with a count on the account as each worker had loaded it: three calendars refused at once were one refusal."""
    for account in [Account.objects.get() for _worker in range(connect.REFUSALS)]:
        connect.refused(account, NeedsPerson("Wrong password."), timezone.now())
    assert Account.objects.get().state == Account.State.NEEDS_PERSON


@pytest.mark.parametrize("trouble", ["", "lose-before", "lose-after"])
def test_the_event_of_a_booking_that_a_restored_database_has_lost_is_left_alone(scene, trouble):
    """Its id, and so its marker, is given a second time. Seen red without is_anothers in `create` and, with a lost call, in `absorb`."""
    appointment = book(scene, MONDAY)
    key = marker("appointment", appointment.pk, scene.link.pk, 1)
    lost = Event(start=MONDAY + 2 * HOUR, end=MONDAY + 3 * HOUR, title="Lost", uid="5b1f0c0e-0000-4000-8000-000000000000@kalends", key=key)
    if trouble:
        scene.server.faults.then(trouble, "create")
        engine.drain(scene.link.pk)
        Outgoing.objects.update(not_before=timezone.now())
    path = scene.server.put(scene.remote, lost)
    settled(scene)
    events = scene.server.calendars[scene.remote].events
    assert events[path].item == lost
    assert list(Busy.objects.values_list("key", "start")) == [(path, lost.start)]
    assert len(events) == 2
    assert scene.theirs(appointment).start == MONDAY
    actions.cancel(appointment=appointment, now=timezone.now())
    settled(scene)
    assert list(events) == [path]


@pytest.fixture
def colleagues_link(scene, colleague: Employee) -> Callable[[], Link]:
    """Connects the colleague to the very same remote calendar."""

    def made() -> Link:
        account = Account.objects.create(user=colleague.user, provider="memory", server=scene.server.name, username="colleague", secrets={"password": "x"})
        connect.check(account.pk)
        account.refresh_from_db()
        with mock.patch.object(choosing, "_pull_later"):
            choosing.choose(account, colleague.calendar, reads={scene.remote}, writes=scene.remote)
        return Link.objects.get(account=account)

    return made


@pytest.mark.parametrize("how", ["reassigned", "erased"])
@pytest.mark.parametrize("direction", ["both", "from"])
def test_what_left_the_calendar_while_it_was_disconnected_goes_there_too_as_the_rule_says(scene, colleague, how, direction):
    """Seen red with `_left_behind` for items of the calendar only: the old event took the employee's time for ever."""
    appointment = book(scene, MONDAY)
    scene.sync()
    connect.disconnect(scene.link.account)
    if how == "reassigned":
        actions.reassign(appointment=appointment, employee=colleague, now=timezone.now())
    else:
        actions.delete(appointment=appointment)
    reconnect(scene)
    scene.rule(direction=direction)
    settled(scene)
    left = 0 if direction == "both" else 1
    assert len(scene.server.calendars[scene.remote].events) == Busy.objects.count() == left
    assert not FieldChange.objects.filter(kind="conflict").exists()


def test_what_a_colleague_left_in_a_shared_calendar_stays_a_foreign_event(scene, colleagues_link):
    """Seen red with `_left_behind` that doesn't ask whose item it was: the colleague's sync deleted it."""
    book(scene, MONDAY)
    scene.sync()
    connect.disconnect(scene.link.account)
    link = colleagues_link()
    for _ in range(2):
        engine.pull(link.pk)
        engine.drain(link.pk)
    assert len(scene.server.calendars[scene.remote].events) == 1
    assert list(Busy.objects.values_list("start", flat=True)) == [MONDAY]


@pytest.mark.parametrize("left", ["nothing", "past", "switched off"])
def test_a_calendar_that_is_no_longer_used_is_let_go_of_once_its_events_are_gone(scene, left):
    """Seen red without `retire` in the sweep, and, with events that nobody looks at any more, with a link that its open pairs keep for ever."""
    appointment = book(scene, MONDAY)
    scene.server.put(scene.remote, Event(start=MONDAY + 2 * HOUR, end=MONDAY + 3 * HOUR, title="Lunch"))
    scene.sync()
    if left == "switched off":
        actions.edit(appointment=appointment, changes={"sync_enabled": False})
    with time_machine.travel(MONDAY + timedelta(days=40 if left == "past" else -2), tick=False), mock.patch.object(choosing, "_pull_later"):
        choosing.choose(scene.link.account, scene.employee.calendar, reads=set(), writes="")
        assert not Busy.objects.exists()
        assert Link.objects.exists(), "there is something to take away yet"
        engine.drain(scene.link.pk)
        sweep()
    assert not Link.objects.exists()
    assert len(scene.server.calendars[scene.remote].events) == (1 if left == "nothing" else 2)
    assert FieldChange.objects.filter(item_id=appointment.pk, kind="create").exists()


def test_a_calendar_that_is_chosen_again_at_once_keeps_its_link(scene):
    book(scene, MONDAY)
    scene.sync()
    with mock.patch.object(choosing, "_pull_later"):
        choosing.choose(scene.link.account, scene.employee.calendar, reads=set(), writes="")
        choosing.choose(scene.link.account, scene.employee.calendar, reads={scene.remote}, writes=scene.remote)
    settled(scene)
    assert Link.objects.get() == scene.link
    assert len(scene.server.calendars[scene.remote].events) == 1


@pytest.mark.parametrize("text", [{}, {"title": "Clara, short"}])
def test_an_event_dragged_to_no_length_is_a_question_and_no_riddle(scene, text):
    """Seen red with SlotTaken alone as a conflict: it was quarantined as "WrongState", and every later change of ours broke on it."""
    appointment = book(scene, MONDAY)
    scene.sync()
    scene.server.edit(scene.remote, scene.pair(appointment).remote_id, start=MONDAY + HOUR, end=MONDAY + HOUR, **text)
    settled(scene)
    pair = scene.pair(appointment)
    assert (pair.state, pair.problem) == (Pair.State.CONFLICT, "Das Ende muss nach dem Beginn liegen.")
    assert Link.objects.get().quarantine == {}
    with pytest.raises(WrongState):
        engine.settle_conflict(pair, keep_ours=False)
    engine.settle_conflict(pair, keep_ours=True)
    settled(scene)
    assert (scene.theirs(appointment).start, scene.theirs(appointment).end) == (MONDAY, MONDAY + HALF)
    assert scene.theirs(appointment).title == text.get("title", scene.theirs(appointment).title)


@pytest.fixture
def worker() -> Iterator[None]:
    """Tasks run where they are called."""
    current_app.conf.task_always_eager = True
    yield
    current_app.conf.task_always_eager = False


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("deleted", [True, False])
def test_an_answer_given_while_the_account_is_paused_waits_and_is_not_lost(scene, deleted):
    """Seen red with an answer that only the task knows: it gave up after a minute. What goes after the answer is not answered by it."""
    items = [book(scene, MONDAY + n * HOUR) for n in range(4)]
    scene.sync()
    for one in items[:3]:
        scene.server.remove(scene.remote, scene.pair(one).remote_id)
    scene.sync()
    with time_machine.travel(timezone.now(), tick=False) as clock:
        Account.objects.update(paused_until=timezone.now() + HALF)
        answers.answer_gone_later(Link.objects.get(), deleted=deleted)
        answers.answer_gone(scene.link.pk)
        assert Link.objects.get().state == Link.State.PARKED
        scene.server.remove(scene.remote, scene.pair(items[3]).remote_id)
        clock.shift(HALF)
        scene.server.faults.then("busy", "create")
        engine.pull(scene.link.pk)
        sweep()
        Account.objects.update(paused_until=None)
        sweep()
        clock.shift(HALF)
        engine.drain(scene.link.pk)
        answered = [scene.pair(one).state for one in items[:3]]
        assert answered == [Pair.State.CLOSED if deleted else Pair.State.LIVE] * 3
        assert [Appointment.objects.get(pk=one.pk).is_live for one in items] == [not deleted] * 3 + [True]
        assert scene.pair(items[3]).state == Pair.State.GONE_THERE
        assert Link.objects.get().answer == ""


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
