"""Undoing from the history what the sync did: the old value comes back here and goes to the calendar."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from booking.actions import appointments as actions
from booking.tests.mails import deliver
from integrations import history
from integrations.models import FieldChange
from integrations.tests.salon import Salon, at, moment, value

HOUR = timedelta(hours=1)


@pytest.mark.feature("E17")
def test_reverting_a_move_moves_both_back(salon: Salon):
    """Seen red without set_times."""
    appointment = salon.book(at(10))
    salon.sync()
    salon.diary.shift(salon.path(appointment), 4 * HOUR)
    salon.sync()
    history.revert(FieldChange.objects.get(direction="in", field="when"), user=salon.employee.user)
    salon.sync()
    appointment.refresh_from_db()
    assert appointment.start == at(10) == moment(salon.event(appointment), "DTSTART")
    assert FieldChange.objects.get(direction="in", field="when").reverted_by == salon.employee.user
    salon.assert_converged()


@pytest.mark.feature("E17")
def test_reverting_a_title_brings_the_templates_back(salon: Salon):
    """Seen red without `kept.pop` in history, and without the enqueue in revert."""
    appointment = salon.book(at(10))
    salon.sync()
    before = value(salon.event(appointment), "SUMMARY")
    salon.diary.retitle(salon.path(appointment), "Something else")
    salon.sync()
    salon.assert_converged()
    history.revert(FieldChange.objects.get(direction="in", field="title"), user=salon.employee.user)
    salon.sync()
    assert value(salon.event(appointment), "SUMMARY") == before
    salon.assert_converged()


@pytest.mark.feature("E17")
def test_reverting_a_cancellation_made_there_brings_appointment_and_event_back(salon: Salon):
    """Seen red without reinstate in revert."""
    appointment = salon.book(at(10))
    salon.sync()
    salon.diary.delete(salon.path(appointment))
    salon.sync()
    appointment.refresh_from_db()
    assert appointment.status == "cancelled"
    history.revert(FieldChange.objects.get(kind="delete"), user=salon.employee.user)
    salon.sync()
    appointment.refresh_from_db()
    assert appointment.status == "approved"
    assert moment(salon.event(appointment), "DTSTART") == at(10)
    salon.assert_converged()


@pytest.mark.feature("E17")
def test_reverting_the_deletion_of_a_pending_appointment_does_not_approve_it(salon: Salon):
    """Seen red with a reinstate that always approves: the customer was told of a booking that nobody had agreed to."""
    salon.rule(pending=True)
    salon.service.needs_approval = True
    salon.service.save()
    appointment = salon.book(at(10))
    salon.sync()
    salon.diary.delete(salon.path(appointment))
    salon.sync()
    deliver(timedelta(minutes=5))
    history.revert(FieldChange.objects.get(kind="delete"), user=salon.employee.user)
    salon.sync()
    appointment.refresh_from_db()
    assert appointment.status == appointment.attendances.get().status == "pending"
    assert value(salon.event(appointment), "STATUS") == "TENTATIVE"
    told = {to: mail["Subject"].partition(":")[0].partition(" for")[0] for to, mail in deliver().items()}
    assert told == {"clara@example.org": "Your request", "employee@example.org": "Neue Anfrage"}
    salon.assert_converged()


@pytest.mark.feature("E17")
def test_reverting_a_move_that_went_there_moves_both_back(salon: Salon):
    """Seen red without set_times."""
    appointment = salon.book(at(10))
    salon.sync()
    actions.reschedule(appointment=appointment, start=at(14), now=timezone.now())
    salon.sync()
    history.revert(FieldChange.objects.get(direction="out", field="when", kind="update"), user=salon.employee.user)
    salon.sync()
    appointment.refresh_from_db()
    assert appointment.start == at(10) == moment(salon.event(appointment), "DTSTART")
    salon.assert_converged()
