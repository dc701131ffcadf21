"""A group appointment in the employee's calendar: one event, whose texts say how many come, through all that happens to single customers."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from booking.actions import appointments, attendances
from booking.actions.customers import Guest
from booking.models import Appointment, Attendance, Service
from integrations.tests.salon import Salon, at, value


def join(salon: Salon, name: str, *, persons: int = 1, hour: float = 10) -> Attendance:
    service = Service.objects.get()
    guest = Guest(first_name=name, email=f"{name.lower()}@example.org")
    return appointments.book(service=service, start=at(hour), guest=guest, now=timezone.now(), persons=persons)


@pytest.mark.feature("P5")
def test_the_event_says_how_many_persons_come(salon: Salon):
    """Red when a customer's places are counted as one, and when leaving isn't announced."""
    salon.rule(title="%service_name% (%number_of_persons%)", description="%customer_full_name%")
    Service.objects.update(max_capacity=6)
    clara, dora = join(salon, "Clara", persons=3), join(salon, "Dora")
    salon.sync()
    appointment = Appointment.objects.get()
    (path,) = salon.diary.paths()
    assert value(salon.event(appointment), "SUMMARY") == "Haircut (4)"
    assert value(salon.event(appointment), "DESCRIPTION") == "Clara, Dora"
    attendances.cancel(attendance=clara, now=timezone.now())
    salon.sync()
    assert salon.diary.paths() == [path]
    assert value(salon.event(appointment), "SUMMARY") == "Haircut (1)"
    # Whoever moves alone gets an event of the new appointment; the last one who leaves takes the old event along.
    join(salon, "Emil", persons=2)
    dora.refresh_from_db()
    attendances.reschedule(attendance=dora, start=at(14), now=timezone.now())
    salon.sync()
    assert {value(salon.event(one), "SUMMARY") for one in Appointment.objects.all()} == {"Haircut (2)", "Haircut (1)"}
    attendances.cancel(attendance=Attendance.objects.get(customer__first_name="Emil"), now=timezone.now())
    salon.sync()
    assert len(salon.diary.paths()) == 1
    salon.assert_converged()


def test_moved_in_the_calendar_the_whole_group_moves(salon: Salon):
    Service.objects.update(max_capacity=6)
    join(salon, "Clara", persons=3), join(salon, "Dora")
    salon.sync()
    appointment = Appointment.objects.get()
    salon.diary.shift(salon.path(appointment), timedelta(hours=2))
    salon.sync()
    appointment.refresh_from_db()
    assert (appointment.start, appointment.attendances.count(), appointment.persons) == (at(12), 2, 4)
    assert join(salon, "Emil", hour=12).appointment == appointment
    salon.sync()
    salon.assert_converged()


def test_an_address_that_booked_twice_is_one_guest(salon: Salon):
    """Red when each attendance is an attendee: two for one person, so none is written."""
    salon.rule(attendees=True)
    Service.objects.update(max_capacity=6)
    join(salon, "Clara"), join(salon, "Clara")
    salon.sync()
    assert salon.event(Appointment.objects.get()).count("mailto:clara@example.org") == 1
    salon.assert_converged()
