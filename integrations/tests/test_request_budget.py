"""How often a provider is asked: counted at servers that speak its protocol, token refresh apart."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from unittest import mock

import pytest
import time_machine

from booking.models import Appointment, Employee, Service
from integrations import engine, outbox, registry
from integrations.items import Event
from integrations.models import Outgoing
from integrations.testing.stage import Stage, stage
from integrations.tests.remote_caldav import caldav_remote
from integrations.tests.remotes import PLACES

pytestmark = [pytest.mark.django_db, pytest.mark.once]

MONDAY = datetime(2026, 3, 2, 8, tzinfo=UTC)  # 9 o'clock in Berlin
HALF = timedelta(minutes=30)
EVERYWHERE = PLACES | {"caldav": caldav_remote}
# One to see that it is not there (not every CalDAV server heeds If-None-Match) and one to write; what has changed there is listed, then fetched at once.
CREATION, DELTA = {"caldav": 2}, {"caldav": 2}


@pytest.fixture(params=list(EVERYWHERE))
def scene(request: pytest.FixtureRequest, employee: Employee) -> Iterator[Stage]:
    service = Service.objects.create(name="Haircut", duration=30, price=20, slot_step=30)
    service.employees.add(employee)
    with EVERYWHERE[request.param]() as server, time_machine.travel(MONDAY - timedelta(days=4), tick=False), mock.patch("booking.wake.wake"):
        yield stage(employee, service, server=server)


def book(scene: Stage, count: int) -> list[Appointment]:
    """So many appointments, sixteen a day."""
    return [scene.book(MONDAY + timedelta(days=number // 16) + number % 16 * HALF, now=datetime.now(UTC)) for number in range(count)]


def spent(scene: Stage, before: int) -> int:
    return int(scene.server.requests) - before


def test_booking_asks_nobody_and_a_new_appointment_is_one_request(scene):
    """Red with a look for the key before each creation."""
    before = scene.server.requests
    book(scene, 1)
    assert spent(scene, before) == 0
    engine.drain(scene.link.pk)
    assert spent(scene, before) == CREATION.get(scene.link.account.provider, 1)
    assert len(scene.server.events) == 1


@pytest.mark.parametrize("scene", list(PLACES), indirect=True)
def test_many_appointments_go_together_in_as_few_requests_as_the_provider_allows(scene):
    """One more than go into an envelope (50 to Google, 20 to Graph) are two requests. Red with a width of one."""
    appointments = book(scene, registry.config(scene.link.account.provider).capabilities.batch + 1)
    before = scene.server.requests
    engine.drain(scene.link.pk)
    assert spent(scene, before) == 2
    assert sorted(one.item.start for one in scene.server.events.values()) == [one.start for one in appointments]
    engine.pull(scene.link.pk)
    for one in appointments:
        outbox.enqueue([scene.link.pk], "appointment", one.pk, now=datetime.now(UTC))
    before = scene.server.requests
    assert engine.drain(scene.link.pk) == len(appointments)
    assert spent(scene, before) == 0, "what has not changed is written again"
    assert not Outgoing.objects.exists()


def test_a_calendar_in_which_nothing_has_changed_is_one_request(scene):
    book(scene, 3)
    scene.sync()
    scene.sync()
    before = scene.server.requests
    engine.pull(scene.link.pk)
    assert spent(scene, before) == 1


def test_what_has_changed_is_as_many_requests_as_it_has_pages(scene):
    """Google's and Graph's server give two events to a page."""
    book(scene, 3)
    scene.sync()
    scene.sync()
    for number in range(5):
        scene.server.put(scene.remote, Event(start=MONDAY + number * HALF, end=MONDAY + number * HALF + HALF, title="Lunch"))
    before = scene.server.requests
    engine.pull(scene.link.pk)
    assert spent(scene, before) == DELTA.get(scene.link.account.provider, 3)
