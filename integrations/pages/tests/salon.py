"""A booked salon: what the tests of rules and history do again and again."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from booking.actions import appointments
from booking.actions.customers import Guest
from booking.models import Appointment, BusySource, Employee, Service
from integrations import engine
from integrations.models import Link, Rule

BERLIN = ZoneInfo("Europe/Berlin")


def workday(hour: int = 10, *, weeks: int = 1) -> datetime:
    """That hour in Berlin on the Tuesday after next, or later."""
    today = datetime.now(BERLIN).date()
    day = today + timedelta(days=(1 - today.weekday()) % 7 + 7 * weeks)
    return datetime.combine(day, time(hour), BERLIN).astimezone(UTC)


def book(service: Service, start: datetime, name: str = "Clara") -> Appointment:
    guest = Guest(name, f"{name.lower()}@example.org", "Kunde")
    return appointments.book(service=service, start=start, guest=guest, now=timezone.now()).appointment


def source_of(link: Link) -> BusySource:
    """Where its busy times come from, read afresh."""
    return BusySource.objects.get(link=link)


def sync() -> None:
    """What the sweep would do."""
    for link in Link.objects.all():
        engine.pull(link.pk)
        engine.drain(link.pk)


def free_starts(client: Client, service: Service, day: datetime, employee: Employee) -> set[str]:
    """HH:MM of the slots that the public API offers on that day."""
    query: dict[str, Any] = {
        "service": service.pk,
        "employee": employee.pk,
        "from": f"{day.astimezone(BERLIN):%Y-%m-%d}",
        "to": f"{day.astimezone(BERLIN):%Y-%m-%d}",
        "timezone": "Europe/Berlin",
    }
    answer = client.get("/api/v1/slots/", query)
    assert answer.status_code == 200, answer.content
    return {slot["start"][11:16] for slot in answer.json()["slots"]}


def save_rules(client: Client, **changes: Any) -> Any:
    """Fills in the form as it is shown, with some fields changed."""
    url = reverse("integrations:rules")
    form = client.get(url).context["form"]
    typed = {name: "" if (value := form.get_initial_for_field(field, name)) is None else value for name, field in form.fields.items()}
    answer = client.post(url, typed | changes, follow=True)
    assert answer.status_code == 200, answer.context["form"].errors
    return answer


def default_rule(**values: Any) -> Rule:
    return Rule.objects.create(scope=Rule.Scope.DEFAULT, **values)
