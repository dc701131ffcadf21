"""Takes and frees time on calendars. Every write door goes through here, under the calendars' lock."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import IntegrityError, connection
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from booking.errors import SlotTaken
from booking.models import Allocation, Appointment, Employee

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
    """Cuts the buffers (minutes) so that they end where the neighbours begin; SlotTaken if the appointment itself meets one."""
    start, end = appointment.occupied
    for other in overlapping(calendars, start, end, ignore=appointment):
        if other.start < appointment.end and other.end > appointment.start:
            raise SlotTaken(_("Another appointment is at this time."))
        if other.end <= appointment.start:
            appointment.buffer_before = min(appointment.buffer_before, (appointment.start - other.end) // timedelta(minutes=1))
        else:
            appointment.buffer_after = min(appointment.buffer_after, (other.start - appointment.end) // timedelta(minutes=1))
