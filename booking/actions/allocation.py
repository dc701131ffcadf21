"""Takes and frees time on calendars. Every write door goes through here, under the calendars' lock."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import IntegrityError, connection
from django.db.models import Model, QuerySet
from django.utils.translation import gettext as _

from booking.errors import SlotTaken
from booking.models import Allocation, Appointment, Employee, EventPeriod
from booking.models.quick import insert
from booking.signals import item_changed

KIND = "appointment"
EVENT = "event"
LOCK = "SELECT id FROM booking_calendar WHERE id IN ({}) ORDER BY id FOR UPDATE"

Holder = Appointment | EventPeriod
"""What an Allocation may be held by; its `holder_id` is the row's id."""


def kind_of(holder: Holder) -> str:
    return KIND if isinstance(holder, Appointment) else EVENT


def lock(calendar_ids: Iterable[int]) -> None:
    """Waits for the calendars, always in the same order. SQLite's transactions are IMMEDIATE: there the database itself is the lock."""
    if (ids := sorted(set(calendar_ids))) and connection.features.has_select_for_update:
        with connection.cursor() as cursor:
            cursor.execute(LOCK.format(", ".join(["%s"] * len(ids))), ids)


def occupy(holder: Holder, employees: Iterable[Employee], *, first: bool = False, beside: Iterable[Model] = ()) -> None:
    """Holds the span on each employee's calendar in place of what it held; SlotTaken if another holder is there.

    `first`: it holds nothing yet, and its time has been found free under the lock. Call it in a transaction that ends with SlotTaken:
    there is no savepoint to go back to. `beside` are new rows that are written with it.
    """
    start, end = holder.occupied
    calendars = [employee.calendar_id for employee in employees]
    if not first:
        free(holder)
        if overlapping(calendars, start, end).exists():
            raise SlotTaken(_("This time has just been taken."))
    try:
        insert(*(Allocation(calendar_id=pk, start=start, end=end, kind=kind_of(holder), holder_id=holder.pk) for pk in calendars), *beside)
    except IntegrityError as error:  # the exclusion constraint, should a lock ever be missing
        raise SlotTaken(_("This time has just been taken.")) from error


def free(holder: Holder) -> None:
    Allocation.objects.filter(kind=kind_of(holder), holder_id=holder.pk).delete()


def overlapping(calendars: Iterable[int], start: datetime, end: datetime, *, ignore: Holder | None = None) -> QuerySet[Allocation]:
    """Allocations that meet the half-open span [start, end)."""
    found = Allocation.objects.filter(calendar_id__in=list(calendars), start__lt=end, end__gt=start)
    return found if ignore is None else found.exclude(kind=kind_of(ignore), holder_id=ignore.pk)


def shrink(holder: Holder, calendars: Iterable[int]) -> None:
    """Lets buffers (minutes) give way: first an appointment's own, then those of its neighbours; SlotTaken if what they surround meets.

    No further calendar is locked for a neighbour that has more of them: what it holds only gets smaller, and whoever wants to change it
    waits for the calendar that both share.
    """
    for other in overlapping(calendars, *holder.occupied, ignore=holder):
        neighbour = Appointment.objects.get(pk=other.holder_id) if other.kind == KIND else None
        start, end = (neighbour.start, neighbour.end) if neighbour else (other.start, other.end)
        if start < holder.end and end > holder.start:
            raise SlotTaken(_("Another appointment is at this time.") if neighbour else _("An event is at this time."))
        before = end <= holder.start
        if isinstance(holder, Appointment):
            if before:
                holder.buffer_before = min(holder.buffer_before, _minutes(holder.start - other.end))
            else:
                holder.buffer_after = min(holder.buffer_after, _minutes(other.start - holder.end))
        if neighbour:
            _yield(neighbour, *(("buffer_after", _minutes(holder.start - end)) if before else ("buffer_before", _minutes(start - holder.end))))


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
