"""The waiting list: puts customers on it, tells them when something is free, gives it to the first who claims it.

What has become free is found by looking, whatever made it so: a cancellation, a move, other hours, more places, a meeting that was deleted in somebody's
calendar. `tell` looks after each change that frees time, and by the clock.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from booking.actions import appointments
from booking.actions.customers import Guest, recognise
from booking.availability.groups import too_many
from booking.availability.waiting import free_for, with_slots
from booking.errors import SlotTaken, StillFree, WrongState
from booking.models import Attendance, Employee, Message, Service, WaitingEntry
from booking.models.quick import insert
from booking.models.waiting import WAITING
from booking.notifications.cap import check_cap
from booking.wake import wake_after_commit

LONGEST = timedelta(days=62)
State = WaitingEntry.State


def enter(
    *, service: Service, guest: Guest, first_day: date, last_day: date, now: datetime, employee: Employee | None = None, persons: int = 1
) -> WaitingEntry:
    """Raises StillFree with the times if something is free on these days; then nobody needs to wait. Whoever waits for the same already is not put on
    the list again, nor told again."""
    zone = ZoneInfo(guest.timezone)
    entry = WaitingEntry(
        service=service,
        employee=employee,
        persons=persons,
        first_day=first_day,
        last_day=last_day,
        ends_at=datetime.combine(last_day + timedelta(days=1), time(0), zone),
        language=guest.language,
        timezone=guest.timezone,
    )
    _check(entry, now)
    if slots := free_for(entry, now):
        raise StillFree(_("There are free times on these days. You need not wait: please choose one."), slots)
    with transaction.atomic():
        entry.customer, known = recognise(guest)
        if entry.customer._state.adding:
            entry.customer.save()
        same = {"service": service, "employee": employee, "customer": entry.customer, "persons": persons, "first_day": first_day, "last_day": last_day}
        if (there := WaitingEntry.objects.filter(**same, state__in=WAITING).first()) is not None:
            return there
        if known:
            check_cap(guest.email, now)
        entry.save()
        _announce(entry, Message.Kind.WAITING, now)
    return entry


def tell(*, now: datetime) -> int:
    """Ends what has run out, and tells whoever waits of what is free: all of them at once, in the order in which they came. Returns how many."""
    WaitingEntry.objects.filter(state__in=WAITING, ends_at__lte=now).update(state=State.EXPIRED)
    told = 0
    for entry, slots in with_slots(list(WaitingEntry.objects.filter(state__in=WAITING).select_related("service", "employee")), now):
        unchanged = WaitingEntry.objects.filter(pk=entry.pk, state=entry.state)
        if entry.state == State.TOLD:
            if not slots:  # somebody was faster; the next free time is told anew
                unchanged.update(state=State.OPEN)
        elif slots:
            with transaction.atomic():
                # Two may be looking at the same moment: one of them tells it.
                if unchanged.update(state=State.TOLD, told_at=now, version=F("version") + 1):
                    entry.refresh_from_db()
                    _announce(entry, Message.Kind.FREED, now)
                    told += 1
    return told


def claim(*, entry: WaitingEntry, start: datetime, now: datetime) -> Attendance:
    """Books it for whoever waits; SlotTaken if somebody was faster: then the entry stays."""
    with transaction.atomic():
        entry.refresh_from_db(from_queryset=WaitingEntry.objects.select_for_update(of=("self",)))
        if not entry.is_waiting or entry.ends_at <= now:
            raise WrongState(_("You are no longer on this waiting list."))
        if not entry.begins_at <= start < entry.ends_at:
            raise WrongState(_("You don't wait for this day."))
        customer = entry.customer
        guest = Guest(
            first_name=customer.first_name,
            last_name=customer.last_name,
            email=customer.email,
            phone=customer.phone,
            language=entry.language,
            timezone=entry.timezone,
        )
        try:
            attendance = appointments.book(
                service=entry.service, start=start, guest=guest, now=now, employee=entry.employee, public=True, persons=entry.persons
            )
        except SlotTaken as taken:
            late = SlotTaken(_("Somebody else was faster, and this time is taken. You stay on the waiting list."))
            late.nearest = taken.nearest
            raise late from taken
        entry.state, entry.attendance = State.CLAIMED, attendance
        entry.save()
        return attendance


def withdraw(*, entry: WaitingEntry) -> None:
    with transaction.atomic():
        entry.refresh_from_db(from_queryset=WaitingEntry.objects.select_for_update(of=("self",)))
        if not entry.is_waiting:
            raise WrongState(_("You are no longer on this waiting list."))
        entry.state = State.WITHDRAWN
        entry.save()


def _check(entry: WaitingEntry, now: datetime) -> None:
    service = entry.service
    if not (service.is_active and service.waiting_list):
        raise WrongState(_("There is no waiting list for “%(service)s”.") % {"service": service})
    if entry.persons > service.max_capacity:
        raise WrongState(too_many(service))
    if entry.last_day < entry.first_day:
        raise WrongState(_("The last day must not be before the first."))
    if entry.last_day - entry.first_day >= LONGEST:
        raise WrongState(_("At most %(days)d days can be asked for at once.") % {"days": LONGEST.days})
    if entry.ends_at <= now:
        raise WrongState(_("These days are over."))
    if entry.begins_at > now + timedelta(days=service.horizon):
        raise WrongState(_("It is too far ahead to be booked already."))


def _announce(entry: WaitingEntry, kind: Message.Kind, now: datetime) -> None:
    from booking.tasks import send_messages

    insert(
        Message(
            kind=kind,
            audience=Message.Audience.CUSTOMER,
            waiting=entry,
            version=entry.version,
            recipient=entry.customer.email,
            not_before=now,
        )
    )
    wake_after_commit(send_messages)
