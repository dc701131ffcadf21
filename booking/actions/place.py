"""Puts an appointment where staff says: another time, another employee, or both."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.db import transaction

from booking.actions import allocation, appointments
from booking.errors import SlotTaken
from booking.models import Appointment, Employee


def place(*, appointment: Appointment, employee: Employee | None, start: datetime, end: datetime, now: datetime, reason: str = "") -> None:
    """Moves and reassigns as far as needed, whatever the hours are; SlotTaken where another appointment is. No employee: who has it keeps it.

    Where both change, the step between may be taken though the goal is free: then in the other order.
    """
    people = [*appointment.employees.all(), *([employee] if employee else [])]
    steps: list[Callable[[], None]] = []
    if employee and {one.pk for one in people} != {employee.pk}:
        steps.append(lambda: appointments.reassign(appointment=appointment, employee=employee, now=now, reason=reason))
    # A page shows whole seconds.
    if (start, end) != (appointment.start.replace(microsecond=0), appointment.end.replace(microsecond=0)):
        steps.append(lambda: appointments.move(appointment=appointment, start=start, end=end, now=now, reason=reason))
    try:
        with transaction.atomic():
            for step in steps:
                step()
    except SlotTaken:
        if len(steps) < 2:
            raise
        with transaction.atomic():
            allocation.lock(one.calendar_id for one in people)  # all at once: the steps would lock them one after the other
            for step in reversed(steps):
                step()
