"""A worker is killed at each point of a push: afterwards there is exactly one event per appointment, nothing is lost, nothing is written again."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.db import connection, transaction
from django.utils import timezone

from booking.actions import appointments as actions
from booking.models import Appointment, Employee, Message
from config.suite import Services
from conftest import make_employee
from integrations.models import Account, Link, Outgoing, Pair
from integrations.testing.proxy import Fault, Proxy, proxy
from integrations.testing.servers import free_port, radicale
from integrations.tests.salon import Diary, Salon, at, connect_calendar, moment
from integrations.tests.workers import PATIENCE, Plant, empty_redis, plant, sweep_each_second, talking, wait_until

pytestmark = pytest.mark.django_db(transaction=True)

WRITES = "PUT DELETE"


# On Redis, too, in the long run; in the normal one test_crash_matrix does it there.
@pytest.fixture(params=["filesystem", pytest.param("redis", marks=[pytest.mark.redis, pytest.mark.once, pytest.mark.long])])
def factory(request: pytest.FixtureRequest, tmp_path: Path, caldav_proxy: Proxy, services: Services) -> Iterator[Plant]:
    hosts = caldav_proxy.address.split("//")[1].rstrip("/")
    if request.param == "filesystem":
        with plant(tmp_path, "filesystem://localhost", hosts) as made:
            yield made
    else:
        with empty_redis(services.redis) as broker, plant(tmp_path, broker, hosts) as made:
            yield made


@dataclass
class Case:
    """Three employees, each with a calendar of their own: for one something is created, for one moved, for one taken away."""

    salon: Salon
    people: tuple[Employee, Employee, Employee]
    diaries: tuple[Diary, ...]
    moved: Appointment
    cancelled: Appointment

    @classmethod
    def open(cls, salon: Salon) -> Case:
        sweep_each_second()
        others = make_employee("mover", "Max", "Umzug"), make_employee("canceller", "Carla", "Absage")
        salon.service.employees.add(*others)
        diaries = [salon.connect(one)[1] for one in others]
        people = (salon.employee, *others)
        moved, cancelled = (salon.book(at(10), name=f"Guest{number}", employee=one) for number, one in enumerate(others))
        salon.sync()
        return cls(salon, people, (salon.diary, *diaries), moved, cancelled)

    def act(self) -> None:
        self.salon.book(at(10), name="Clara", employee=self.people[0])
        actions.reschedule(appointment=self.moved, start=at(14), now=timezone.now())
        actions.cancel(appointment=self.cancelled, now=timezone.now())

    def there(self) -> tuple[list[object], ...]:
        """The starts of the events in the three calendars."""
        return tuple([moment(diary.raw(path), "DTSTART") for path in diary.paths()] for diary in self.diaries)

    def recover(self, factory: Plant) -> None:
        """A new worker comes up and finishes what the dead one left; then everything is as if nothing had happened."""
        told = Message.objects.count()
        worker = factory.start()
        wait_until(lambda: not Outgoing.objects.exists(), "the outbox is worked off")
        factory.stop(worker)
        assert Message.objects.count() == told
        self.check()

    def check(self) -> None:
        assert self.there() == ([at(10)], [at(14)], [])
        assert Pair.objects.filter(state=Pair.State.LIVE).count() == 2
        assert not Pair.objects.filter(state=Pair.State.CREATING).exists()
        Link.objects.update(lease="", lease_until=None)
        self.salon.assert_converged()


def repeats(times: int) -> list[object]:
    """Once in the normal run, so many times in the long one."""
    return [0, *(pytest.param(number, marks=pytest.mark.long) for number in range(1, times))]


@pytest.mark.parametrize("_repeat", repeats(20))
@pytest.mark.parametrize("point", ["hold-before", "hold-after"])
def test_a_worker_killed_while_the_server_is_asked_leaves_one_event_each(salon: Salon, factory: Plant, point: str, _repeat: int):
    """F13. Seen red with a fresh key for each attempt, saved only after the call (two events), and with the sweep taken off the schedule (nothing was pushed)."""
    case = Case.open(salon)
    salon.proxy.then(Fault(point, method=WRITES), times=3)
    case.act()
    worker = factory.start()
    wait_until(lambda: len(salon.proxy.held) == 3, f"three writes are under way, not {salon.proxy.held}")
    factory.kill(worker)
    salon.proxy.release()
    assert case.there() == (([], [at(10)], [at(10)]) if point == "hold-before" else ([at(10)], [at(14)], []))
    assert Outgoing.objects.count() == 3
    case.recover(factory)


@pytest.mark.parametrize("_repeat", repeats(20))
def test_a_worker_killed_after_it_saved_the_answer_leaves_one_event_each(salon: Salon, factory: Plant, _repeat: int):
    """Seen red with rows that are taken off the outbox before the call."""
    case = Case.open(salon)
    case.act()
    before = saved()
    with rows_cannot_go(factory):
        worker = factory.start()
        wait_until(lambda: saved() != before, "an answer is saved")
        factory.kill(worker)
    assert Outgoing.objects.count() == 3
    case.recover(factory)


def saved() -> list[tuple[str, str]]:
    """Etags and ended pairs: what only an answer brings."""
    return sorted(Pair.objects.exclude(etag="").values_list("etag", "state"))


@contextmanager
def rows_cannot_go(factory: Plant) -> Iterator[None]:
    """Nobody gets past the deletion of an outgoing row: on PostgreSQL they are locked, on SQLite their deletion takes for ever. No worker
    outlives it."""
    if connection.vendor == "postgresql":
        with transaction.atomic():
            list(Outgoing.objects.select_for_update())
            yield
        return
    count = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000000000) SELECT max(i) FROM n"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TRIGGER slow BEFORE DELETE ON integrations_outgoing BEGIN {count}; END")
        try:
            yield
        finally:
            factory.end()
            cursor.execute("DROP TRIGGER slow")


@pytest.mark.once
@pytest.mark.redis
@pytest.mark.parametrize("factory", ["redis"], indirect=True)
def test_a_killed_child_of_a_living_worker_loses_nothing(salon: Salon, factory: Plant):
    """F14. The clock is a process of its own here. Seen red with the sweep taken off the schedule."""
    case = Case.open(salon)
    salon.proxy.then(Fault("hold-after", method=WRITES), times=3)
    case.act()
    clock = factory.start("beat")
    worker = factory.start("worker", "--concurrency", "4", "--without-gossip", "--without-mingle", "--without-heartbeat")
    wait_until(lambda: len(salon.proxy.held) == 3, "three writes are under way")
    victims = talking(worker, int(factory.hosts.rsplit(":", 1)[1]))
    assert len(victims) == 3
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
    salon.proxy.release()
    wait_until(lambda: not Outgoing.objects.exists(), "the outbox is worked off")
    assert worker.poll() is None
    factory.kill(clock)
    factory.stop(worker)
    case.check()


@pytest.mark.once
@pytest.mark.parametrize("factory", ["filesystem"], indirect=True)
def test_answers_cut_after_the_server_did_it_leave_one_event_each(salon: Salon, factory: Plant):
    """F12. Seen red with a fresh key for each attempt, saved only after the call."""
    case = Case.open(salon)
    salon.proxy.then(Fault("cut", method=WRITES), times=6)
    case.act()
    case.recover(factory)


@pytest.mark.once
@pytest.mark.parametrize("seconds", [4, pytest.param(60, marks=pytest.mark.long)])
def test_a_server_that_was_away_for_a_while_gets_everything_afterwards(tmp_path: Path, employee, service, client, settings, seconds: int):
    """Seen red with NeedsPerson for a server that does not answer: the rows were given up."""
    port = free_port()
    with proxy(f"http://127.0.0.1:{port}/") as between, plant(tmp_path, "filesystem://localhost", between.address.split("//")[1].rstrip("/")) as factory:
        settings.KALENDS_PRIVATE_HOSTS = [factory.hosts]
        with radicale(tmp_path, port) as server:
            link, diary = connect_calendar(server, between, employee)
            case = Case.open(Salon(server, between, employee, service, link, diary, client))
        case.act()
        worker = factory.start()
        time.sleep(seconds)
        assert Outgoing.objects.count() == 3
        assert set(Outgoing.objects.values_list("state", flat=True)) == {Outgoing.State.OPEN}
        with radicale(tmp_path, port):
            wait_until(lambda: not Outgoing.objects.exists(), "the outbox is worked off", PATIENCE + 2 * seconds)
            assert set(Account.objects.values_list("state", flat=True)) == {Account.State.CONNECTED}
            factory.stop(worker)
            case.check()


BOOK = """
import sys, time, django
django.setup()
from django.test import Client
service, employee, start = sys.argv[1:]
customer = {"first_name": "Clara", "last_name": "Kunde", "email": "clara@example.org"}
began = time.monotonic()
wish = {"service": service, "employee": employee, "start": start, "customer": customer}
answer = Client(SERVER_NAME="localhost").post("/api/v1/appointments/", wish, content_type="application/json")
print(answer.status_code, round(time.monotonic() - began, 1))
"""


@pytest.mark.once
def test_booking_succeeds_while_the_broker_is_down_and_the_sweep_pushes_it(salon: Salon, tmp_path: Path):
    """F10. Seen red with the broker's error let through `wake`, and with the sweep taken off the schedule."""
    sweep_each_second()
    salon.sync()
    with plant(tmp_path, "filesystem://localhost", salon.proxy.address.split("//")[1].rstrip("/")) as factory:
        with dead_port() as port:
            printed = factory.run(BOOK, str(salon.service.pk), str(salon.employee.pk), at(10).isoformat(), CELERY_BROKER_URL=f"redis://127.0.0.1:{port}/0")
        status, seconds = printed.split()
        assert status == "201"
        assert float(seconds) < 5  # the customer does not wait for a broker
        assert Outgoing.objects.count() == 1
        assert salon.diary.paths() == []
        worker = factory.start()
        wait_until(lambda: not Outgoing.objects.exists(), "the sweep has found it")
        factory.stop(worker)
    assert [moment(salon.diary.raw(path), "DTSTART") for path in salon.diary.paths()] == [at(10)]
    salon.assert_converged()


@contextmanager
def dead_port() -> Iterator[int]:
    """A port of the loopback that nobody answers at and nobody else is given meanwhile."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]
