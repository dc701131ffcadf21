"""The other side takes no calls for an hour and doesn't say how long: it is asked rarely, the owner sees why, nothing is lost and nothing is doubled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.test import Client
from django.urls import reverse

from booking.models import BusySource, Employee, Service
from integrations import outbox
from integrations.contract import Receipt, Retry
from integrations.items import Event
from integrations.models import Account, FieldChange, Link, Outgoing
from integrations.models.history import Direction
from integrations.tasks import sweep
from integrations.testing.converged import assert_converged
from integrations.testing.memory import MemoryProvider
from integrations.testing.proxy import Fault
from integrations.testing.stage import Stage, stage
from integrations.tests.remote_caldav import caldav_remote
from integrations.tests.remotes import PLACES

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
MONDAY = datetime(2026, 3, 2, 8, tzinfo=UTC)
OFTEN = 40  # requests within an hour, for reading and writing together
REFUSED = "The server allows no more calls for the time being."
LOCKS: list[tuple[str, str, str]] = [
    ("google", "403:calendarUsageLimitsExceeded", REFUSED),
    ("google", "403:quotaExceeded", REFUSED),
    ("outlook", "busy", REFUSED),
    ("caldav", "503", "The server is busy or out of order."),
]


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(datetime(2026, 2, 27, 9, tzinfo=UTC), tick=False) as travel:
        yield travel


@pytest.fixture
def background() -> Iterator[None]:
    """Tasks run at once, as soon as the change that starts them is committed."""
    from config.celery import app

    before, app.conf.task_always_eager = app.conf.task_always_eager, True
    yield
    app.conf.task_always_eager = before


@contextmanager
def at_work(place: str, employee: Employee) -> Iterator[tuple[Stage, Any]]:
    """The employee's calendar there; it has been read."""
    Employee.objects.filter(pk=employee.pk).update(language="en")
    service = Service.objects.create(name="Haircut", duration=30, price=20, slot_step=30)
    service.employees.add(employee)
    with nullcontext() if place == "memory" else caldav_remote() if place == "caldav" else PLACES[place]() as remote:
        there = stage(employee, service, server=remote)
        BusySource.objects.update(policy=BusySource.Policy.OFFER)  # so this owner chose: bookings go on while the calendar can't be read
        yield there, remote


def lock(remote: Any, place: str, fault: str, on: str = "") -> Callable[[], None]:
    """From now on every call is refused, without a word how long; returns what ends it. `on`: "write" for writing only."""
    if place == "caldav":
        remote.world.proxy.then(Fault("status", method="PUT DELETE" if on else "", status=int(fault)), times=10_000)
        return lambda: remote.world.proxy.faults.clear()
    for _call in range(1000):
        remote.server.faults.then(fault, on)
    return lambda: remote.server.faults.stop()


def pass_by(clock: Any, span: timedelta, each: Callable[[int], object] = lambda minute: None) -> None:
    """The clock runs, and each minute whatever is due is done."""
    for minute in range(int(span / MINUTE)):
        each(minute)
        clock.shift(MINUTE)
        sweep()


def written(link: Link) -> list[int]:
    """The appointments in the order in which their events were created there."""
    made = FieldChange.objects.filter(run__link=link, direction=Direction.OUT, kind=FieldChange.Kind.CREATE, field="title")
    return list(made.order_by("pk").values_list("item_id", flat=True))


