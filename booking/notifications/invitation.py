"""The .ics that comes with a mail: the appointment's UID and SEQUENCE, so that it is one entry with whatever else carries them."""

from __future__ import annotations

import logging
from email.mime.text import MIMEText
from email.utils import parseaddr

from django.conf import settings

from booking import ical
from booking.models import Attendance, Message, Status
from booking.notifications.placeholders import header

logger = logging.getLogger(__name__)


def invitation(attendance: Attendance, *, audience: str, name: str, address: str, timezone: str, gone: bool) -> MIMEText | None:
    """REQUEST for an approved booking, CANCEL for one that has ended or, with `gone`, is not the recipient's any more (RFC 5546 §3.2).

    None while it waits for approval: a calendar entry would look like a promise. The only attendee named is the recipient.
    """
    appointment = attendance.appointment
    if attendance.status == Status.PENDING and not gone:
        return None
    cancelled = gone or not attendance.is_live
    method = "CANCEL" if cancelled else "REQUEST"
    who = attendance.customer.full_name if audience == Message.Audience.EMPLOYEE else settings.COMPANY["name"]
    location = appointment.location
    entry = ical.Entry(
        uid=appointment.uid,
        sequence=appointment.sequence,
        summary=header(f"{appointment.service.name} – {who}"),
        location=", ".join(part for part in (location.name, location.address) if part) if location else "",
        start=appointment.start,
        end=appointment.end,
        timezone=timezone,
        status="cancelled" if cancelled else "confirmed",
        organizer=(settings.COMPANY["name"], organizer_address()),
        attendees=((name, address, "required", "accepted"),),
    )
    try:
        data = ical.write([entry], method=method)
    except ValueError:
        # An address such as "a b"@example.org is allowed in mail but can't be written as an attendee: the mail goes without.
        logger.warning("No invitation for message to an unusual address (appointment %s).", appointment.pk)
        return None
    part = MIMEText(data.decode(), "calendar", "utf-8")
    part.set_param("method", method)
    part.add_header("Content-Disposition", "attachment", filename="invite.ics")
    return part


def organizer_address() -> str:
    return str(settings.COMPANY["email"] or parseaddr(settings.DEFAULT_FROM_EMAIL)[1])
