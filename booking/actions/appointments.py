"""Books, approves, moves, reassigns, cancels: the only writers of appointments.

Each runs in one transaction: lock the calendars, look again, save (the record's history with it), announce to the people by the
message outbox and to whoever listens by `item_changed`. `origin` is what caused it outside (a link), None for somebody here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Unpack

from django.db import transaction
from django.utils.translation import gettext as _

from booking.actions import allocation, answers, extras
from booking.actions.answers import Given
from booking.actions.assignment import choose
from booking.actions.customers import Guest, recognise
from booking.actions.extras import Chosen
from booking.actions.limits import check_limit
from booking.actions.status import as_they_were, end, first_status, following, live_of, save, set_status, settle, waiting_of, wake_waiting
from booking.availability import Slot, Wanted, find_slots
from booking.availability.groups import few_left, too_many
from booking.errors import SlotTaken, TooLate, WrongState
from booking.models import Appointment, Attendance, Employee, Location, Message, Service, Staffing, Status
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
    chosen: Sequence[Chosen] = (),
    given: Sequence[Given] = (),
    origin: object = None,
    public: bool = False,
    location: Location | None = None,
    persons: int = 1,
    savepoint: bool = True,
) -> Attendance:
    """A new appointment at a time that is offered, or places in one that is there; "anyone" when no employee is named, and wherever these are when
    no location is. Raises SlotTaken with the nearest free slots.

    `chosen` are extras of the service, `given` the answers to its questions; what it costs follows from service, employee, persons and extras.
    `public`: a stranger books, so mails to one address are limited (TooMany), and the service's limit holds (LimitReached).
    Without `savepoint` a transaction around it ends with whatever is raised.
    """
    if any(one.extra.service_id != service.pk for one in chosen):
        raise ValueError("an extra of another service")
    if persons > service.max_capacity:
        raise WrongState(too_many(service))
    wanted: Wanted = {"added": extras.added(chosen), "location": location, "persons": persons}
    try:
        with transaction.atomic(savepoint=savepoint):
            if public:
                check_limit(service, guest.email, start)
            candidates = [employee] if employee and not service.collective else list(service.employees.filter(is_active=True))
            allocation.lock(one.calendar_id for one in candidates)
            staff, slot = _choose(service, candidates, start, now, wanted)
            joined = slot.appointment is not None
            appointment = _at(service, slot) if slot.appointment is None else Appointment.objects.get(pk=slot.appointment)
            customer, known = recognise(guest)
            if public and known:
                check_cap(guest.email, now)
            insert(*([] if joined else [appointment]), *([customer] if customer._state.adding else []))
            attendance = Attendance(
                appointment=appointment,
                customer=customer,
                status=first_status(service),
                persons=persons,
                notes=notes,
                price=slot.price * persons + extras.price_of(chosen),
                language=guest.language,
                timezone=guest.timezone,
            )
            if joined:
                insert(attendance)
            else:
                allocation.occupy(appointment, staff, first=True, beside=[*_serving(appointment, staff), attendance])
            if chosen:
                extras.note(attendance, chosen)
            if given:
                answers.note(attendance, given)
            if joined or service.min_capacity > 1:
                settle(appointment, attendance, now=now)
                staff = list(appointment.employees.all())
            announce(appointment, Message.Kind.BOOKED, attendances=[attendance], employees=staff, now=now, first=True)
            item_changed.send(sender=Appointment, item=appointment, origin=origin)
            return attendance
    except SlotTaken as taken:
        taken.nearest = partial(nearest, service=service, start=start, now=now, employee=employee, **wanted)
        raise


def open_at(service: Service, slot: Slot, staff: Sequence[Employee]) -> Appointment:
    """A new appointment there, without customers yet; the calendars are locked, and the slot has been found free."""
    appointment = _at(service, slot)
    insert(appointment)
    allocation.occupy(appointment, staff, first=True, beside=_serving(appointment, staff))
    return appointment


def _at(service: Service, slot: Slot) -> Appointment:
    return Appointment(
        service=service,
        location_id=slot.location_id,
        start=slot.start,
        end=slot.end,
        buffer_before=service.buffer_before,
        buffer_after=service.buffer_after,
        status=first_status(service),
    )


def _serving(appointment: Appointment, staff: Sequence[Employee]) -> list[Staffing]:
    return [Staffing(appointment=appointment, employee=one) for one in staff]


def _choose(service: Service, candidates: Sequence[Employee], start: datetime, now: datetime, wanted: Wanted) -> tuple[list[Employee], Slot]:
    """Who serves it, and the slot: of several who are free by the service's rule. Who has a group with places left then comes first."""
    until, persons = start + timedelta(seconds=1), wanted["persons"]

    def offered(persons: int) -> list[Slot]:
        asked: Wanted = {**wanted, "employees": candidates, "persons": persons}
        return [slot for slot in find_slots(service=service, start=start, end=until, now=now, **asked) if slot.start == start]

    slots = {slot.employee_id: slot for slot in offered(persons)}
    if not slots:
        left = max((slot.places_left or 0 for slot in offered(1)), default=0) if persons > 1 else 0
        raise SlotTaken(few_left(left) if left else _("This time is no longer free."), left=left)
    if service.collective:
        return list(candidates), next(iter(slots.values()))
    free = [one for one in candidates if one.pk in slots]
    free = [one for one in free if slots[one.pk].appointment] or free
    server = choose(service, free, start) if len(free) > 1 else free[0]
    return [server], slots[server.pk]


