"""Takes and frees time on calendars. Every write door goes through here, under the calendars' lock."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import IntegrityError, connection
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from booking.errors import SlotTaken
from booking.models import Allocation, Appointment, Employee
from booking.signals import item_changed

KIND = "appointment"


def lock(calendar_ids: Iterable[int]) -> None:
    """Waits for the calendars, always in the same order. SQLite's transactions are IMMEDIATE: there the database itself is the lock."""
    if connection.features.has_select_for_update:
        with connection.cursor() as cursor:
            cursor.execute("SELECT id FROM booking_calendar WHERE id = ANY(%s) ORDER BY id FOR UPDATE", [sorted(set(calendar_ids))])


def occupy(appointment: Appointment, employees: Iterable[Employee], *, first: bool = False) -> None:
    """Holds the appointment's span on each employee's calendar in place of what it held; SlotTaken if another holder is there.

    `first`: it holds nothing yet, and its time has been found free under the lock. Call it in a transaction that ends with SlotTaken:
    there is no savepoint to go back to.
    """
    start, end = appointment.occupied
    calendars = [employee.calendar_id for employee in employees]
    if not first:
        free(appointment)
        if overlapping(calendars, start, end).exists():
            raise SlotTaken(_("This time has just been taken."))
    try:
        Allocation.objects.bulk_create(Allocation(calendar_id=pk, start=start, end=end, kind=KIND, holder_id=appointment.pk) for pk in calendars)
    except IntegrityError as error:  # the exclusion constraint, should a lock ever be missing
        raise SlotTaken(_("This time has just been taken.")) from error


def free(appointment: Appointment) -> None:
    Allocation.objects.filter(kind=KIND, holder_id=appointment.pk).delete()


def overlapping(calendars: Iterable[int], start: datetime, end: datetime, *, ignore: Appointment | None = None) -> QuerySet[Allocation]:
    """Allocations that meet the half-open span [start, end)."""
    found = Allocation.objects.filter(calendar_id__in=list(calendars), start__lt=end, end__gt=start)
    return found if ignore is None else found.exclude(kind=KIND, holder_id=ignore.pk)


def shrink(appointment: Appointment, calendars: Iterable[int]) -> None:
    """Lets buffers (minutes) give way: first the appointment's own, then those of its neighbours; SlotTaken if the appointments themselves meet.

    No further calendar is locked for a neighbour that has more of them: what it holds only gets smaller, and whoever wants to change it
    waits for the calendar that both share.
    """
    for other in overlapping(calendars, *appointment.occupied, ignore=appointment):
        neighbour = Appointment.objects.get(pk=other.holder_id) if other.kind == KIND else None
        start, end = (neighbour.start, neighbour.end) if neighbour else (other.start, other.end)
        if start < appointment.end and end > appointment.start:
            raise SlotTaken(_("Another appointment is at this time."))
        if end <= appointment.start:
            appointment.buffer_before = min(appointment.buffer_before, _minutes(appointment.start - other.end))
            if neighbour:
                _yield(neighbour, "buffer_after", _minutes(appointment.start - end))
        else:
            appointment.buffer_after = min(appointment.buffer_after, _minutes(other.start - appointment.end))
            if neighbour:
                _yield(neighbour, "buffer_before", _minutes(start - appointment.end))


def _minutes(gap: timedelta) -> int:
    """Whole minutes; none where there is no gap."""
    return max(0, gap // timedelta(minutes=1))


def _yield(neighbour: Appointment, buffer: str, most: int) -> None:
    if getattr(neighbour, buffer) <= most:
        return
    setattr(neighbour, buffer, most)
    neighbour._change_reason = "made room for a neighbour"  # type: ignore[attr-defined]  # simple-history reads it
    neighbour.save()
    start, end = neighbour.occupied
    Allocation.objects.filter(kind=KIND, holder_id=neighbour.pk).update(start=start, end=end)
    # Its event may span the buffers, also in the calendar that the move came from.
    item_changed.send(sender=Appointment, item=neighbour, origin=None)
