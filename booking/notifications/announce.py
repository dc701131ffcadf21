"""Writes the rows of the message outbox: who is to be told what."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F

from booking.models import Appointment, Attendance, Employee, Message, Registration
from booking.models.appointment import LIVE
from booking.models.quick import insert
from booking.wake import wake_after_commit


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
    left: Appointment | None = None,
) -> None:
    """One open Message per customer and employee, in the caller's transaction, and a ring for the task that sends them. Employees hear of several
    attendances once, by the first of them. `left`: the appointment that the attendance has been moved out of.

    A waiting message of the same kind is replaced: only the last state is told, counted from the time (and the staff) that people
    last heard of. `first`: the attendances are new, nothing can be waiting.
    """
    from booking.tasks import send_messages

    told = list(appointment.attendances.filter(status__in=LIVE).select_related("customer")) if attendances is None else list(attendances)
    context: dict[str, Any] = {f"previous_{name}": moment.isoformat() for name, moment in (previous or {}).items()}
    employees = list(employees)
    if previous:
        staff = set(appointment.staffings.values_list("employee", flat=True))
        leaving = [employee.pk for employee in employees if employee.pk not in staff]
        context["previous_staff"] = sorted(leaving or staff)
    if left is not None:
        context["left"] = {"appointment": left.pk, "sequence": left.sequence}
    rows = []
    for place, attendance in enumerate(told):
        heard = {} if first else take_back([attendance], kind)
        addresses = [(Message.Audience.CUSTOMER, attendance.customer.email)]
        if place == 0:
            addresses += [(Message.Audience.EMPLOYEE, employee.email) for employee in employees if employee.email != attendance.customer.email]
        rows += [
            Message(
                kind=kind,
                audience=audience,
                attendance=attendance,
                version=attendance.version,
                recipient=address,
                context=heard.get((attendance.pk, address)) or context,
                not_before=now + quiet,
            )
            for audience, address in dict.fromkeys(addresses)
        ]
    if first:
        insert(*rows)
    else:
        Message.objects.bulk_create(rows)
    if not quiet:  # else there is nothing to send yet; the clock will look
        wake_after_commit(send_messages)


def take_back(told: Sequence[Attendance] | Sequence[Registration], kind: Message.Kind) -> dict[tuple[int, str], dict[str, Any]]:
    """Raises the versions and withdraws what waits unsent; returns its contexts by id and address."""
    if not told:
        return {}
    model = type(told[0])
    about = "attendance" if model is Attendance else "registration"
    ids = [one.pk for one in told]
    model._default_manager.filter(pk__in=ids).update(version=F("version") + 1)  # no event of the domain: no history
    for one in told:
        one.version += 1
    waiting = Message.objects.filter(**{f"{about}__in": ids}, kind=kind, state=Message.State.OPEN, claimed_until=None)
    heard = {(message.about.pk, message.recipient): message.context for message in waiting.select_related(about)}
    waiting.update(state=Message.State.SKIPPED)
    return heard
