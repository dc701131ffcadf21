"""Only the last state is told, and only to those who don't know it yet."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from booking.actions import appointments
from booking.models import Attendance, Message
from booking.notifications import sending
from booking.tests.mails import CLARA, booking, deliver, part, states
from booking.tests.salon import make_employee, make_service, soon

pytestmark = pytest.mark.django_db

EVE, FINN = "eve@salon.example", "finn@salon.example"
LATER = timedelta(minutes=10)


def drag(attendance: Attendance, hour: int) -> None:
    """As in a calendar: customers are told after two quiet minutes."""
    start = soon(hour)
    appointments.move(appointment=attendance.appointment, start=start, end=start + timedelta(minutes=30), now=timezone.now(), quiet=timedelta(minutes=2))


def test_a_booking_that_is_cancelled_at_once_is_only_told_as_cancelled():
    """Red when the state is not looked at again before sending."""
    attendance = booking()
    appointments.cancel(appointment=attendance.appointment, now=timezone.now())
    mails = deliver()
    assert "is cancelled" in part(mails[CLARA], "plain")
    assert [state for kind, _, state in states() if kind == "booked"] == ["skipped", "skipped"]
    assert len(mails) == 2


def test_dragging_about_tells_the_last_place_and_the_first():
    attendance = booking()
    deliver()
    drag(attendance, 12)
    drag(attendance, 16)
    assert deliver() == {}
    mails = deliver(LATER)
    text = part(mails[CLARA], "plain")
    assert "10:00 AM" in text
    assert "4:00 PM" in text
    assert "12:00 PM" not in text
    assert len(mails) == 2


def test_dragging_back_tells_nothing():
    """Red when the time people know is not compared."""
    attendance = booking()
    deliver()
    drag(attendance, 12)
    drag(attendance, 10)
    assert deliver(LATER) == {}
    assert not Message.objects.filter(state="open").exists()


def test_dragging_back_after_the_mail_tells_it_again():
    attendance = booking()
    deliver()
    drag(attendance, 12)
    assert CLARA in deliver(LATER)
    drag(attendance, 10)
    assert "10:00 AM" in part(deliver(LATER)[CLARA], "plain")


def test_moved_before_the_first_mail_went_one_mail_tells_all():
    attendance = booking()
    appointments.reschedule(appointment=attendance.appointment, start=soon(15), now=timezone.now())
    mails = deliver()
    assert "is booked" in part(mails[CLARA], "plain")
    assert "3:00 PM" in part(mails[CLARA], "plain")
    assert states() == [
        ("booked", "customer", "sent"),
        ("booked", "employee", "sent"),
        ("rescheduled", "customer", "skipped"),
        ("rescheduled", "employee", "skipped"),
    ]


def test_approved_before_the_request_was_answered_is_one_mail():
    attendance = booking(service=make_service(make_employee("Eve", language="en"), needs_approval=True))
    appointments.approve(appointment=attendance.appointment, now=timezone.now())
    assert "is booked" in part(deliver()[CLARA], "plain")
    assert Message.objects.filter(recipient=CLARA, state="sent").count() == 1


def test_a_cancellation_that_was_taken_back_is_not_told():
    attendance = booking()
    deliver()
    appointments.cancel(appointment=attendance.appointment, now=timezone.now())
    appointments.reinstate(appointment=attendance.appointment, now=timezone.now())
    assert deliver() == {}


def test_a_cancellation_that_was_told_and_taken_back_is_told_as_booked():
    attendance = booking()
    deliver()
    appointments.cancel(appointment=attendance.appointment, now=timezone.now())
    deliver()
    appointments.reinstate(appointment=attendance.appointment, now=timezone.now())
    assert "is booked" in part(deliver()[CLARA], "plain")


def test_handing_to_and_fro_before_the_mails_go_tells_nobody():
    """Red when the staff that people know is not compared, or a new one is told of losing what was never known."""
    eve, finn = make_employee("Eve"), make_employee("Finn")
    attendance = booking(service=make_service(eve, finn), employee=eve)
    deliver()
    appointments.reassign(appointment=attendance.appointment, employee=finn, now=timezone.now())
    appointments.reassign(appointment=attendance.appointment, employee=eve, now=timezone.now())
    assert deliver() == {}


def test_handing_over_at_the_same_time_is_told_to_all_three():
    eve, finn = make_employee("Eve", language="en"), make_employee("Finn", language="en")
    attendance = booking(service=make_service(eve, finn), employee=eve)
    deliver()
    appointments.reassign(appointment=attendance.appointment, employee=finn, now=timezone.now())
    mails = deliver()
    assert set(mails) == {CLARA, EVE, FINN}
    assert "A new appointment" in part(mails[FINN], "plain")
    assert "no longer yours" in part(mails[EVE], "plain")
    assert "now with Finn" in part(mails[CLARA], "plain")


def test_an_older_message_that_comes_late_is_dropped():
    """The first mail failed for a while; meanwhile the news after it went."""
    attendance = booking()
    Message.objects.update(not_before=timezone.now() + timedelta(hours=1))
    appointments.reschedule(appointment=attendance.appointment, start=soon(15), now=timezone.now())
    assert "has been moved" in part(deliver()[CLARA], "plain")
    assert deliver(timedelta(hours=2)) == {}


def test_an_erased_booking_is_told_to_nobody():
    attendance = booking()
    pk = Message.objects.get(recipient=CLARA).pk
    appointments.delete(appointment=attendance.appointment)
    assert sending.send_one(pk, now=timezone.now()) is False
    assert deliver() == {}
