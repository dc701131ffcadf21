"""Google and Outlook as local servers that truly call us, each behind an employee's linked calendar; and who does the work that is due."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

from django.utils import timezone

from booking.models import Busy, Employee
from integrations import choosing, connect, engine, listening
from integrations.google.tests.world import GoogleWorld
from integrations.items import Event
from integrations.models import Account, Link, Subscription
from integrations.outlook.tests.world import world as outlook_world
from integrations.testing.accounts import granted
from integrations.testing.servers.google import OFFICE, google

LISTINGS = ("calendar.events.list", "calendarView/delta")


@dataclass
class Teller:
    """`person` has a client of her own. `calls`: all that we asked there, in words. `channels` tells us, and forms what it tells by `shape`."""

    name: str
    person: Any
    channels: Any
    calls: Callable[[], list[str]]
    link: Link

    @property
    def current(self) -> Subscription:
        return Subscription.objects.get(link=self.link, ending=False)

    @property
    def live(self) -> list[str]:
        """What has not ended there."""
        now = timezone.now()
        return [name for name, one in self.channels.live.items() if (one.expires > now.timestamp() if self.name == "google" else _until(one) > now)]

    @property
    def answers(self) -> list[int]:
        """Ours to their calls; 0 for none."""
        return [one if isinstance(one, int) else one[-1] for one in self.channels.sent]

    def listings(self) -> int:
        """How often we have listed the calendar, or asked for changes: pages count one by one."""
        return sum(any(part in call for part in LISTINGS) for call in self.calls())

    def enter(self, start: datetime, hours: int = 1, title: str = "Dentist") -> str:
        """Somebody enters an event there; returns its id once we have been told."""
        made: str = self.person.put(Event(start=start, end=start + timedelta(hours=hours), title=title))
        self.channels.settle()
        return made

    def busy(self) -> list[datetime]:
        return list(Busy.objects.filter(source=self.link.source).order_by("start").values_list("start", flat=True))


def _until(row: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(row["expirationDateTime"])


def work() -> None:
    """What the background does when all is well: subscriptions, what was told, what is due, what waits to be written."""
    for pk in listening.due(timezone.now()):
        listening.tend(pk)
    for pk in Subscription.objects.exclude(told="").values_list("link", flat=True).distinct():
        if pk:
            engine.catch_up(pk)
    for pk in Link.objects.filter(next_pull_at__lte=timezone.now()).values_list("pk", flat=True):
        engine.pull(pk)
    for pk in Link.objects.values_list("pk", flat=True):
        engine.drain(pk)


@contextmanager
def teller(name: str, employee: Employee, settings: Any, *, main: bool = False) -> Iterator[Teller]:
    """The employee's calendar there is read and written; nothing has been done in the background yet. `main`: at Google it is the account's main one."""
    settings.KALENDS_PRIVATE_HOSTS = ["127.0.0.1"]
    if name == "google":
        with google() as server:
            settings.GOOGLE_API_ROOT = settings.GOOGLE_OAUTH_ROOT = server.address
            person = GoogleWorld(server)
            person.calendar = "employee@example.com" if main else person.calendar
            yield Teller(name, person, server.channels, lambda: list(server.calls), _linked(name, employee, person.calendar, OFFICE))
            person.http.close()
    else:
        with outlook_world() as world:
            settings.GRAPH_ROOT = world.server.address
            link = _linked(name, employee, world.calendar, world.server.token)
            yield Teller(name, world, world.server.subscriptions, lambda: [f"{method} {path}" for method, path, _status in world.server.calls], link)


def _linked(provider: str, employee: Employee, remote: str, token: str) -> Link:
    account = granted(employee.user, provider, token, username="employee@example.com")
    connect.check(account.pk)
    account.refresh_from_db()
    assert account.state == Account.State.CONNECTED, account.steps
    with mock.patch("integrations.choosing._pull_later"):  # the test says when something is done
        choosing.choose(account, employee.calendar, reads={remote}, writes=remote)
    return Link.objects.get(account=account)


def monday() -> datetime:
    """9 o'clock in Berlin of a working day that comes."""
    now = datetime.now(UTC)
    return (now + timedelta(days=7 - now.weekday())).replace(hour=8, minute=0, second=0, microsecond=0)
