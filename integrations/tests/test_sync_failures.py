"""The other side refuses, asks for patience or loses its answers: nothing is lost, nothing is done twice, nobody else suffers."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime

import pytest
import time_machine
from django.core import mail
from django.db import connection
from django.utils import timezone

from booking.actions import appointments as actions
from booking.models import Appointment, Employee
from integrations import connect, engine, outbox
from integrations.models import Account, Outgoing
from integrations.testing.proxy import Fault
from integrations.tests.salon import Salon, at, moment, value

HOUR = timedelta(hours=1)


def due_now() -> None:
    """As if the pauses were over."""
    Outgoing.objects.update(not_before=timezone.now())
    Account.objects.update(paused_until=None)


def test_a_creation_whose_answer_is_lost_is_adopted_by_the_next_attempt(salon: Salon):
    """F12, F23. Seen red with a fresh key for each attempt, not saved before the call."""
    salon.book(at(10))
    salon.proxy.then(Fault("cut", method="PUT GET"), times=6)
    engine.drain(salon.link.pk)
    salon.proxy.faults.clear()
    assert len(salon.diary.paths()) <= 1
    due_now()
    salon.sync()
    assert len(salon.diary.paths()) == 1
    salon.assert_converged()


@pytest.mark.parametrize("fault", [Fault("late-status", method="PUT", status=500), Fault("late-status", method="PUT", status=504), Fault("cut", method="PUT")])
@pytest.mark.parametrize("what", ["create", "move"])
def test_a_write_that_was_done_but_refused_in_the_answer_is_not_done_twice(salon: Salon, fault: Fault, what: str):
    """F12. Seen red as the test before."""
    appointment = salon.book(at(10))
    if what == "move":
        salon.sync()
        actions.reschedule(appointment=appointment, start=at(14), now=timezone.now())
    before = salon.writes()
    salon.proxy.then(fault)
    for _ in range(3):
        engine.drain(salon.link.pk)
        due_now()
    assert salon.writes() == before + 1
    assert moment(salon.event(appointment), "DTSTART") == (at(14) if what == "move" else at(10))
    salon.assert_converged()


def test_whatever_order_rows_are_worked_off_in_the_last_state_is_there(salon: Salon):
    """F17: a row carries no content."""
    appointment = salon.book(at(10))
    actions.reschedule(appointment=appointment, start=at(12), now=timezone.now())
    actions.reschedule(appointment=appointment, start=at(14), now=timezone.now())
    assert Outgoing.objects.count() == 1
    salon.sync()
    assert moment(salon.event(appointment), "DTSTART") == at(14)
    outbox.enqueue([salon.link.pk], "appointment", appointment.pk, now=timezone.now())  # a late second wake
    salon.sync()
    assert moment(salon.event(appointment), "DTSTART") == at(14)
    salon.assert_converged()


@pytest.mark.django_db(transaction=True)
def test_a_change_made_while_the_row_is_being_written_is_not_forgotten(salon: Salon):
    """F17. Seen red with `done` that does not compare the version."""
    appointment = salon.book(at(10))

    def meanwhile(method: str) -> None:  # in the proxy's thread, with a connection of its own
        if method == "PUT":
            salon.proxy.watch = None
            actions.reschedule(appointment=Appointment.objects.get(), start=at(14), now=timezone.now())
            connection.close()

    salon.proxy.watch = meanwhile
    engine.drain(salon.link.pk)
    appointment.refresh_from_db()
    assert appointment.start == at(14) == moment(salon.event(appointment), "DTSTART")
    salon.assert_converged()


def test_content_that_the_server_refuses_is_shown_and_holds_nobody_up(salon: Salon):
    """F18. Seen red with Retry for a 400: it blocked the queue and came back for ever."""
    poison, fine = salon.book(at(10)), salon.book(at(14), name="Dora")
    salon.proxy.then(Fault("status", method="PUT", status=422))
    salon.sync()
    row = Outgoing.objects.get()
    assert (row.item_id, row.state) == (poison.pk, Outgoing.State.FAILED)
    assert row.error
    assert row.hint
    assert "secret inner words" not in row.error + row.hint
    assert moment(salon.event(fine), "DTSTART") == at(14)
    before = len(salon.proxy.calls)
    engine.drain(salon.link.pk)
    assert len(salon.proxy.calls) == before  # nobody asks again before a person says so
    outbox.enqueue([salon.link.pk], row.kind, row.item_id, now=timezone.now())
    salon.sync()
    salon.assert_converged()


@pytest.mark.parametrize("form", ["seconds", "date"])
@pytest.mark.parametrize("status", [429, 503])
def test_a_server_that_asks_for_patience_gets_it_and_others_are_not_kept_waiting(salon: Salon, colleague: Employee, form: str, status: int):
    """F19. Seen red with Retry-After thrown away in `problem`, and with the pause not asked for in open_session."""
    salon.service.employees.add(colleague)
    _link, diary = salon.connect(colleague)
    slow, quick = salon.book(at(10)), salon.book(at(10), name="Dora", employee=colleague)
    with time_machine.travel(timezone.now(), tick=False) as clock:
        after = "7" if form == "seconds" else format_datetime(timezone.now() + timedelta(seconds=7), usegmt=True)
        salon.proxy.then(Fault("status", method="GET", status=status, after=after))
        engine.drain(salon.link.pk)
        engine.drain(_link.pk)
        assert len(diary.paths()) == 1
        asked = len(salon.proxy.calls)
        clock.shift(timedelta(seconds=5))
        assert salon.link.pk not in outbox.due(timezone.now())
        engine.drain(salon.link.pk)
        engine.pull(salon.link.pk)
        assert len(salon.proxy.calls) == asked
        assert Account.objects.get(pk=salon.link.account_id).state == Account.State.CONNECTED
        clock.shift(timedelta(seconds=3))
        assert salon.link.pk in outbox.due(timezone.now())
        engine.drain(salon.link.pk)
    assert moment(salon.event(slow), "DTSTART") == at(10)
    assert quick.pk
    salon.assert_converged()


def test_when_one_of_two_calendars_fails_the_other_has_its_event_once(salon: Salon, colleague: Employee):
    """F26. Seen red with a row for the first link only."""
    salon.service.employees.add(colleague)
    link, diary = salon.connect(colleague)
    appointment = salon.book(at(10))
    salon.sync()
    actions.reassign(appointment=appointment, employee=colleague, now=timezone.now())
    assert Outgoing.objects.count() == 2
    salon.proxy.then(Fault("status", method="DELETE", status=500))
    for pk in (salon.link.pk, link.pk):
        engine.drain(pk)
    assert len(diary.paths()) == 1
    for _ in range(2):
        due_now()
        salon.sync()
    assert len(diary.paths()) == 1
    assert salon.diary.paths() == []
    salon.assert_converged()


def test_a_changed_password_is_tried_three_times_at_most_and_the_owner_is_told_once(salon: Salon):
    """F54. Seen red without REFUSALS, and with a mail for each refusal."""
    salon.book(at(10))
    salon.sync()
    account = Account.objects.get()
    Account.objects.update(secrets={"password": "no longer"})
    fresh = salon.book(at(14), name="Dora")
    refused: list[int] = []
    for _ in range(8):
        Account.objects.update(paused_until=None)
        Outgoing.objects.update(not_before=timezone.now())
        before = len(salon.proxy.calls)
        salon.sync()
        refused += [status for _method, _path, status in salon.proxy.calls[before:] if status == 401]
    assert 1 <= len(refused) <= 3
    account.refresh_from_db()
    assert account.state == Account.State.NEEDS_PERSON
    letters = [letter for letter in mail.outbox if letter.to == ["employee@example.org"] and "profile/calendars" in letter.body]
    assert len(letters) == 1
    assert "no longer" not in letters[0].body.replace("can no longer be", "")
    assert salon.slots() == []
    connect.change_secrets(account, secrets={"password": salon.server.password})
    assert connect.check(account.pk)
    salon.sync()
    assert moment(salon.event(fresh), "DTSTART") == at(14)
    assert len(mail.outbox) == len(letters)
    salon.assert_converged()


def test_a_server_without_etags_is_no_reason_to_write_for_ever(salon: Salon):
    """F38. Seen red with the missing etag taken for a changed one."""
    salon.proxy.then(Fault("drop-etag", method="PUT GET"), times=30)
    appointment = salon.book(at(10))
    for _ in range(3):
        salon.sync()
    actions.reschedule(appointment=appointment, start=at(14), now=timezone.now())
    salon.sync()
    before = salon.writes()
    salon.sync()
    assert salon.writes() == before
    assert value(salon.event(appointment), "SUMMARY")
    assert moment(salon.event(appointment), "DTSTART") == at(14)
    salon.proxy.faults.clear()
    salon.assert_converged()
