"""Calendars to subscribe to: what one customer has booked, and one employee's diary. Read only, a constant number of queries."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from django.db.models import Max, Q, QuerySet

from booking import ical
from booking.entries import of_appointment, of_attendance, of_period, state
from booking.models import Appointment, Attendance, Customer, Employee, Event, EventPeriod, Registration
from booking.models.appointment import LIVE

PAST = timedelta(days=90)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def of_customer(customers: QuerySet[Customer], now: datetime) -> bytes:
    """All live bookings and registrations of these customers (one person may appear more than once). No link is in it, since calendars are shared."""
    attendances = (
        Attendance.objects.filter(customer__in=customers, status__in=LIVE, appointment__status__in=LIVE, appointment__end__gt=now - PAST)
        .select_related("appointment__service", "appointment__location")
        .prefetch_related("appointment__employees")
        .order_by("appointment__start", "pk")
    )
    entries = [of_attendance(one, one.appointment.employees.all()) for one in attendances]
    registered = Registration.objects.filter(customer__in=customers, status=Registration.Status.REGISTERED).values("event")
    return _written([*entries, *_periods(Q(event__in=registered), now)], [one.appointment for one in attendances])


def of_booking(attendance: Attendance) -> bytes:
    """One booking, as a file for the customer."""
    return _written([of_attendance(attendance, attendance.appointment.employees.all())], [attendance.appointment])


def of_registration(registration: Registration) -> bytes:
    return _written(_periods(Q(event=registration.event_id), datetime.now(UTC)), [])


def of_employee(employee: Employee, now: datetime) -> bytes:
    """The live appointments and events that the employee serves, with who comes."""
    appointments = list(
        Appointment.objects.filter(employees=employee, status__in=LIVE, end__gt=now - PAST)
        .select_related("service", "location")
        .prefetch_related("attendances__customer")
        .order_by("start", "pk")
    )
    entries = [
        of_appointment(
            one,
            title=f"{one.service.name} – {', '.join(place.customer.full_name for place in one.attendances.all() if place.is_live)}",
            timezone=employee.calendar.timezone,
            status=state(one.status),
        )
        for one in appointments
    ]
    mine = Q(event__organizer=employee) | Q(event__in=Event.objects.filter(staff=employee).values("pk"))
    return _written([*entries, *_periods(mine, now)], appointments)


def _periods(mine: Q, now: datetime) -> list[ical.Entry]:
    found = EventPeriod.objects.filter(mine, is_cancelled=False, event__status=Event.Status.PUBLISHED, end__gt=now - PAST)
    return [of_period(one, title=one.event.name, timezone=one.event.timezone) for one in found.select_related("event__location").order_by("start", "pk")]


def _written(entries: Iterable[ical.Entry], appointments: Iterable[Appointment]) -> bytes:
    """DTSTAMP tells when something was last changed (RFC 5545 §3.8.7.2), so that nothing else makes two answers differ."""
    changed = Appointment.history.filter(id__in=[one.pk for one in appointments]).aggregate(at=Max("history_date"))["at"]
    return ical.write(entries, now=changed or EPOCH)
