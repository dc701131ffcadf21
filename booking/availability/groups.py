"""Appointments that more customers can join: those of a service with several places. One query for any number of them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from django.db.models import Q, Sum
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from booking.availability.intervals import Span
from booking.availability.load import Holder
from booking.models import Appointment
from booking.models.appointment import LIVE

if TYPE_CHECKING:
    from booking.models import Location, Service


class Group(NamedTuple):
    """One live appointment in one employee's calendar, in seconds since the epoch; `left` is negative where there are fewer places than were given."""

    start: int
    end: int
    employee_id: int
    appointment: int
    left: int
    location_id: int | None


def load_groups(service: Service, window: Span, *, employees: Collection[int], ignore: Holder | None = None, location: Location | None = None) -> list[Group]:
    """Those that start in `window`, of employees with these ids, by start. None without a query where only one person can come.

    One that a calendar has moved to a part of a second is left out: no address and no form can name its start.
    """
    if not service.is_group or not employees:
        return []
    begin, end = (datetime.fromtimestamp(instant, UTC) for instant in window)
    found = Appointment.objects.filter(service=service, status__in=LIVE, start__gte=begin, start__lt=end, staffings__employee__in=employees)
    if ignore is not None and ignore[0] == "appointment":
        found = found.exclude(pk=ignore[1])
    if location is not None:
        found = found.filter(location=location)
    taken = Sum("attendances__persons", filter=Q(attendances__status__in=LIVE), default=0)
    rows = found.order_by("start", "pk").values_list("pk", "start", "end", "staffings__employee", "location").annotate(taken=taken)
    return [
        Group(int(start.timestamp()), int(until.timestamp()), employee, pk, service.max_capacity - persons, place)
        for pk, start, until, employee, place, persons in rows
        if not start.microsecond
    ]


def too_many(service: Service) -> str:
    return ngettext("At most %(most)s person can come.", "At most %(most)s persons can come.", service.max_capacity) % {"most": service.max_capacity}


def few_left(left: int) -> str:
    if left <= 0:
        return _("All places of this appointment are taken.")
    return ngettext("Only %(left)s place is left at this time.", "Only %(left)s places are left at this time.", left) % {"left": left}
