"""A small salon to test with: what the fixtures of these tests are made of."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from booking.models import Calendar, Customer, Employee, Service, WorkingHours

BERLIN = ZoneInfo("Europe/Berlin")


def make_employee(name: str = "Eve", *, hours: tuple[int, int] = (9, 17), **fields: Any) -> Employee:
    """Works every day, `hours` in Berlin."""
    calendar = Calendar.objects.create(name=name)
    WorkingHours.objects.bulk_create(WorkingHours(calendar=calendar, weekday=day, start=time(hours[0]), end=time(hours[1] % 24)) for day in range(7))
    return Employee.objects.create(**{"calendar": calendar, "first_name": name, "email": f"{name.lower()}@salon.example", **fields})


def make_service(*employees: Employee, **fields: Any) -> Service:
    service = Service.objects.create(**{"name": "Haircut", "price": Decimal("35.00"), "slot_step": 30, "min_notice": 0, **fields})
    service.employees.set(employees)
    return service


def make_customer(**fields: Any) -> Customer:
    return Customer.objects.create(**{"first_name": "Carla", "last_name": "Kundin", "email": "carla@example.org", **fields})


def soon(hour: int = 10, minute: int = 0, *, days: int = 7) -> datetime:
    """That time in Berlin, some days from now, in UTC."""
    day = datetime.now(BERLIN).date() + timedelta(days=days)
    return datetime.combine(day, time(hour, minute), BERLIN).astimezone(UTC)


def weekday(hour: int = 10, minute: int = 0) -> datetime:
    """That time on the Monday after next, when the cast works."""
    start = soon(hour, minute)
    return start + timedelta(days=(7 - start.astimezone(BERLIN).weekday()) % 7)


def wish(service: Service, start: datetime, **fields: Any) -> dict[str, Any]:
    """The body of a booking request."""
    customer = {"first_name": "Carla", "last_name": "Kundin", "email": "carla@example.org"}
    return {"service": service.pk, "start": start.isoformat(), "customer": customer, **fields}
