"""What changes there is here at once: their server calls, a real worker reads."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import httpx
import pytest
from celery.contrib.testing.worker import start_worker
from django.db import connection, transaction

from config.celery import app
from integrations.engine.session import open_session
from integrations.items import Event
from integrations.models import Link, Subscription
from integrations.models.history import Direction
from integrations.tasks import listen
from integrations.tests.tellers import Teller, monday, work
from integrations.tests.workers import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("push at once")]  # whose worker is one for all

PINGS = 200
REST = 3  # seconds


@pytest.fixture(scope="module")
def worker() -> Iterator[None]:
    """Four threads that do what is put into the queue, as the embedded worker does; what earlier tests put there, by the thousands, is thrown away."""
    app.control.purge()
    with start_worker(app, pool="threads", concurrency=4, perform_ping_check=False, shutdown_timeout=20):
        yield


@pytest.fixture
def listened(there: Teller, worker: None, settings) -> Teller:
    """Its changes are told, and it has rested."""
    settings.PUSH_GAP_SECONDS = 1
    listen.delay(there.link.account_id)
    wait_until(lambda: Subscription.objects.filter(told="").exclude(remote_id="").exists() and _quiet(), "the calendar has been read for the first time")
    time.sleep(settings.PUSH_GAP_SECONDS)
    return there


def _quiet() -> bool:
    return Link.objects.filter(pulled_at__isnull=False, lease="").exists()


@pytest.mark.feature("C5")
def test_a_change_there_is_here_within_three_seconds(listened: Teller, settings):
    """Seen red when the call wakes nobody."""
    Link.objects.update(next_pull_at=None)
    begun = time.monotonic()
    listened.enter(monday())
    wait_until(lambda: listened.busy() == [monday()], "read", seconds=3)
    # A second one follows at once: it has to wait until the calendar has rested.
    listened.enter(monday() + timedelta(hours=2))
    wait_until(lambda: len(listened.busy()) == 2, "read, too", seconds=3)
    assert time.monotonic() - begun < 6


def test_f43_two_hundred_calls_are_two_readings_and_the_last_change_is_in(listened: Teller, settings):
    """In a second, or as long as this machine takes to make them: the rest is as long. Seen red without the rest between two readings (up to twenty),
    and when what is told while we read is forgotten (the last change missing)."""
    settings.PUSH_GAP_SECONDS = REST
    address, headers, body = _call(listened)
    before = listened.listings()
    sent: list[int] = []
    local = threading.local()

    def ring(number: int) -> None:
        if not hasattr(local, "http"):
            local.http = httpx.Client(timeout=30)
        time.sleep(max(0.0, begun + number * 0.9 / PINGS - time.monotonic()))
        sent.append(local.http.post(address, headers=headers, content=body).status_code)

    begun = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        done = pool.map(ring, range(PINGS))
        listened.person.put(_event(0))
        list(done)
        took = time.monotonic() - begun
        listened.person.put(_event(2))
    listened.channels.settle()
    wait_until(lambda: len(listened.busy()) == 2 and _quiet() and not Subscription.objects.exclude(told="").exists(), "the last change is in", seconds=20)
    pages = listened.listings() - before
    assert sent == [202] * PINGS
    assert pages <= 2 + int(took / REST), f"{pages} listings for {PINGS} calls in {took:.1f} s"


def test_what_is_told_while_somebody_has_the_calendar_is_read_right_afterwards(listened: Teller):
    """Whoever was rung for finds it taken. Seen red when the one who had it does not look again."""
    with open_session(listened.link.pk, Direction.OUT) as session:
        assert session is not None
        listened.enter(monday())
        time.sleep(1)
        assert listened.busy() == []
    wait_until(lambda: listened.busy() == [monday()], "read", seconds=3)


@pytest.mark.parametrize("there", ["google"], indirect=True)  # whose local server can be slow
def test_what_is_told_while_it_is_being_read_is_read_once_more(listened: Teller):
    """Whether it was in what was read nobody knows. Seen red when the mark is taken away after reading."""
    before = listened.listings()
    listened.person.server.faults.then("slow", "calendar.events.list")
    listened.enter(monday())
    wait_until(lambda: listened.listings() == before + 1, "a reading has begun", seconds=3)
    listened.enter(monday() + timedelta(hours=2))
    wait_until(lambda: listened.listings() == before + 2 and _quiet(), "and another", seconds=6)
    assert len(listened.busy()) == 2


def _event(hours: int) -> Event:
    start = monday() + timedelta(hours=hours)
    return Event(start=start, end=start + timedelta(hours=1), title="Dentist")


def _call(there: Teller) -> tuple[str, dict[str, str], bytes]:
    """The call that their server makes."""
    address = there.channels.live[there.current.remote_id]
    if there.name == "google":
        headers = {"X-Goog-Channel-ID": address.id, "X-Goog-Channel-Token": address.token, "X-Goog-Resource-State": "exists"}
        return address.address, headers, b""
    row = {"subscriptionId": address["id"], "clientState": address["clientState"], "changeType": "updated"}
    return address["notificationUrl"], {"Content-Type": "application/json"}, json.dumps({"value": [row]}).encode()


@pytest.mark.postgres
def test_f47_the_answer_does_not_wait_for_what_is_being_read(there: Teller):
    """While changes are taken in, the link's row is locked. Seen red when the mark is set there. (SQLite has one lock for all that write.)"""
    work()
    address, headers, body = _call(there)
    locked, done = threading.Event(), threading.Event()

    def reader() -> None:
        with transaction.atomic():
            Link.objects.select_for_update(no_key=True).get(pk=there.link.pk)
            locked.set()
            done.wait(10)
        connection.close()

    thread = threading.Thread(target=reader)
    thread.start()
    assert locked.wait(10)
    try:
        assert httpx.post(address, headers=headers, content=body, timeout=3).status_code == 202
        assert there.current.told == "changed"
    finally:
        done.set()
        thread.join()
