"""An event to test with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from booking.actions import events, registrations
from booking.actions.customers import Guest
from booking.models import Employee, Event, Registration
from booking.tests.salon import soon

TWO_HOURS = timedelta(hours=2)


def make_event(
    organizer: Employee, *starts: datetime, staff: Iterable[Employee] = (), spans: Sequence[events.Span] = (), published: bool = True, **fields: Any
) -> Event:
    """Two hours from each start (18:00 in Berlin in a week if none is given), published."""
    values = {"name": "Perfume evening", "slug": "perfume-evening", "organizer": organizer, "timezone": "Europe/Berlin", **fields}
    spans = spans or [events.Span(start, start + TWO_HOURS) for start in starts or [soon(18)]]
    event = events.create(fields=values, staff=staff, periods=spans, now=timezone.now())
    if published:
        events.publish(event=event, now=timezone.now())
    return event


def register(event: Event, *, places: int = 1, **guest: Any) -> Registration:
    who = {"first_name": "Clara", "last_name": "Kunde", "email": "clara@example.org", "language": "en", **guest}
    return registrations.register(event=event, guest=Guest(**who), places=places, now=timezone.now(), public=True)
