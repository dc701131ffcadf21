"""Employees with calendars at every provider at once, each behind a proxy, and what is done there while workers are in trouble."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils import timezone

from booking.actions import appointments as actions
from booking.actions.customers import Guest
from booking.models import Appointment, Employee, Service
from config.suite import Services
from conftest import make_employee
from integrations.models import Link
from integrations.testing.proxy import Fault, Proxy, proxy
from integrations.testing.servers import Server
from integrations.testing.servers.google import google
from integrations.testing.servers.graph import graph
from integrations.testing.stage import stage
from integrations.tests.remotes import GoogleRemote, OutlookRemote
from integrations.tests.salon import Diary, at, connect_calendar, moment
from integrations.tests.workers import Plant, empty_redis, plant

# The requests that write; one of Graph's and of Google's that holds all three is a POST.
WRITES = "PUT POST PATCH DELETE"


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


@contextmanager
def opened(server: Server, caldav: Proxy, settings: Any, *, acts: Sequence[str], together: bool = False) -> Iterator[Office]:
    """At each provider one desk for each act; `together`: where several go in one request one more for all of them. `caldav` stands before `server`."""
    service = Service.objects.create(name="Haircut", duration=30, price=20)
    with ExitStack() as stack:
        one, two = stack.enter_context(google()), stack.enter_context(graph())
        before_google, before_graph = stack.enter_context(proxy(f"{one.address}/")), stack.enter_context(proxy(f"{two.address}/"))
        one.address, two.address = before_google.address.rstrip("/"), before_graph.address.rstrip("/")
        settings.GOOGLE_API_ROOT = settings.GOOGLE_OAUTH_ROOT = one.address
        settings.GRAPH_ROOT = two.address
        settings.KALENDS_PRIVATE_HOSTS = [place.address.split("//")[1].rstrip("/") for place in (caldav, before_google, before_graph)]
        count = len(acts) + together
        proxies = [(caldav, len(acts)), (before_google, count), (before_graph, count)]
        made = Office([], proxies, lambda: caldav.writes() + one.writes + two.mailbox.writes)

        def employee(name: str) -> Employee:
            found = make_employee(name, name.title(), "Weber")
            service.employees.add(found)
            return found

        for act in acts:
            person = employee(f"caldav-{act}")
            link, diary = connect_calendar(server, caldav, person)
            stack.callback(diary.ask, "DELETE", diary.url)
            made.desks.append(Desk(person, service, link, partial(in_diary, diary), (act,)))
        for some in (*((act,) for act in acts), *([tuple(acts)] if together else [])):
            for name, remote in (("google", GoogleRemote(one)), ("outlook", OutlookRemote(two, two.mailbox.add_calendar("-".join(some))))):
                person = employee(f"{name}-{'-'.join(some)}")
                scene = stage(person, service, server=remote)
                made.desks.append(Desk(person, service, scene.link, partial(in_remote, remote), some))
        yield made


@contextmanager
def factory(office: Office, folder: Path, services: Services, settings: Any, **more: str) -> Iterator[Plant]:
    """Workers at a Redis of their own, who find these servers; `more`: of their environment."""
    roots = {name: getattr(settings, name) for name in ("GOOGLE_API_ROOT", "GOOGLE_OAUTH_ROOT", "GRAPH_ROOT")}
    with empty_redis(services.redis) as broker, plant(folder, broker, ",".join(settings.KALENDS_PRIVATE_HOSTS)) as made:
        made.more = roots | {"POLL_SECONDS": "300", "LEASE_SECONDS": "60"} | more
        yield made


def in_diary(diary: Diary) -> list[datetime]:
    return [moment(diary.raw(path), "DTSTART") for path in diary.paths()]


def in_remote(remote: GoogleRemote | OutlookRemote) -> list[datetime]:
    return [datetime.fromisoformat(str(seen.item.start)) for seen in remote.events.values()]
