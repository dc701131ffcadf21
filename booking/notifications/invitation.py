"""The .ics that comes with a mail: the appointment's UID and SEQUENCE, so that it is one entry with whatever else carries them."""

from __future__ import annotations

from email.mime.text import MIMEText

from django.conf import settings

from booking.entries import of_appointment
from booking.models import Attendance, Message, Status
from booking.notifications.content import attached, organizer_of
from booking.notifications.elsewhere import is_entered


def invitation(attendance: Attendance, *, audience: str, name: str, address: str, timezone: str, gone: bool) -> MIMEText | None:
    """REQUEST for an approved booking, CANCEL for one that has ended or, with `gone`, is not the recipient's any more (RFC 5546 §3.2).

    None while it waits for approval: a calendar entry would look like a promise; and where a calendar has invited the customer itself. The only
    attendee named is the recipient.
    """
    appointment = attendance.appointment
    if audience == Message.Audience.CUSTOMER and is_entered(appointment):
        return None
    if attendance.status == Status.PENDING and not gone:
        return None
    cancelled = gone or not attendance.is_live
    method = "CANCEL" if cancelled else "REQUEST"
    who = attendance.customer.full_name if audience == Message.Audience.EMPLOYEE else settings.COMPANY["name"]
    entry = of_appointment(
        appointment,
        title=f"{appointment.service.name} – {who}",
        timezone=timezone,
        status="cancelled" if cancelled else "confirmed",
        organizer=organizer_of(),
        attendees=((name, address, "required", "accepted"),),
    )
    return attached(entry, method)
