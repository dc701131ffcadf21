"""Calendars are read again by the clock, whether anybody told us of a change or not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from celery import current_app

from booking.models import Busy, Employee, Service
from integrations import connect
from integrations.items import Event
from integrations.models import Account
from integrations.tasks import sweep
from integrations.testing.stage import Stage, stage

MONDAY = datetime(2026, 3, 2, 8, tzinfo=UTC)


@pytest.fixture
def worker() -> Iterator[None]:
    """Tasks run where they are called."""
    current_app.conf.task_always_eager = True
    yield
    current_app.conf.task_always_eager = False


@pytest.fixture
def place(employee: Employee) -> Stage:
    service = Service.objects.create(name="Haircut", duration=30, price=20)
    service.employees.add(employee)
    with time_machine.travel(MONDAY, tick=False):
        return stage(employee, service)


@pytest.mark.feature("C5")
@pytest.mark.usefixtures("worker")
def test_a_calendar_is_read_again_after_five_minutes_by_itself(place: Stage, settings) -> None:
    """Red when a reading doesn't note when the next is due, and when the sweep leaves out what is due."""
    assert settings.POLL_SECONDS == 300
    start = MONDAY + timedelta(days=1)
    place.server.put(place.remote, Event(start=start, end=start + timedelta(hours=1), title="Dentist"))
    with time_machine.travel(MONDAY + timedelta(seconds=290), tick=False):
        sweep()
        assert not Busy.objects.exists()
    with time_machine.travel(MONDAY + timedelta(seconds=310), tick=False):
        sweep()
        assert list(Busy.objects.values_list("start", flat=True)) == [start]
    place.server.put(place.remote, Event(start=start + timedelta(hours=3), end=start + timedelta(hours=4), title="Lunch"))
    with time_machine.travel(MONDAY + timedelta(seconds=620), tick=False):
        sweep()
        assert Busy.objects.count() == 2


@pytest.mark.usefixtures("worker")
@pytest.mark.feature("C8")
def test_a_disconnecting_whose_task_was_lost_is_taken_up_again(place: Stage) -> None:
    """Nothing runs on commit in this test, as if the broker had lost it. Seen red with a sweep that only looks for accounts being checked."""
    connect.disconnect_later(place.link.account)
    sweep()
    assert not Account.objects.exists()
