"""What is in the way of an event's periods, in words for staff."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from booking.actions import allocation
from booking.models import Appointment, Employee, EventPeriod

LONGEST = 5  # more would hide the form


def describe(periods: Iterable[EventPeriod], people: Sequence[Employee], zone: ZoneInfo) -> str:
    """One sentence for each appointment or other event that meets a period; empty if none does. Buffers are nobody's time: they give way."""
    names = {one.calendar_id: one.full_name for one in people}
    told = []
    for period in periods:
        for other in allocation.overlapping(names, *period.occupied, ignore=period).order_by("start", "calendar_id"):
            holder = _holder(other.kind, other.holder_id)
            start, end = (holder.start, holder.end) if holder else (other.start, other.end)
            if start >= period.end or end <= period.start:
                continue
            begin, until = start.astimezone(zone), end.astimezone(zone)
            told.append(
                _("%(who)s already has “%(what)s” on %(day)s from %(start)s to %(end)s.")
                % {
                    "who": names[other.calendar_id],
                    "what": _name(holder),
                    "day": date_format(begin, "DATE_FORMAT"),
                    "start": date_format(begin, "TIME_FORMAT"),
                    "end": date_format(until, "TIME_FORMAT"),
                }
            )
    more = len(told) - LONGEST
    return " ".join([*told[:LONGEST], *([_("And %(number)s more.") % {"number": more}] if more > 0 else [])])


def _holder(kind: str, pk: int) -> Appointment | EventPeriod | None:
    if kind == allocation.KIND:
        return Appointment.objects.select_related("service").filter(pk=pk).first()
    return EventPeriod.objects.select_related("event").filter(pk=pk).first() if kind == allocation.EVENT else None


def _name(holder: Appointment | EventPeriod | None) -> str:
    if holder is None:
        return _("another booking")
    return str(holder.service if isinstance(holder, Appointment) else holder.event)
