"""Workers are killed at each point of a creation, a move and a cancellation, at every provider at once: exactly one event each, nothing lost."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import datetime
from functools import partial
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from config.suite import Services
from integrations.models import FieldChange, Link, Outgoing, Pair
from integrations.testing.converged import assert_converged
from integrations.testing.proxy import Proxy
from integrations.testing.servers import Server
from integrations.tests import desks
from integrations.tests.desks import Office
from integrations.tests.workers import Plant, sweep_each_second, wait_until

pytestmark = [pytest.mark.once, pytest.mark.redis, pytest.mark.django_db(transaction=True)]

ROUNDS = 20 if os.environ.get("KALENDS_LONG") else 1
ACTS = ("create", "move", "cancel")
WORKER = ("worker", "--beat", "--pool", "threads", "--concurrency", "12", "--without-gossip", "--without-mingle", "--without-heartbeat")


@pytest.fixture
def office(caldav_server: Server, caldav_proxy: Proxy, settings) -> Iterator[Office]:
    sweep_each_second()
    with desks.opened(caldav_server, caldav_proxy, settings, acts=ACTS, together=True) as made:
        yield made


@pytest.fixture
def factory(office: Office, tmp_path: Path, services: Services, settings) -> Iterator[Plant]:
    with desks.factory(office, tmp_path, services, settings) as made:
        yield made


@contextmanager
def rows_never_go() -> Iterator[None]:
    """What is deleted from the outbox is there again: a worker gets as far as that and no further (SQLite)."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TRIGGER never BEFORE DELETE ON integrations_outgoing BEGIN SELECT RAISE(IGNORE); END")
        try:
            yield
        finally:
            cursor.execute("DROP TRIGGER never")


def all_told(office: Office, since: datetime) -> bool:
    """Whether the answers for all items are saved."""
    return FieldChange.objects.filter(direction="out", at__gte=since).values("item_id").distinct().count() == office.rows


@pytest.mark.parametrize("_round", range(ROUNDS))
def test_a_worker_killed_at_any_point_leaves_one_event_each_at_every_provider(office: Office, factory: Plant, _round: int) -> None:
    """F13, F14. One worker's recovery is the next one's end. Red with a fresh key for each attempt, saved only after the call, and without the sweep."""
    worker = factory.start(*WORKER)
    for day, point in enumerate(("hold-before", "hold-after", "saved")):
        for desk in office.desks:
            desk.prepare(day)
        wait_until(lambda: not Outgoing.objects.exists(), "all is in step")
        assert office.there() == [desk.before() for desk in office.desks]
        began = timezone.now()
        with rows_never_go() if point == "saved" else nullcontext():
            office.hold(point)
            office.act()
            wait_until(partial(all_told, office, began) if point == "saved" else office.held, f"all desks are at {point}")
            factory.kill(worker)
            office.release()
        assert office.there() == [desk.before() if point == "hold-before" else desk.after() for desk in office.desks]
        assert Outgoing.objects.count() == office.rows
        Link.objects.update(lease_until=timezone.now())  # that they run out by themselves is shown elsewhere
        worker = factory.start(*WORKER)
        wait_until(lambda: not Outgoing.objects.exists(), "the outbox is worked off")
        assert office.there() == [desk.after() for desk in office.desks]
    factory.stop(worker)
    assert not Pair.objects.filter(state=Pair.State.CREATING).exists()
    assert_converged(office.writes)
