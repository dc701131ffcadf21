"""What an employee sees of a booking in the own calendar: title, description, guests, buffers, and each step of its life."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from booking.actions import appointments as actions
from booking.actions.customers import Guest
from booking.models import Appointment, Attendance, Customer, Employee, Message, Service
from booking.notifications.sending import send_due
from booking.signals import item_changed
from integrations.models import Pair
from integrations.tests.salon import Salon, at, connect_calendar, lines, moment, value

MINUTE = timedelta(minutes=1)


def guests(salon: Salon, appointment: Appointment) -> list[str]:
    return [line for line in lines(salon.event(appointment)) if line.startswith("ATTENDEE")]


@pytest.mark.feature("A4")
def test_the_title_is_made_from_the_employees_template(salon: Salon):
    """Seen red with `str(appointment.service)` for the title in the projection."""
    salon.rule(title="%customer_first_name% kommt: %service_name%")
    appointment = salon.book(at(10))
    salon.sync()
    assert value(salon.event(appointment), "SUMMARY") == "Clara kommt: Haircut"
    salon.assert_converged()


@pytest.mark.feature("A4")
def test_a_new_template_is_written_over_coming_events(salon: Salon):
    """Seen red without enqueue_all in rule_changed."""
    appointment = salon.book(at(10))
    salon.sync()
    salon.rule(title="Neu: %service_name%")
    salon.sync()
    assert value(salon.event(appointment), "SUMMARY") == "Neu: Haircut"
    salon.assert_converged()


@pytest.mark.feature("A5")
def test_the_description_is_made_from_the_employees_template(salon: Salon):
    """Seen red with an empty description in the projection."""
    salon.rule(description="Tel. %customer_phone%\n%customer_email%\n100 %; a, b")
    appointment = salon.book(at(10))
    salon.sync()
    assert value(salon.event(appointment), "DESCRIPTION") == "Tel. +49 30 901820\nclara@example.org\n100 %; a, b"
    salon.assert_converged()


@pytest.mark.feature("A6")
def test_a_pending_appointment_is_not_in_the_calendar_until_it_is_approved(salon: Salon):
    """Seen red with `rule.pending` taken for true in the projection."""
    Service.objects.update(needs_approval=True)
    appointment = salon.book(at(10))
    salon.sync()
    assert salon.diary.paths() == []
    salon.assert_converged()
    actions.approve(appointment=appointment, now=timezone.now())
    salon.sync()
    assert value(salon.event(appointment), "STATUS") == "CONFIRMED"
    salon.assert_converged()


@pytest.mark.feature("A6")
def test_a_pending_appointment_is_tentative_where_that_is_switched_on(salon: Salon):
    """Seen red with show_as and status left at "busy" and "confirmed" for pending ones."""
    Service.objects.update(needs_approval=True)
    salon.rule(pending=True)
    appointment = salon.book(at(10))
    salon.sync()
    assert value(salon.event(appointment), "STATUS") == "TENTATIVE"
    salon.assert_converged()
    actions.approve(appointment=appointment, now=timezone.now())
    salon.sync()
    assert value(salon.event(appointment), "STATUS") == "CONFIRMED"
    assert len(salon.diary.paths()) == 1
    salon.assert_converged()


@pytest.mark.feature("A7")
def test_the_customer_is_no_attendee_unless_switched_on(salon: Salon):
    """Seen red with `rule.attendees` left out of the condition."""
    appointment = salon.book(at(10))
    salon.sync()
    assert guests(salon, appointment) == []
    salon.assert_converged()


@pytest.mark.feature("A7")
def test_the_customer_is_an_attendee_whom_the_server_does_not_invite(salon: Salon):
    """Seen red with `invited = []` in the projection."""
    salon.rule(attendees=True)
    appointment = salon.book(at(10))
    salon.sync()
    (guest,) = guests(salon, appointment)
    assert guest.endswith(":mailto:clara@example.org")
    assert "SCHEDULE-AGENT=CLIENT" in guest  # RFC 6638 §7.1: our own mail invites, so the server must not
    assert value(salon.event(appointment), "ORGANIZER") == "mailto:employee@example.org"
    salon.assert_converged()


@pytest.mark.feature("A7")
def test_calendar_and_mail_carry_the_same_uid_so_that_the_guest_has_it_once(salon: Salon):
    """Seen red with the key's own name as UID of the written event."""
    appointment = salon.book(at(10))
    salon.sync()
    send_due(timezone.now())
    (letter,) = [one for one in mail.outbox if one.to == ["clara@example.org"]]
    (entry,) = [bytes(part.get_payload(decode=True)).decode() for part in letter.message().walk() if part.get_content_type() == "text/calendar"]
    assert value(entry, "UID") == value(salon.event(appointment), "UID") == appointment.uid
    salon.assert_converged()


@pytest.mark.feature("A8")
def test_two_guests_of_one_appointment_are_never_written_where_they_could_see_each_other(salon: Salon):
    """Seen red without the `len(guests) == 1` in the projection."""
    salon.rule(attendees=True)
    appointment = salon.book(at(10))
    salon.sync()
    assert len(guests(salon, appointment)) == 1
    second = Customer.objects.create(first_name="Dora", last_name="Zweit", email="dora@example.org")
    Attendance.objects.create(appointment=appointment, customer=second, status=appointment.status, price=20)
    item_changed.send(sender=Appointment, item=appointment, origin=None)
    salon.sync()
    assert guests(salon, appointment) == []
    assert "mailto:" not in salon.event(appointment)
    assert value(salon.event(appointment), "X-KALENDS-GUESTS") == ""
    salon.assert_converged()


