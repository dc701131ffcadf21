"""What is done to one customer's places in an appointment: approving, ending, moving. Where nobody else comes, it is done to the appointment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial

from django.db import transaction
from django.utils.translation import gettext as _

from booking.actions import allocation, appointments
from booking.actions.limits import check_limit
from booking.actions.status import end, first_status, following, live_of, set_status, settle, wake_waiting
from booking.availability import Slot, find_slots
from booking.errors import SlotTaken, WrongState
from booking.models import Appointment, Attendance, Employee, Message, Status
from booking.notifications.announce import announce
from booking.signals import item_changed

SECOND = timedelta(seconds=1)


def approve(*, attendance: Attendance, now: datetime, origin: object = None, reason: str = "") -> None:
    with _held(attendance) as employees:
        if attendance.status != Status.PENDING:
            raise WrongState(_("Only a pending appointment can be approved."))
        set_status(attendance.appointment, Status.APPROVED, {attendance: Status.APPROVED}, reason=reason)
        announce(attendance.appointment, Message.Kind.APPROVED, attendances=[attendance], employees=employees, now=now)
        item_changed.send(sender=Appointment, item=attendance.appointment, origin=origin)


def reject(*, attendance: Attendance, now: datetime, origin: object = None, reason: str = "") -> None:
    with _held(attendance) as employees:
        if attendance.status != Status.PENDING:
            raise WrongState(_("Only a pending appointment can be rejected."))
        end(attendance.appointment, [attendance], Status.REJECTED, Message.Kind.REJECTED, employees, now=now, origin=origin, reason=reason)


def cancel(*, attendance: Attendance, now: datetime, by_customer: bool = False, origin: object = None, reason: str = "") -> None:
    """A customer must keep the service's notice (TooLate)."""
    with _held(attendance) as employees:
        appointment = attendance.appointment
        if not attendance.is_live:
            raise WrongState(_("This appointment has already been cancelled."))
        if by_customer:
            appointments.check_notice(appointment, appointment.service.cancel_notice, now)
        end(appointment, [attendance], Status.CANCELLED, Message.Kind.CANCELLED, employees, now=now, origin=origin, reason=reason)


def reschedule(*, attendance: Attendance, start: datetime, now: datetime, by_customer: bool = False, origin: object = None, reason: str = "") -> None:
    """To another time that is offered. Others who come to the same appointment keep theirs; at the new time it joins those who are there."""
    appointment, service = attendance.appointment, attendance.appointment.service
    try:
        with transaction.atomic():
            if by_customer:
                check_limit(service, attendance.customer.email, start, besides=attendance)
            with _held(attendance) as employees:
                if not attendance.is_live:
                    raise WrongState(_("This appointment has been cancelled."))
                slot = _offered(attendance, employees, start, now) if service.is_group else None
                if slot is not None:
                    if by_customer:
                        appointments.check_notice(appointment, service.reschedule_notice, now)
                    _transfer(attendance, slot, now=now, origin=origin, reason=reason)
                else:
                    appointments.reschedule(appointment=appointment, start=start, now=now, by_customer=by_customer, origin=origin, reason=reason)
    except SlotTaken as taken:
        employee = appointment.employees.first()
        taken.nearest = partial(
            appointments.nearest,
            service=service,
            start=start,
            now=now,
            employee=employee,
            duration=appointment.end - appointment.start,
            location=appointment.chosen_location,
            persons=attendance.persons,
        )
        raise


def mark_no_show(*, attendance: Attendance, no_show: bool, now: datetime, reason: str = "") -> None:
    """Whoever was expected and did not come, or came after all. Nobody is told, and no calendar shows it."""
    with _held(attendance):
        if attendance.status != Status.APPROVED:
            raise WrongState(_("Only somebody whose place is confirmed can fail to come."))
        if attendance.appointment.start > now:
            raise WrongState(_("The appointment has not begun yet."))
        if attendance.no_show != no_show:
            attendance.no_show = no_show
            attendance._change_reason = reason[:100] or None  # type: ignore[attr-defined]  # simple-history reads it
            attendance.save()


@contextmanager
def _held(attendance: Attendance) -> Iterator[list[Employee]]:
    """Its appointment held, and itself read anew; yields who serves."""
    appointment = attendance.appointment
    with appointments.held(appointment) as employees:
        attendance.refresh_from_db()
        if attendance.appointment_id != appointment.pk:
            raise WrongState(_("This booking has been moved meanwhile. Please look at it anew."))
        attendance.appointment = appointment
        yield employees


def _offered(attendance: Attendance, employees: list[Employee], start: datetime, now: datetime) -> Slot | None:
    """The slot that it must be transferred to; None if nobody else comes and the time is free: then the appointment itself is moved."""
    appointment = attendance.appointment
    alone = live_of(appointment) == [attendance]
    found = find_slots(
        service=appointment.service,
        start=start,
        end=start + SECOND,
        now=now,
        employees=employees,
        ignore=("appointment", appointment.pk) if alone else None,
        duration=appointment.end - appointment.start,
        location=appointment.chosen_location,
        persons=attendance.persons,
        together=True,
    )
    slot = next((one for one in found if one.start == start and one.appointment != appointment.pk), None)
    if slot is None:
        raise SlotTaken(_("This time is not free."))
    return None if alone and slot.appointment is None else slot


def _transfer(attendance: Attendance, slot: Slot, *, now: datetime, origin: object, reason: str) -> None:
    old, service = attendance.appointment, attendance.appointment.service
    staff = list(old.employees.order_by("staffings"))
    target = appointments.open_at(service, slot, staff) if slot.appointment is None else Appointment.objects.get(pk=slot.appointment)
    attendance.appointment = target
    attendance.link_version += 1  # the old mail's link dies with the old time
    if not service.needs_approval:
        attendance.status = first_status(service)
    attendance._change_reason = reason[:100] or None  # type: ignore[attr-defined]  # simple-history reads it
    attendance.save()
    if staying := live_of(old):
        set_status(old, following(one.status for one in staying), {}, reason=reason)
    else:
        set_status(old, Status.CANCELLED, {}, reason=reason)
        allocation.free(old)
    settle(target, attendance, now=now)
    previous = {"start": old.start, "end": old.end}
    announce(target, Message.Kind.RESCHEDULED, attendances=[attendance], employees=target.employees.all(), previous=previous, now=now, left=old)
    wake_waiting()
    for changed in (old, target):
        item_changed.send(sender=Appointment, item=changed, origin=origin)
