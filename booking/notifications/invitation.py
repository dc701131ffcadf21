"""The .ics that comes with a mail: the appointment's UID and SEQUENCE, so that it is one entry with whatever else carries them."""

from __future__ import annotations

from dataclasses import replace
from email.mime.text import MIMEText

from django.conf import settings

from booking import ical
from booking.entries import of_appointment
from booking.models import Appointment, Attendance, Message, Status
from booking.models.appointment import LIVE
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
    if cancelled and not gone and (appointment.is_live if audience == Message.Audience.EMPLOYEE else _still_comes(attendance, appointment)):
        return None
    entry = _entry(appointment, audience, attendance, name=name, address=address, timezone=timezone, cancelled=cancelled)
    return attached(entry, "CANCEL" if cancelled else "REQUEST")


def parting(message: Message, *, name: str, timezone: str) -> MIMEText | None:
    """CANCEL for the appointment that a customer of several has been moved out of: at the new time there is another one, with a UID of its own.
    None where the recipient has reason to keep the old entry."""
    attendance, noted = message.booking, message.context.get("left")
    old = Appointment.objects.select_related("service", "location").filter(pk=noted["appointment"]).first() if noted else None
    if old is None or old.pk == attendance.appointment_id or is_entered(old):
        return None
    if old.is_live if message.audience == Message.Audience.EMPLOYEE else _still_comes(attendance, old):
        return None
    entry = _entry(old, message.audience, attendance, name=name, address=message.recipient, timezone=timezone, cancelled=True)
    return attached(replace(entry, sequence=max(entry.sequence, noted["sequence"])), "CANCEL", name="cancel.ics")


def _still_comes(attendance: Attendance, appointment: Appointment) -> bool:
    """Whether the same address has further places in it: in that calendar both are one entry."""
    others = appointment.attendances.filter(customer__email__iexact=attendance.customer.email, status__in=LIVE)
    return others.exclude(pk=attendance.pk).exists()


def _entry(appointment: Appointment, audience: str, attendance: Attendance, *, name: str, address: str, timezone: str, cancelled: bool) -> ical.Entry:
    who = attendance.customer.full_name if audience == Message.Audience.EMPLOYEE else settings.COMPANY["name"]
    return of_appointment(
        appointment,
        title=f"{appointment.service.name} – {who}",
        timezone=timezone,
        status="cancelled" if cancelled else "confirmed",
        organizer=organizer_of(),
        attendees=((name, address, "required", "accepted"),),
    )