@pytest.mark.parametrize(("place", "fault", "said"), LOCKS)
def test_an_hour_of_refusals_takes_few_calls_and_afterwards_everything_is_there_once(
    employee: Employee, client: Client, clock: Any, background: None, place: str, fault: str, said: str
):
    """F20. Seen red when only rows and readings pause, each by itself."""
    with at_work(place, employee) as (there, remote):
        free = lock(remote, place, fault)
        before, made = remote.requests, []

        def book(minute: int) -> None:
            if minute % 6 == 0:
                made.append(there.book(MONDAY + minute // 6 * HOUR / 2, now=datetime.now(UTC)).pk)

        pass_by(clock, HOUR, book)
        assert 5 <= remote.requests - before <= OFTEN, "asked rarely, and not given up"
        assert (Outgoing.objects.count(), len(remote.events)) == (10, 0)
        account = Account.objects.get()
        assert (account.state, account.problem) == (Account.State.CONNECTED, said)
        assert account.paused_until is not None
        client.force_login(employee.user)  # type: ignore[arg-type]  # has one
        page = unescape(client.get(reverse("integrations:calendars")).content.decode())
        assert said in page
        assert "Nothing is lost" in page
        assert "tried again at" in page
        assert not [letter for letter in mail.outbox if "profile/calendars" in letter.body]

        free()
        pass_by(clock, timedelta(minutes=10))
        assert not Outgoing.objects.exists(), "drained within ten minutes"
        assert len(remote.events) == len(made) == 10
        order = written(there.link)
        assert sorted(order) == made
        assert order[1:] == sorted(order[1:]), "the oldest first, but for the one that was tried"
        account.refresh_from_db()
        assert (account.problem, account.pauses) == ("", 0)
        assert said not in unescape(client.get(reverse("integrations:calendars")).content.decode())
        assert_converged(lambda: remote.writes)


@pytest.mark.parametrize(("place", "fault"), [("google", "403:calendarUsageLimitsExceeded"), ("outlook", "busy"), ("caldav", "503")])
def test_a_calendar_that_only_takes_no_writing_is_read_and_not_hammered(employee: Employee, clock: Any, background: None, place: str, fault: str):
    """F20, as googlecalendar#4 met it. Seen red when failing to write puts reading off, and when writing is always tried first."""
    with at_work(place, employee) as (there, remote):
        free = lock(remote, place, fault, on="write")
        for hour in range(4):
            there.book(MONDAY + hour * HOUR, now=datetime.now(UTC))
        pass_by(clock, HOUR)
        assert 5 <= sum(Outgoing.objects.values_list("attempts", flat=True)) <= 25
        assert len(remote.events) == 0
        read = Link.objects.get().pulled_at
        assert read is not None
        assert datetime.now(UTC) - read <= timedelta(minutes=15)
        assert "no more calls" in Account.objects.get().problem or "busy" in Account.objects.get().problem
        free()
        pass_by(clock, timedelta(minutes=10))
        assert len(remote.events) == 4
        assert_converged(lambda: remote.writes)


def test_one_refusal_is_over_in_half_a_minute(employee: Employee, clock: Any, settings):
    with at_work("google", employee) as (there, remote):
        remote.server.faults.then("403:rateLimitExceeded")
        there.book(MONDAY, now=datetime.now(UTC))
        there.sync()
        account = Account.objects.get()
        assert account.paused_until is not None
        assert account.paused_until - datetime.now(UTC) <= timedelta(seconds=1.2 * settings.RETRY_SECONDS)
        clock.shift(timedelta(seconds=2 * settings.RETRY_SECONDS))
        assert outbox.due(datetime.now(UTC)) == [there.link.pk]
        there.sync()
        assert len(remote.events) == 1


@pytest.mark.parametrize("whole", [False, True])
def test_one_event_that_is_always_refused_keeps_nobody_from_being_written(employee: Employee, clock: Any, background: None, whole: bool, monkeypatch):
    """Even if the server claims to be away whenever it is asked for this one. Seen red when the oldest is always the one that is tried."""
    create, tries = MemoryProvider.create, 0

    def refuses(self: MemoryProvider, calendar: str, item: Event, key: str) -> Receipt:
        nonlocal tries
        if item.start != MONDAY:
            return create(self, calendar, item, key)
        tries += 1
        raise Retry("The server is busy or out of order.", whole=whole)

    monkeypatch.setattr(MemoryProvider, "create", refuses)
    with at_work("memory", employee) as (there, _server):
        bad = there.book(MONDAY, now=datetime.now(UTC)).pk

        def book(minute: int) -> None:
            if minute % 10 == 0:
                there.book(MONDAY + HOUR + minute // 10 * HOUR / 2, now=datetime.now(UTC))

        pass_by(clock, HOUR, book)
        assert [row.item_id for row in Outgoing.objects.all()] == [bad]
        assert len(there.server.calendars[there.remote].events) == 6
        assert 3 <= tries <= 20
