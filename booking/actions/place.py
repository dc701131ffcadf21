"""Puts an appointment where staff says: another time, another employee, or both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from django.db import transaction

from booking.actions import allocation, appointments
from booking.errors import SlotTaken
from booking.models import Appointment, Employee


def place(*, appointment: Appointment, employees: Sequence[Employee] = (), start: datetime, end: datetime, now: datetime, reason: str = "") -> None:
    """Moves and reassigns as far as needed, whatever the hours are; SlotTaken where another appointment is. No employees: who has it keeps it; else these
    together, the first as organiser.

    Where both change, the step between may be taken though the goal is free: then in the other order.
    """
    people = [*appointment.employees.all(), *employees]
    steps: list[Callable[[], None]] = []
    if employees:  # does nothing where they have it already
        steps.append(lambda: appointments.set_staff(appointment=appointment, employees=employees, now=now, reason=reason))
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
