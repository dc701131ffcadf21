"""A real CalDAV server behind a proxy that can break things, and a salon whose calendar is there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from booking.models import Employee, Service
from integrations.testing.proxy import Proxy, proxy
from integrations.testing.servers import Server, radicale
from integrations.tests.salon import Salon, connect_calendar


@pytest.fixture(scope="session")
def caldav_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with radicale(tmp_path_factory.mktemp("radicale")) as server:
        yield server


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
