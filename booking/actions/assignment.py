"""Who serves whoever asks for anyone. Chosen while their calendars are locked, so that it stays fair however many ask at once."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import Count, Max, Q

from booking.models import Employee, Service
from booking.models.appointment import LIVE
from booking.models.catalog import Assignment

HALF_A_DAY = timedelta(hours=12)


def choose(service: Service, free: Sequence[Employee], start: datetime) -> Employee:
    """One of those who are free then, by the service's rule; among equals the first in the list of employees."""
    found = Employee.objects.filter(pk__in=[one.pk for one in free])
    match service.assignment:
        case Assignment.RANDOM:
            return random.choice(free)  # noqa: S311 - fairness needs no secret
        case Assignment.TURN:
            # Whose last turn is longest ago: a cancelled one was a turn too, or whoever is cancelled on would get the next one as well.
            turns = found.annotate(last=Max("staffings__pk", filter=Q(staffings__appointment__service=service), default=0))
            order = dict(turns.values_list("pk", "last"))
        case Assignment.FEWEST:
            near = Q(appointments__status__in=LIVE, appointments__start__gte=start - HALF_A_DAY, appointments__start__lt=start + HALF_A_DAY)
            order = dict(found.annotate(load=Count("appointments", filter=near)).values_list("pk", "load"))
        case _:
            order = {}
    return min(free, key=lambda one: (order.get(one.pk, 0), one.position, one.pk))
