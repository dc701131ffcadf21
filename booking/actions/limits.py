"""How often one customer may book a service."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import connection
from django.utils.translation import ngettext

from booking.errors import LimitReached
from booking.models import Attendance, Service
from booking.models.appointment import LIVE

# Of a service that has a limit: bookings with one address may be of different calendars, whose locks don't meet. Waits for nothing else.
LOCK = "SELECT id FROM booking_service WHERE id = %s FOR NO KEY UPDATE"


def check_limit(service: Service, email: str, start: datetime, *, besides: Attendance | None = None) -> None:
    """Raises LimitReached if with one more at `start` that address had more bookings than are allowed within any so many days. Before the calendars
    are locked, in the transaction that books. `besides`: one that is to be moved there."""
    if service.max_per_customer is None:
        return
    if connection.features.has_select_for_update:
        with connection.cursor() as cursor:
            cursor.execute(LOCK, [service.pk])
    length = timedelta(days=service.limit_days)
    booked = Attendance.objects.filter(appointment__service=service, status__in=LIVE, customer__email__iexact=email.strip())
    near = booked.filter(appointment__start__gt=start - length, appointment__start__lt=start + length)
    if besides is not None:
        near = near.exclude(pk=besides.pk)
    if most_around(start, near.values_list("appointment__start", flat=True), length) >= service.max_per_customer:
        raise LimitReached(_told(service))


def most_around(start: datetime, starts: Iterable[datetime], length: timedelta) -> int:
    """The most of them that lie within any span of that length which holds `start` too; a span's end is not part of it."""
    moments = list(starts)
    begins = [*(one for one in moments if start - length < one <= start), start]
    return max(sum(first <= moment < first + length for moment in moments) for first in begins)


def _told(service: Service) -> str:
    most = service.max_per_customer or 0
    return ngettext(
        "With one e-mail address “%(service)s” can be booked %(most)s time within %(days)s. It is booked already.",
        "With one e-mail address “%(service)s” can be booked %(most)s times within %(days)s. They are booked already.",
        most,
    ) % {"service": service, "most": most, "days": ngettext("%(count)d day", "%(count)d days", service.limit_days) % {"count": service.limit_days}}