def nearest(*, service: Service, start: datetime, now: datetime, employee: Employee | None = None, **wanted: Unpack[Wanted]) -> list[Slot]:
    """The free slots closest to a time, at most five, in order of time."""
    wanted["employees"] = [employee] if employee else None
    around = find_slots(service=service, start=start - timedelta(days=1), end=start + timedelta(days=7), now=now, **wanted)
    return sorted(sorted(around, key=lambda slot: abs(slot.start - start))[:NEAREST], key=lambda slot: slot.start)


def approve(*, appointment: Appointment, now: datetime, origin: object = None, reason: str = "") -> None:
    """All who wait for it; `attendances.approve` one of them."""
    with held(appointment) as employees:
        waiting = waiting_of(appointment)
        if not waiting:
            raise WrongState(_("Only a pending appointment can be approved."))
        set_status(appointment, Status.APPROVED, dict.fromkeys(waiting, Status.APPROVED), reason=reason)
        announce(appointment, Message.Kind.APPROVED, attendances=waiting, employees=employees, now=now)
        item_changed.send(sender=Appointment, item=appointment, origin=origin)


def reject(*, appointment: Appointment, now: datetime, origin: object = None, reason: str = "") -> None:
    """All who wait; others who are approved already keep theirs, and the appointment takes place."""
    with held(appointment) as employees:
        waiting = waiting_of(appointment)
        if not waiting:
            raise WrongState(_("Only a pending appointment can be rejected."))
        end(appointment, waiting, Status.REJECTED, Message.Kind.REJECTED, employees, now=now, origin=origin, reason=reason)


def cancel(*, appointment: Appointment, now: datetime, by_customer: bool = False, origin: object = None, reason: str = "") -> None:
    """Ends it and frees the time. A customer must keep the service's notice (TooLate)."""
    with held(appointment) as employees:
        if not appointment.is_live:
            raise WrongState(_("This appointment has already been cancelled."))
        if by_customer:
            check_notice(appointment, appointment.service.cancel_notice, now)
        end(appointment, live_of(appointment), Status.CANCELLED, Message.Kind.CANCELLED, employees, now=now, origin=origin, reason=reason)


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
    """To another time that is offered, keeping its length; the old time is only given up together with taking the new one.

    It stays at the location that was chosen; where there was no choice, it takes place where the employee then is.
    """
    length = appointment.end - appointment.start
    try:
        with held(appointment, also=[employee] if employee else ()) as employees:
            if not appointment.is_live:
                raise WrongState(_("This appointment has been cancelled."))
            if by_customer:
                check_notice(appointment, appointment.service.reschedule_notice, now)
            wanted, until = [employee] if employee else employees, start + timedelta(seconds=1)
            length = appointment.end - appointment.start
            asked: Wanted = {"employees": wanted, "together": True, "join": False, "ignore": ("appointment", appointment.pk)}
            asked |= {"duration": length, "location": appointment.chosen_location}
            offered = find_slots(service=appointment.service, start=start, end=until, now=now, **asked)
            slot = next((one for one in offered if one.start == start), None)
            if slot is None:
                raise SlotTaken(_("This time is not free."))
            if slot.location_id is not None:
                appointment.location_id = slot.location_id
            appointment.buffer_before, appointment.buffer_after = appointment.service.buffer_before, appointment.service.buffer_after
            _move(appointment, wanted, start, start + length, now=now, origin=origin, reason=reason)
    except SlotTaken as taken:
        serving, place = employee or appointment.employees.first(), appointment.chosen_location
        near: Wanted = {"duration": length, "location": place}
        taken.nearest = partial(nearest, service=appointment.service, start=start, now=now, employee=serving, **near)
        raise


