"""Books, approves, moves, reassigns, cancels: the only writers of appointments.

Each runs in one transaction: lock the calendars, look again, save (the record's history with it), announce to the people by the
message outbox and to whoever listens by `item_changed`. `origin` is what caused it outside (a link), None for somebody here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial

from django.db import transaction
from django.db.models import Count, Q
from django.utils.translation import gettext as _

from booking.actions import allocation
from booking.actions.customers import Guest, recognise
from booking.availability import Slot, find_slots, is_bookable
from booking.errors import SlotTaken, TooLate, WrongState
from booking.models import Appointment, Attendance, Employee, Message, Service, Staffing, Status
from booking.models.appointment import LIVE
from booking.models.quick import insert
from booking.notifications.announce import announce
from booking.notifications.cap import check_cap
from booking.signals import item_changed

NEAREST = 5


def book(
    *,
    service: Service,
    start: datetime,
    guest: Guest,
    now: datetime,
    employee: Employee | None = None,
    notes: str = "",
    origin: object = None,
    public: bool = False,
    savepoint: bool = True,
) -> Attendance:
    """A new appointment at a time that is offered; "anyone" when no employee is named. Raises SlotTaken with the nearest free slots.

    `public`: a stranger books, so mails to one address are limited (TooMany). Without `savepoint` a transaction around it ends with whatever is raised.
    """
    try:
        with transaction.atomic(savepoint=savepoint):
            candidates = [employee] if employee else list(service.employees.filter(is_active=True))
            allocation.lock(one.calendar_id for one in candidates)
            chosen, slot = _choose(service, candidates, start, now)
            appointment = Appointment(
                service=service,
                location_id=service.location_id,
                start=slot.start,
                end=slot.end,
                buffer_before=service.buffer_before,
                buffer_after=service.buffer_after,
                status=Status.PENDING if service.needs_approval else Status.APPROVED,
            )
            customer, known = recognise(guest)
            if public and known:
                check_cap(guest.email, now)
            insert(appointment, *([customer] if customer._state.adding else []))
            attendance = Attendance(
                appointment=appointment,
                customer=customer,
                status=appointment.status,
                notes=notes,
                price=service.price,
                language=guest.language,
                timezone=guest.timezone,
            )
            allocation.occupy(appointment, [chosen], first=True, beside=[Staffing(appointment=appointment, employee=chosen), attendance])
            announce(appointment, Message.Kind.BOOKED, attendances=[attendance], employees=[chosen], now=now, first=True)
            item_changed.send(sender=Appointment, item=appointment, origin=origin)
            return attendance
    except SlotTaken as taken:
        taken.nearest = partial(nearest, service=service, start=start, now=now, employee=employee)
        raise


def _choose(service: Service, candidates: Sequence[Employee], start: datetime, now: datetime) -> tuple[Employee, Slot]:
    """Of those who are free the one with the fewest appointments that day, so that "anyone" is fair."""
    slots = {slot.employee_id: slot for slot in find_slots(service=service, start=start, end=start + timedelta(seconds=1), now=now, employees=candidates)}
    free = [one for one in candidates if one.pk in slots and slots[one.pk].start == start]
    if not free:
        raise SlotTaken(_("This time is no longer free."))
    if len(free) > 1:
        near = Q(appointments__status__in=LIVE, appointments__start__gte=start - timedelta(hours=12), appointments__start__lt=start + timedelta(hours=12))
        load = dict(Employee.objects.filter(pk__in=[one.pk for one in free]).annotate(load=Count("appointments", filter=near)).values_list("pk", "load"))
        free.sort(key=lambda one: (load[one.pk], one.position, one.pk))
    return free[0], slots[free[0].pk]


def nearest(*, service: Service, start: datetime, now: datetime, employee: Employee | None = None) -> list[Slot]:
    """The free slots closest to a time, at most five, in order of time."""
    around = find_slots(service=service, start=start - timedelta(days=1), end=start + timedelta(days=7), now=now, employees=[employee] if employee else None)
    return sorted(sorted(around, key=lambda slot: abs(slot.start - start))[:NEAREST], key=lambda slot: slot.start)


def approve(*, appointment: Appointment, now: datetime, origin: object = None, reason: str = "") -> None:
    with _held(appointment) as employees:
        if appointment.status != Status.PENDING:
            raise WrongState(_("Only a pending appointment can be approved."))
        _set_status(appointment, Status.APPROVED, reason=reason)
        announce(appointment, Message.Kind.APPROVED, employees=employees, now=now)
        item_changed.send(sender=Appointment, item=appointment, origin=origin)


def reject(*, appointment: Appointment, now: datetime, origin: object = None, reason: str = "") -> None:
    with _held(appointment) as employees:
        if appointment.status != Status.PENDING:
            raise WrongState(_("Only a pending appointment can be rejected."))
        _end(appointment, Status.REJECTED, Message.Kind.REJECTED, employees, now=now, origin=origin, reason=reason)


def cancel(*, appointment: Appointment, now: datetime, by_customer: bool = False, origin: object = None, reason: str = "") -> None:
    """Ends it and frees the time. A customer must keep the service's notice (TooLate)."""
    with _held(appointment) as employees:
        if not appointment.is_live:
            raise WrongState(_("This appointment has already been cancelled."))
        if by_customer:
            _check_notice(appointment, appointment.service.cancel_notice, now)
        _end(appointment, Status.CANCELLED, Message.Kind.CANCELLED, employees, now=now, origin=origin, reason=reason)


