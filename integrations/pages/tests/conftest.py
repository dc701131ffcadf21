"""What the tests of the pages stand on: a real CalDAV server, a person's calendar program, and tasks that run at once."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest
from django.test import Client

from booking.models import Employee, Service
from integrations.pages.tests.person import Person
from integrations.testing.servers import Server


@pytest.fixture
def person(radicale: Server, settings) -> Iterator[Person]:
    """She begins each test with an account that has one empty calendar, "Personal"."""
    settings.KALENDS_PRIVATE_HOSTS = [radicale.address.split("//")[1].rstrip("/")]
    made = Person(radicale)
    yield made
    made.http.close()


@pytest.fixture
def client(employee: Employee, client: Client) -> Client:
    """Signed in as the employee, who reads English."""
    Employee.objects.filter(pk=employee.pk).update(language="en")
    client.force_login(employee.user)  # type: ignore[arg-type]  # has one
    return client


@pytest.fixture
def service(employee: Employee) -> Service:
    """Half an hour, with ten minutes before and a quarter of an hour after."""
    made = Service.objects.create(name="Haircut", duration=30, price=Decimal(35), buffer_before=10, buffer_after=15, min_notice=0, slot_step=30)
    made.employees.add(employee)
    return made
