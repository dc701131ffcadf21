"""Reminders and follow-ups: finds who is to be reminded, and looks again before it is sent. What is due is found, never put off by a timer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import DateTimeField, Exists, ExpressionWrapper, F, OuterRef, Q, QuerySet, Subquery

from booking.models import Attendance, Employee, Message, Reminder, Staffing, Status
from booking.models.message import EMAIL
from booking.wake import wake_after_commit

Audience = Message.Audience
State = Message.State
BEFORE = Reminder.When.BEFORE
LATEST = timedelta(days=3)  # a follow-up that could not be written until then comes too late


def write_due(now: datetime) -> int:
    """Writes the messages that are due by every active reminder, and returns how many. However often and by however many workers: each is written once."""
    from booking.tasks import send_messages

    written = 0
    for reminder in Reminder.objects.filter(is_active=True).prefetch_related("services"):
        with transaction.atomic():
            rows = list(_of_customers(reminder, now) if reminder.audience == Audience.CUSTOMER else _of_employees(reminder, now))
            if not rows:
                continue
            Message.objects.bulk_create(rows, ignore_conflicts=True)
            _reopen(reminder, rows, now)
            wake_after_commit(send_messages)
            written += len(rows)
    return written


def needless(message: Message, now: datetime) -> str:
    """Why the reminder need not be sent any more; empty if it must. Looked at when it is about to be sent."""
    attendance, reminder = message.booking, message.reminder
    appointment = attendance.appointment
    if reminder is None or not reminder.is_active:
        return "The reminder has been switched off."
    if attendance.status != Status.APPROVED:
        return "The booking has ended, or waits for approval."
    if message.moment != (appointment.start if reminder.when == BEFORE else appointment.end):
        return "The appointment has been moved."
    if reminder.when == BEFORE and appointment.start <= now:
        return "The appointment has begun."
    if reminder.when != BEFORE and attendance.no_show:
        return "The customer did not come."
    if message.audience == Audience.EMPLOYEE and not Employee.objects.filter(staffings__appointment=appointment, email__iexact=message.recipient).exists():
        return "The employee does not serve it any more."
    return ""


def _of_customers(reminder: Reminder, now: datetime) -> Iterator[Message]:
    about = Message.objects.filter(attendance=OuterRef("pk"), audience=Audience.CUSTOMER, channel=EMAIL)
    found = Attendance.objects.alias(due=_due(reminder)).filter(_window(reminder, now), _untold(reminder, about), status=Status.APPROVED)
    for attendance in found.select_related("appointment", "customer"):
        if reminder.when == BEFORE or not attendance.no_show:
            yield _message(reminder, attendance, attendance.customer.email, now)


def _of_employees(reminder: Reminder, now: datetime) -> Iterator[Message]:
    """One for each employee, however many customers come: it hangs on the first of them."""
    about = Message.objects.filter(attendance__appointment=OuterRef("appointment"), recipient=OuterRef("employee__email"), channel=EMAIL)
    coming = Attendance.objects.filter(appointment=OuterRef("appointment"), status=Status.APPROVED).order_by("pk").values("pk")[:1]
    found = Staffing.objects.alias(due=_due(reminder)).filter(_window(reminder, now), _untold(reminder, about)).annotate(first=Subquery(coming))
    rows = list(found.exclude(first=None).select_related("employee"))
    attendances = Attendance.objects.select_related("appointment").in_bulk([row.first for row in rows])
    for row in rows:
        attendance = attendances[row.first]
        if reminder.when == BEFORE or not attendance.no_show:
            yield _message(reminder, attendance, row.employee.email, now)


def _window(reminder: Reminder, now: datetime) -> Q:
    """Appointments that are near enough: they have not begun, or ended not too long ago."""
    services = [service.pk for service in reminder.services.all()]
    offered = Q(appointment__service__in=services) if services else Q()
    if reminder.when == BEFORE:
        return offered & Q(appointment__start__gt=now, appointment__start__lte=now + reminder.distance)
    earliest = max(now - LATEST, reminder.since)
    return offered & Q(appointment__end__gt=earliest - reminder.distance, appointment__end__lte=now - reminder.distance)


def _due(reminder: Reminder) -> ExpressionWrapper:
    """When a reminder before the start should come."""
    return ExpressionWrapper(F("appointment__start") - reminder.distance, output_field=DateTimeField())


def _untold(reminder: Reminder, about: QuerySet[Message]) -> Q:
    """Not reminded of this time yet. Whoever hears of the booking later than the reminder would have come needs none, and news goes first."""
    moment = OuterRef("appointment__start") if reminder.when == BEFORE else OuterRef("appointment__end")
    reminded = about.filter(reminder=reminder, moment=moment).exclude(state=State.SKIPPED)
    news = about.filter(moment=None).exclude(state=State.SKIPPED)
    if reminder.when != BEFORE:
        return Q(~Exists(reminded))
    return Q(~Exists(reminded)) & Q(~Exists(news.filter(Q(created_at__gt=OuterRef("due")) | Q(state=State.OPEN))))


def _message(reminder: Reminder, attendance: Attendance, recipient: str, now: datetime) -> Message:
    appointment, before = attendance.appointment, reminder.when == BEFORE
    return Message(
        kind=Message.Kind.REMINDER if before else Message.Kind.FOLLOW_UP,
        audience=reminder.audience,
        attendance=attendance,
        reminder=reminder,
        moment=appointment.start if before else appointment.end,
        version=attendance.version,
        recipient=recipient,
        not_before=now,
    )


def _reopen(reminder: Reminder, rows: list[Message], now: datetime) -> None:
    """What was not needed for a while is: the appointment was moved away and back again, cancelled and put back."""
    wanted = {(one.attendance_id, one.moment, one.recipient) for one in rows}
    skipped = Message.objects.filter(reminder=reminder, attendance__in=[one.attendance_id for one in rows], state=State.SKIPPED, channel=EMAIL)
    again = [one.pk for one in skipped if (one.attendance_id, one.moment, one.recipient) in wanted]
    skipped.filter(pk__in=again).update(state=State.OPEN, not_before=now, attempts=0, error="")