def reschedule(
    *,
    appointment: Appointment,
    start: datetime,
    now: datetime,
    by_customer: bool = False,
    employee: Employee | None = None,
    origin: object = None,
    reason: str = "",
) -> None:
    """To another time that is offered, keeping its length; the old time is only given up together with taking the new one."""
    try:
        with _held(appointment, also=[employee] if employee else ()) as employees:
            if not appointment.is_live:
                raise WrongState(_("This appointment has been cancelled."))
            if by_customer:
                _check_notice(appointment, appointment.service.reschedule_notice, now)
            wanted = [employee] if employee else employees
            for one in wanted:
                if is_bookable(service=appointment.service, employee=one, start=start, now=now, ignore=("appointment", appointment.pk)) is None:
                    raise SlotTaken(_("This time is not free."))
            appointment.buffer_before, appointment.buffer_after = appointment.service.buffer_before, appointment.service.buffer_after
            _move(appointment, wanted, start, start + (appointment.end - appointment.start), now=now, origin=origin, reason=reason)
    except SlotTaken as taken:
        taken.nearest = partial(nearest, service=appointment.service, start=start, now=now, employee=employee or appointment.employees.first())
        raise


def move(
    *, appointment: Appointment, start: datetime, end: datetime, now: datetime, origin: object = None, reason: str = "", quiet: timedelta = timedelta(0)
) -> None:
    """Where staff or a calendar says: hours, notice and horizon don't matter, other appointments do (SlotTaken). Buffers give way.

    `quiet` delays the customers' mail, so that somebody who drags an event about tells them once, of its last place.
    """
    if end <= start:
        raise WrongState(_("The end must be after the start."))
    with _held(appointment) as employees:
        if not appointment.is_live:
            raise WrongState(_("This appointment has been cancelled."))
        if (appointment.start, appointment.end) == (start, end):
            return
        _move(appointment, employees, start, end, now=now, origin=origin, reason=reason, quiet=quiet, shrink=True)


def reassign(*, appointment: Appointment, employee: Employee, now: datetime, origin: object = None, reason: str = "") -> None:
    """To another employee at the same time; other appointments of that employee are in the way, hours are not."""
    set_staff(appointment=appointment, employees=[employee], now=now, origin=origin, reason=reason)


def set_staff(*, appointment: Appointment, employees: Sequence[Employee], now: datetime, origin: object = None, reason: str = "") -> None:
    """These serve it together, the first as organiser, at the same time; other appointments of theirs are in the way, hours are not."""
    wanted = list(dict.fromkeys(employees))
    if not wanted:
        raise WrongState(_("Somebody has to serve the appointment."))
    with _held(appointment, also=wanted):
        if not appointment.is_live:
            raise WrongState(_("This appointment has been cancelled."))
        if list(appointment.staffings.order_by("pk").values_list("employee", flat=True)) == [one.pk for one in wanted]:
            return
        _move(appointment, wanted, appointment.start, appointment.end, now=now, origin=origin, reason=reason, shrink=True, staffed=True)


def reinstate(*, appointment: Appointment, now: datetime, origin: object = None, reason: str = "") -> None:
    """Takes back a cancellation or rejection, if the time is still free of other appointments: what was pending still waits for approval."""
    with _held(appointment) as employees:
        if appointment.is_live:
            raise WrongState(_("This appointment is not cancelled."))
        allocation.shrink(appointment, [one.calendar_id for one in employees])
        before = appointment.history.filter(status__in=LIVE).order_by("-history_date", "-history_id").values_list("status", flat=True).first()
        _set_status(appointment, Status(before or Status.APPROVED), reason=reason)
        allocation.occupy(appointment, employees)
        announce(appointment, Message.Kind.BOOKED, employees=employees, now=now)
        item_changed.send(sender=Appointment, item=appointment, origin=origin)


