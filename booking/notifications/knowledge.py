"""What the recipient of a message has been told so far, what is true now, and so whether and how to tell it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from booking.models import Appointment, Attendance, Employee, Message, Status
from booking.models.appointment import LIVE

Kind = Message.Kind


@dataclass(frozen=True, slots=True)
class Knowledge:
    """One state of a booking. `staff` are the ids of those who serve it; None: not recorded."""

    start: datetime
    end: datetime
    status: str
    staff: tuple[int, ...] | None

    def as_json(self) -> dict[str, object]:
        return {"start": self.start.isoformat(), "end": self.end.isoformat(), "status": self.status, "staff": list(self.staff or ())}


def current(attendance: Attendance) -> Knowledge:
    appointment = attendance.appointment
    return Knowledge(appointment.start, appointment.end, str(attendance.status), staff_of(appointment))


def staff_of(appointment: Appointment) -> tuple[int, ...]:
    return tuple(appointment.staffings.order_by("employee").values_list("employee", flat=True))


def told(message: Message) -> Knowledge | None:
    """What the last mail about the booking to the same address said; None if there was none."""
    sent = Message.objects.filter(attendance=message.booking, recipient=message.recipient, state=Message.State.SENT, moment=None)
    last = sent.exclude(pk=message.pk).order_by("-sent_at", "-pk").first()
    said = last.context.get("told") if last else None
    if not said:
        return None
    return Knowledge(datetime.fromisoformat(said["start"]), datetime.fromisoformat(said["end"]), said["status"], tuple(said["staff"]))


def before(message: Message) -> Knowledge | None:
    """What people knew before the change the message is about: what they were told, else what was noted with the change.

    Whoever serves several customers hears of a change by one of them, and may have been told the last one by another.
    """
    of_several = message.audience == Message.Audience.EMPLOYEE and "previous_start" in message.context and _others(message).exists()
    if not of_several and (said := told(message)) is not None:
        return said
    if "previous_start" not in message.context:
        return None
    start, end = (datetime.fromisoformat(message.context[f"previous_{name}"]) for name in ("start", "end"))
    staff = message.context.get("previous_staff")
    return Knowledge(start, end, "", None if staff is None else tuple(staff))


def employee_of(message: Message) -> Employee | None:
    """Who the mail to an employee goes to: one of those who serve it, or who did until now."""
    known = Employee.objects.select_related("calendar").filter(email__iexact=message.recipient)
    return known.filter(staffings__appointment=message.booking.appointment_id).first() or known.first()


def needless(message: Message) -> str:
    """Why the message need not be sent any more; empty if it must. Looked at when it is about to be sent."""
    attendance = message.booking
    now, said, known = current(attendance), told(message), before(message)
    sent = Message.objects.filter(attendance=attendance, recipient=message.recipient, state=Message.State.SENT, moment=None)
    later = sent.filter(version__gt=message.version)
    if message.kind in (Kind.CANCELLED, Kind.REJECTED):
        if attendance.is_live:
            return "The booking is live again."
    elif not attendance.is_live:
        return "The booking has ended."
    elif message.kind == Kind.APPROVED and attendance.status != Status.APPROVED:
        return "The booking is not approved any more."
    elsewhere = message.context.get("left", {}).get("appointment", attendance.appointment_id) != attendance.appointment_id
    if (said == now and not elsewhere) or later.exists():
        return "The recipient has already been told."
    if message.kind == Kind.RESCHEDULED and not elsewhere:
        if said is None and known is not None and (known.start, known.end) == (now.start, now.end) and known.staff in (None, now.staff):
            return "It is at the time people knew again."
        if _has_left(message) and not _knew(message):
            return "The employee never heard of it."
    return ""


def wording(message: Message) -> str:
    """The name of the text that tells it: the kind, or the variant of it that fits what the recipient knows."""
    attendance = message.booking
    pending = attendance.status == Status.PENDING
    if message.kind == Kind.BOOKED:
        joined = message.audience == Message.Audience.EMPLOYEE and _others(message).filter(pk__lt=attendance.pk, status__in=LIVE).exists()
        return "pending" if pending else "joined" if joined else "booked"
    if message.kind in (Kind.CANCELLED, Kind.REJECTED) and attendance.appointment.is_live:
        return "left" if message.audience == Message.Audience.EMPLOYEE or message.kind == Kind.CANCELLED else str(message.kind)
    if message.kind != Kind.RESCHEDULED:
        return str(message.kind)
    if _has_left(message):
        return "handed_over"
    if message.audience == Message.Audience.EMPLOYEE and not _knew(message):
        return "pending" if pending else "booked"
    known = before(message)
    if known is not None and (known.start, known.end) == (attendance.appointment.start, attendance.appointment.end):
        return "reassigned"
    return "rescheduled_pending" if pending else "rescheduled"


def _others(message: Message) -> QuerySet[Attendance]:
    return Attendance.objects.filter(appointment=message.booking.appointment_id).exclude(pk=message.booking.pk)


def _has_left(message: Message) -> bool:
    """Is it for an employee who no longer serves it?"""
    if message.audience != Message.Audience.EMPLOYEE:
        return False
    employee = employee_of(message)
    return employee is not None and employee.pk not in staff_of(message.booking.appointment)


def _knew(message: Message) -> bool:
    """Did this employee serve it, as far as the mails told?"""
    employee, known = employee_of(message), before(message)
    return employee is None or known is None or known.staff is None or employee.pk in known.staff
