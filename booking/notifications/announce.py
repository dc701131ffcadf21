"""Writes the rows of the message outbox: who is to be told what."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from booking.models import Appointment, Attendance, Employee, Message
from booking.models.appointment import LIVE
from booking.notifications.wake import wake_after_commit


def announce(
    appointment: Appointment,
    kind: Message.Kind,
    *,
    now: datetime,
    employees: Iterable[Employee] = (),
    attendances: Iterable[Attendance] | None = None,
    previous: dict[str, datetime] | None = None,
    quiet: timedelta = timedelta(0),
    first: bool = False,
) -> None:
    """One open Message per customer and employee, in the caller's transaction, and a ring for the task that sends them.

    A waiting message of the same kind is replaced: only the last state is told, counted from the time (and the staff) that people
    last heard of. `first`: the attendances are new, nothing can be waiting.
    """
    told = list(appointment.attendances.filter(status__in=LIVE).select_related("customer")) if attendances is None else list(attendances)
    context: dict[str, Any] = {f"previous_{name}": moment.isoformat() for name, moment in (previous or {}).items()}
    employees = list(employees)
    if previous:
        staff = set(appointment.staffings.values_list("employee", flat=True))
        leaving = [employee.pk for employee in employees if employee.pk not in staff]
        context["previous_staff"] = sorted(leaving or staff)
    rows = []
    for attendance in told:
        heard = {} if first else _take_back(attendance, kind)
        addresses = [(Message.Audience.CUSTOMER, attendance.customer.email)]
        addresses += [(Message.Audience.EMPLOYEE, employee.email) for employee in employees if employee.email != attendance.customer.email]
        rows += [
            Message(
                kind=kind,
                audience=audience,
                attendance=attendance,
                version=attendance.version,
                recipient=address,
                context=heard.get(address) or context,
                not_before=now + quiet,
            )
            for audience, address in dict.fromkeys(addresses)
        ]
    Message.objects.bulk_create(rows)
    if not quiet:  # else there is nothing to send yet; the clock will look
        wake_after_commit()


def _take_back(attendance: Attendance, kind: Message.Kind) -> dict[str, dict[str, Any]]:
    """Raises the version and withdraws what waits unsent; returns its contexts by address."""
    attendance.version += 1
    Attendance.objects.filter(pk=attendance.pk).update(version=attendance.version)  # no event of the domain: no history
    waiting = Message.objects.filter(attendance=attendance, kind=kind, state=Message.State.OPEN, claimed_until=None)
    heard = {message.recipient: message.context for message in waiting}
    waiting.update(state=Message.State.SKIPPED)
    return heard
