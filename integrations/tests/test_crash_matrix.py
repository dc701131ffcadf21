"""Workers are killed at each point of a creation, a move and a cancellation, at every provider at once: exactly one event each, nothing lost."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path

import pytest
from django.db import connection, transaction
from django.utils import timezone

from booking.actions import appointments as actions
from booking.actions.customers import Guest
from booking.models import Appointment, Employee, Service
from config.suite import Services
from conftest import make_employee
from integrations.models import FieldChange, Link, Outgoing, Pair
from integrations.testing.converged import assert_converged
from integrations.testing.proxy import Fault, Proxy, proxy
from integrations.testing.servers import Server
from integrations.testing.servers.google import google
from integrations.testing.servers.graph import graph
from integrations.testing.stage import stage
from integrations.tests.remotes import GoogleRemote, OutlookRemote
from integrations.tests.salon import Diary, at, connect_calendar, moment
from integrations.tests.workers import Plant, empty_redis, plant, sweep_each_second, wait_until

pytestmark = [pytest.mark.once, pytest.mark.redis, pytest.mark.django_db(transaction=True)]

ROUNDS = 20 if os.environ.get("KALENDS_LONG") else 1
ACTS = ("create", "move", "cancel")
# The requests that write; one of Graph's and of Google's that holds all three is a POST.
WRITES = "PUT POST PATCH DELETE"
WORKER = ("worker", "--beat", "--pool", "threads", "--concurrency", "12", "--without-gossip", "--without-mingle", "--without-heartbeat")


@dataclass
class Desk:
    """An employee with a calendar of her own, in which these things are done. `starts`: of the events in it."""

    employee: Employee
    service: Service
    link: Link
    starts: Callable[[], list[datetime]]
    acts: tuple[str, ...]
    day: int = 0
    made: dict[str, Appointment] = field(default_factory=dict)

    def prepare(self, day: int) -> None:
        self.day = day
        self.made = {one: self.book(hour) for one, hour in (("move", 11), ("cancel", 13)) if one in self.acts}

    def book(self, hour: int) -> Appointment:
        guest = Guest("Clara", "clara@example.org", "Kunde")
        start = at(hour, day=self.day)
        return actions.book(service=self.service, start=start, guest=guest, now=timezone.now(), employee=self.employee).appointment

    def act(self) -> None:
        if "create" in self.acts:
            self.book(9)
        if "move" in self.acts:
            actions.reschedule(appointment=self.made["move"], start=at(15, day=self.day), now=timezone.now())
        if "cancel" in self.acts:
            actions.cancel(appointment=self.made["cancel"], now=timezone.now())

    def there(self) -> list[datetime]:
        return sorted(one for one in self.starts() if one.date() == at(0, day=self.day).date())

    def before(self) -> list[datetime]:
        return [at(hour, day=self.day) for one, hour in (("move", 11), ("cancel", 13)) if one in self.acts]

    def after(self) -> list[datetime]:
        return [at(hour, day=self.day) for one, hour in (("create", 9), ("move", 15)) if one in self.acts]


@dataclass
class Office:
    """`proxies`: each with the number of desks behind it. `writes`: how much has been changed at the servers."""

    desks: list[Desk]
    proxies: list[tuple[Proxy, int]]
    writes: Callable[[], int]

    @property
    def rows(self) -> int:
        return sum(len(desk.acts) for desk in self.desks)

    def there(self) -> list[list[datetime]]:
        return [desk.there() for desk in self.desks]

    def hold(self, point: str) -> None:
        """The next write of each desk."""
        for one, desks in self.proxies if point != "saved" else ():
            one.then(Fault(point, method=WRITES), times=desks)

    def held(self) -> bool:
        return sum(len(one.held) for one, _ in self.proxies) == len(self.desks)

    def release(self) -> None:
        for one, _ in self.proxies:
            one.release()

    def act(self) -> None:
        """What is done at one desk is done at once, so that it goes in one request where that can be."""
        for desk in self.desks:
            with transaction.atomic():
                desk.act()


@pytest.fixture
def office(caldav_server: Server, caldav_proxy: Proxy, settings) -> Iterator[Office]:
    """At each provider one desk for each act, and where several go in one request one for all of them."""
    sweep_each_second()
    service = Service.objects.create(name="Haircut", duration=30, price=20)
    with ExitStack() as stack:
        one, two = stack.enter_context(google()), stack.enter_context(graph())
        before_google, before_graph = stack.enter_context(proxy(f"{one.address}/")), stack.enter_context(proxy(f"{two.address}/"))
        one.address, two.address = before_google.address.rstrip("/"), before_graph.address.rstrip("/")
        settings.GOOGLE_API_ROOT = settings.GOOGLE_OAUTH_ROOT = one.address
        settings.GRAPH_ROOT = two.address
        settings.KALENDS_PRIVATE_HOSTS = [place.address.split("//")[1].rstrip("/") for place in (caldav_proxy, before_google, before_graph)]
        made = Office([], [(caldav_proxy, 3), (before_google, 4), (before_graph, 4)], lambda: caldav_proxy.writes() + one.writes + two.mailbox.writes)

        def employee(name: str) -> Employee:
            found = make_employee(name, name.title(), "Weber")
            service.employees.add(found)
            return found

        for act in ACTS:
            person = employee(f"caldav-{act}")
            link, diary = connect_calendar(caldav_server, caldav_proxy, person)
            stack.callback(diary.ask, "DELETE", diary.url)
            made.desks.append(Desk(person, service, link, partial(in_diary, diary), (act,)))
        for acts in (*((act,) for act in ACTS), ACTS):
            for name, remote in (("google", GoogleRemote(one)), ("outlook", OutlookRemote(two, two.mailbox.add_calendar("-".join(acts))))):
                person = employee(f"{name}-{'-'.join(acts)}")
                scene = stage(person, service, server=remote)
                made.desks.append(Desk(person, service, scene.link, partial(in_remote, remote), acts))
        yield made


@pytest.fixture
def factory(office: Office, tmp_path: Path, services: Services, settings) -> Iterator[Plant]:
    with empty_redis(services.redis) as broker, plant(tmp_path, broker, ",".join(settings.KALENDS_PRIVATE_HOSTS)) as made:
        made.more = {"GOOGLE_API_ROOT": settings.GOOGLE_API_ROOT, "GOOGLE_OAUTH_ROOT": settings.GOOGLE_OAUTH_ROOT, "GRAPH_ROOT": settings.GRAPH_ROOT}
        made.more |= {"POLL_SECONDS": "300", "LEASE_SECONDS": "60"}
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


def in_diary(diary: Diary) -> list[datetime]:
    return [moment(diary.raw(path), "DTSTART") for path in diary.paths()]


def in_remote(remote: GoogleRemote | OutlookRemote) -> list[datetime]:
    return [datetime.fromisoformat(str(seen.item.start)) for seen in remote.events.values()]


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
