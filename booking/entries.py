"""What is booked as iCalendar entries, for mails, files and feeds: always the same UID and SEQUENCE, so that it is one entry wherever it comes from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings

from booking import ical
from booking.models import Appointment, Attendance, Employee, EventPeriod, Location, Status
from booking.notifications.placeholders import header
from booking.notifications.placeholders.values import known_zone


def of_appointment(appointment: Appointment, *, title: str, timezone: str, **more: Any) -> ical.Entry:
    """`more` are further fields of the Entry."""
    return _entry(appointment, appointment.location, title, timezone, more)


def of_period(period: EventPeriod, *, title: str, timezone: str, **more: Any) -> ical.Entry:
    return _entry(period, period.event.location, title, timezone, more)


def of_attendance(attendance: Attendance, employees: Iterable[Employee]) -> ical.Entry:
    """As the customer has it."""
    appointment = attendance.appointment
    return of_appointment(
        appointment,
        title=f"{appointment.service.name} – {settings.COMPANY['name']}",
        timezone=known_zone(attendance.timezone),
        status=state(attendance.status),
        description=", ".join(one.full_name for one in employees),
    )


def state(status: str) -> str:
    return "tentative" if status == Status.PENDING else "confirmed"


def _entry(item: Appointment | EventPeriod, location: Location | None, title: str, timezone: str, more: dict[str, Any]) -> ical.Entry:
    return ical.Entry(
        uid=item.uid,
        sequence=item.sequence,
        summary=header(title),
        location=", ".join(part for part in (location.name, location.address) if part) if location else "",
        start=item.start,
        end=item.end,
        timezone=timezone,
        **more,
    )