def edit(*, appointment: Appointment, changes: dict[str, object], origin: object = None, reason: str = "") -> None:
    """What has no effect on anybody's time: internal_note, location, sync_enabled."""
    if unknown := set(changes) - {"internal_note", "location", "location_id", "sync_enabled"}:
        raise ValueError(f"not editable: {sorted(unknown)}")
    with _held(appointment):
        for name, value in changes.items():
            setattr(appointment, name, value)
        _save(appointment, reason)
        item_changed.send(sender=Appointment, item=appointment, origin=origin)


def delete(*, appointment: Appointment, origin: object = None) -> None:
    """Erases it for good (its history stays) and tells nobody; to tell the customer, cancel it."""
    with _held(appointment):
        allocation.free(appointment)
        pk = appointment.pk
        appointment.delete()
        appointment.pk = pk  # listeners find their own rows by it
        item_changed.send(sender=Appointment, item=appointment, origin=origin)


@contextmanager
def _held(appointment: Appointment, *, also: Sequence[Employee] = ()) -> Iterator[list[Employee]]:
    """One transaction in which its calendars are locked, then the appointment, then read anew; yields its employees.

    In that order, because reading a calendar moves many appointments in one transaction: whoever held one of them and waited for the
    calendar would wait for ever.
    """
    with transaction.atomic():
        found = Employee.objects.filter(staffings__appointment=appointment).order_by("pk")
        before = [one.calendar_id for one in [*found, *also]]
        allocation.lock(before)
        try:
            appointment.refresh_from_db(from_queryset=Appointment.objects.select_for_update(of=("self",)))
        except Appointment.DoesNotExist as error:
            raise WrongState(_("This appointment no longer exists.")) from error
        employees = list(found.all())
        if missed := {one.calendar_id for one in employees} - set(before):  # reassigned this instant
            allocation.lock(missed)
        yield employees


def _check_notice(appointment: Appointment, minutes: int, now: datetime) -> None:
    if appointment.start - now < timedelta(minutes=minutes):
        raise TooLate(_("It is too late to change this appointment online. Please call us."))


def _move(
    appointment: Appointment,
    employees: Sequence[Employee],
    start: datetime,
    end: datetime,
    *,
    now: datetime,
    origin: object,
    reason: str,
    quiet: timedelta = timedelta(0),
    shrink: bool = False,
    staffed: bool = False,
) -> None:
    """`staffed`: the employees are to be in this order, the organiser first."""
    before = {"start": appointment.start, "end": appointment.end}
    appointment.start, appointment.end = start, end
    if shrink:
        appointment.buffer_before, appointment.buffer_after = appointment.service.buffer_before, appointment.service.buffer_after
        allocation.shrink(appointment, [one.calendar_id for one in employees])
    allocation.occupy(appointment, employees)
    if before != {"start": start, "end": end}:
        appointment.sequence += 1
    leaving = list(Employee.objects.filter(staffings__appointment=appointment).exclude(pk__in=[one.pk for one in employees]))
    if leaving or staffed:
        Staffing.objects.filter(appointment=appointment).delete()
        Staffing.objects.bulk_create(Staffing(appointment=appointment, employee=one) for one in employees)
    _save(appointment, reason)
    for attendance in appointment.attendances.filter(status__in=LIVE):
        attendance.link_version += 1  # the old mail's link dies with the old time
        attendance.save()
    announce(appointment, Message.Kind.RESCHEDULED, employees=[*employees, *leaving], previous=before, quiet=quiet, now=now)
    item_changed.send(sender=Appointment, item=appointment, origin=origin)


def _end(appointment: Appointment, status: Status, kind: Message.Kind, employees: Sequence[Employee], *, now: datetime, origin: object, reason: str) -> None:
    going = list(appointment.attendances.filter(status__in=LIVE))
    _set_status(appointment, status, reason=reason)
    allocation.free(appointment)
    announce(appointment, kind, attendances=going, employees=employees, now=now)
    item_changed.send(sender=Appointment, item=appointment, origin=origin)


def _set_status(appointment: Appointment, status: Status, *, reason: str) -> None:
    appointment.status = status
    _save(appointment, reason)
    for attendance in appointment.attendances.all():
        if attendance.is_live or status in LIVE:
            attendance.status = status
            if status not in LIVE:
                attendance.link_version += 1
            attendance.save()


def _save(appointment: Appointment, reason: str) -> None:
    appointment._change_reason = reason[:100] or None  # type: ignore[attr-defined]  # simple-history reads it
    appointment.save()
