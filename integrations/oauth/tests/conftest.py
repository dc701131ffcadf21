"""The employee with a browser, both sign-in services, and tasks that run at once."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest
from django.test import Client

from booking.models import Employee, Service
from integrations.oauth.tests.desk import Desk, google_desk, outlook_desk


@pytest.fixture
def google(settings) -> Iterator[Desk]:
    with google_desk(settings) as made:
        yield made


@pytest.fixture
def outlook(settings) -> Iterator[Desk]:
    with outlook_desk(settings) as made:
        yield made


@pytest.fixture(params=["google", "outlook"])
def desk(request: pytest.FixtureRequest) -> Desk:
    """Each of them in turn."""
    found: Desk = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def client(employee: Employee, client: Client) -> Client:
    """Signed in as the employee, who reads English."""
    Employee.objects.filter(pk=employee.pk).update(language="en")
    client.force_login(employee.user)  # type: ignore[arg-type]  # has one
    return client


@pytest.fixture
def service(employee: Employee) -> Service:
    """Half an hour, free from nine to five."""
    made = Service.objects.create(name="Haircut", duration=30, price=Decimal(35), min_notice=0, slot_step=30)
    made.employees.add(employee)
    return made