def move(
    *, appointment: Appointment, start: datetime, end: datetime, now: datetime, origin: object = None, reason: str = "", quiet: timedelta = timedelta(0)
) -> None:
    """Where staff or a calendar says: hours, notice and horizon don't matter, other appointments do (SlotTaken). Buffers give way.

    `quiet` delays the customers' mail, so that somebody who drags an event about tells them once, of its last place.
    """
    if end <= start:
        raise WrongState(_("The end must be after the start."))
    with held(appointment) as employees:
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
    with held(appointment, also=wanted):
        if not appointment.is_live:
            raise WrongState(_("This appointment has been cancelled."))
        if list(appointment.staffings.order_by("pk").values_list("employee", flat=True)) == [one.pk for one in wanted]:
            return
        _move(appointment, wanted, appointment.start, appointment.end, now=now, origin=origin, reason=reason, shrink=True, staffed=True)


def reinstate(*, appointment: Appointment, now: datetime, origin: object = None, reason: str = "") -> None:
    """Takes back a cancellation or rejection, if the time is still free of other appointments: what was pending still waits for approval."""
    with held(appointment) as employees:
        if appointment.is_live:
            raise WrongState(_("This appointment is not cancelled."))
        allocation.shrink(appointment, [one.calendar_id for one in employees])
        back = as_they_were(appointment)
        set_status(appointment, following(one.status for one in back) if back else Status.APPROVED, {one: Status(one.status) for one in back}, reason=reason)
        allocation.occupy(appointment, employees)
        announce(appointment, Message.Kind.BOOKED, employees=employees, now=now)
        item_changed.send(sender=Appointment, item=appointment, origin=origin)


def edit(*, appointment: Appointment, changes: dict[str, object], origin: object = None, reason: str = "") -> None:
    """What has no effect on anybody's time: internal_note, location, sync_enabled."""
    if unknown := set(changes) - {"internal_note", "location", "location_id", "sync_enabled"}:
        raise ValueError(f"not editable: {sorted(unknown)}")
    with held(appointment):
        for name, value in changes.items():
            setattr(appointment, name, value)
        save(appointment, reason)
        item_changed.send(sender=Appointment, item=appointment, origin=origin)


def delete(*, appointment: Appointment, origin: object = None) -> None:
    """Erases it for good (its history stays) and tells nobody; to tell the customer, cancel it."""
    with held(appointment):
        allocation.free(appointment)
        pk = appointment.pk
        appointment.delete()
        appointment.pk = pk  # listeners find their own rows by it
        item_changed.send(sender=Appointment, item=appointment, origin=origin)


@contextmanager
def held(appointment: Appointment, *, also: Sequence[Employee] = ()) -> Iterator[list[Employee]]:
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


def check_notice(appointment: Appointment, minutes: int, now: datetime) -> None:
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
    save(appointment, reason)
    for attendance in appointment.attendances.filter(status__in=LIVE):
        attendance.link_version += 1  # the old mail's link dies with the old time
        attendance.save()
    announce(appointment, Message.Kind.RESCHEDULED, employees=[*employees, *leaving], previous=before, quiet=quiet, now=now)
    wake_waiting()
    item_changed.send(sender=Appointment, item=appointment, origin=origin)
