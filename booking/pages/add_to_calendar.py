"""Puts a booking into the customer's calendar: as a file, or by an address at which calendars on the web take an entry."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone

from booking.entries import of_attendance
from booking.ical import Entry
from booking.models import Attendance, Employee
from booking.notifications.elsewhere import is_entered

GOOGLE = "https://calendar.google.com/calendar/render"
OUTLOOK = "https://outlook.live.com/calendar/0/deeplink/compose"


class Target(NamedTuple):
    name: str
    icon: str
    url: str


def targets(entry: Entry) -> list[Target]:
    """For an entry with instants. The copy made there has another UID than ours: it does not follow when the booking is moved."""
    assert isinstance(entry.start, datetime)
    assert isinstance(entry.end, datetime)
    start, end = entry.start.astimezone(UTC), entry.end.astimezone(UTC)
    google = {
        "action": "TEMPLATE",
        "text": entry.summary,
        "dates": f"{start:%Y%m%dT%H%M%SZ}/{end:%Y%m%dT%H%M%SZ}",
        "details": entry.description,
        "location": entry.location,
    }
    outlook = {
        "path": "/calendar/action/compose",
        "rru": "addevent",
        "subject": entry.summary,
        "startdt": f"{start:%Y-%m-%dT%H:%M:%SZ}",
        "enddt": f"{end:%Y-%m-%dT%H:%M:%SZ}",
        "body": entry.description,
        "location": entry.location,
    }
    return [Target("Google", "google", f"{GOOGLE}?{urlencode(google)}"), Target("Outlook", "microsoft", f"{OUTLOOK}?{urlencode(outlook)}")]


def ways(attendance: Attendance, employees: Iterable[Employee], token: str) -> dict[str, Any]:
    """What `_add_to_calendar.html` shows; nothing where it is over or a calendar has invited the customer already."""
    appointment = attendance.appointment
    if not attendance.is_live or appointment.end <= timezone.now() or (appointment.pk is not None and is_entered(appointment)):
        return {}
    return {"calendar_targets": targets(of_attendance(attendance, employees)), "calendar_file": reverse("booking:appointment_entry", args=[token])}
