"""A real CalDAV server behind a proxy that can break things, and a salon whose calendar is there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from unittest import mock

import pytest
import time_machine

from booking.models import Employee, Service
from integrations.testing.proxy import Proxy, proxy
from integrations.testing.servers import Server
from integrations.testing.stage import Stage, stage
from integrations.tests.salon import Salon, connect_calendar
from integrations.tests.tellers import Teller, teller


@pytest.fixture(scope="session")
def caldav_server(radicale: Server) -> Server:
    return radicale


@pytest.fixture
def caldav_proxy(caldav_server: Server, settings) -> Iterator[Proxy]:
    with proxy(caldav_server.address) as between:
        settings.KALENDS_PRIVATE_HOSTS = [between.address.split("//")[1].rstrip("/")]
        yield between


@pytest.fixture
def service(employee: Employee) -> Service:
    made = Service.objects.create(name="Haircut", duration=30, buffer_before=5, buffer_after=10, price=20)
    made.employees.add(employee)
    return made


@pytest.fixture
def salon(caldav_server: Server, caldav_proxy: Proxy, employee: Employee, service: Service, client) -> Iterator[Salon]:
    link, diary = connect_calendar(caldav_server, caldav_proxy, employee)
    made = Salon(caldav_server, caldav_proxy, employee, service, link, diary, client)
    yield made
    for calendar in {diary.url, *(made.opened)}:
        diary.ask("DELETE", calendar)


@pytest.fixture(params=["google", "outlook"])
def there(request: pytest.FixtureRequest, employee: Employee, settings, live_server) -> Iterator[Teller]:
    """A linked calendar at a provider that tells of changes, and an address of ours where it can call."""
    settings.PUSH_ADDRESS, settings.PUSH_GAP_SECONDS = live_server.url, 0
    with teller(request.param, employee, settings) as made:
        yield made


@pytest.fixture
def scene(employee: Employee) -> Iterator[Stage]:
    """An employee linked to a calendar in memory, on a Friday; the test says when a worker runs."""
    service = Service.objects.create(name="Haircut", duration=30, price=20, slot_step=30)
    service.employees.add(employee)
    with time_machine.travel(datetime(2026, 2, 27, 9, tzinfo=UTC), tick=False), mock.patch("booking.wake.wake"):
        yield stage(employee, service)