@pytest.mark.feature("A10")
@pytest.mark.parametrize(("buffers", "before", "after"), [(False, 0, 0), (True, 5, 10)])
def test_the_event_spans_the_buffers_if_switched_on(salon: Salon, buffers: bool, before: int, after: int):
    """Seen red with `appointment.occupied` for both, and for none."""
    salon.rule(buffers=buffers)
    appointment = salon.book(at(10))
    salon.sync()
    text = salon.event(appointment)
    assert (moment(text, "DTSTART"), moment(text, "DTEND")) == (at(10) - before * MINUTE, at(10.5) + after * MINUTE)
    salon.diary.shift(salon.path(appointment), timedelta(hours=2))
    salon.sync()
    appointment.refresh_from_db()
    assert (appointment.start, appointment.end) == (at(12), at(12.5))
    salon.assert_converged()


@pytest.mark.feature("A15")
def test_booking_moving_and_cancelling_are_followed(salon: Salon):
    """Seen red with UPDATE_THEIRS, then DELETE_THEIRS, doing nothing in push."""
    appointment = salon.book(at(10))
    salon.sync()
    (path,) = salon.diary.paths()
    salon.assert_converged()
    actions.reschedule(appointment=appointment, start=at(14), now=timezone.now())
    salon.sync()
    assert moment(salon.diary.raw(path), "DTSTART") == at(14)
    assert salon.diary.paths() == [path]
    salon.assert_converged()
    actions.cancel(appointment=appointment, now=timezone.now())
    salon.sync()
    assert salon.diary.paths() == []
    salon.assert_converged()


@pytest.mark.feature("A15")
def test_rejecting_and_deleting_take_the_event_away(salon: Salon):
    """Seen red with DELETE_THEIRS doing nothing in push."""
    Service.objects.update(needs_approval=True)
    salon.rule(pending=True)
    rejected, deleted = salon.book(at(10)), salon.book(at(12))
    salon.sync()
    assert len(salon.diary.paths()) == 2
    actions.reject(appointment=rejected, now=timezone.now())
    actions.delete(appointment=deleted)
    salon.sync()
    assert salon.diary.paths() == []
    assert set(Pair.objects.values_list("state", flat=True)) == {Pair.State.CLOSED}
    salon.assert_converged()


@pytest.mark.feature("A15")
def test_reassigning_takes_it_from_one_calendar_to_the_other(salon: Salon, colleague: Employee):
    """Seen red without the calendars' check in the projection: it stayed in both."""
    salon.service.employees.add(colleague)
    link, diary = salon.connect(colleague)
    appointment = salon.book(at(10))
    salon.sync()
    actions.reassign(appointment=appointment, employee=colleague, now=timezone.now())
    salon.sync()
    assert salon.diary.paths() == []
    assert diary.paths() == [salon.pair(appointment, link).remote_id]
    salon.assert_converged()
    actions.reassign(appointment=appointment, employee=salon.employee, now=timezone.now())
    salon.sync()
    assert diary.paths() == []
    assert salon.diary.paths() == [salon.path(appointment)]
    salon.assert_converged()


def test_what_was_booked_before_the_calendar_was_connected_is_written_too(caldav_server, caldav_proxy, employee: Employee, service: Service, client):
    actions.book(service=service, start=at(10), guest=Guest("Clara", "clara@example.org", "Kunde"), now=timezone.now())
    link, diary = connect_calendar(caldav_server, caldav_proxy, employee)
    salon = Salon(caldav_server, caldav_proxy, employee, service, link, diary, client)
    salon.sync()
    assert len(diary.paths()) == 1
    salon.assert_converged()
    diary.ask("DELETE", diary.url)


def test_a_mail_is_written_once_per_step_and_none_for_a_sync(salon: Salon):
    appointment = salon.book(at(10))
    salon.sync()
    told = Message.objects.filter(audience="customer").count()
    actions.reschedule(appointment=appointment, start=at(14), now=timezone.now())
    for _ in range(3):
        salon.sync()
    assert Message.objects.filter(audience="customer").count() == told + 1
    salon.assert_converged()


@pytest.mark.feature("A14")
def test_where_a_server_makes_no_copies_each_has_an_event_of_the_own(salon: Salon, colleague: Employee):
    """Seen red with copies_to_attendees for CalDAV: the colleague waited."""
    salon.service.employees.add(colleague)
    link, diary = salon.connect(colleague)
    appointment = salon.book(at(10))
    actions.set_staff(appointment=appointment, employees=[salon.employee, colleague], now=timezone.now())
    salon.sync()
    (guest,) = guests(salon, appointment)
    assert "SCHEDULE-AGENT=CLIENT" in guest
    assert guest.endswith(":mailto:colleague@example.org")
    assert value(salon.event(appointment), "ORGANIZER") == "mailto:employee@example.org"
    (path,) = diary.paths()
    assert "ATTENDEE" not in diary.raw(path)
    assert value(diary.raw(path), "UID") == appointment.uid
    salon.assert_converged()
    diary.delete(path)
    salon.sync()
    appointment.refresh_from_db()
    assert (appointment.is_live, diary.paths(), len(salon.diary.paths())) == (True, [], 1)  # a colleague leaves nobody waiting
    assert salon.pair(appointment).responses["colleague@example.org"]["is"] == "declined"
    salon.assert_converged()
    assert salon.pair(appointment, link).state == Pair.State.UNLINKED
