"""Sets the stage for tests of the engine: an employee whose calendar is linked to a calendar on a memory server."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from unittest import mock

from booking.actions import appointments
from booking.actions.customers import Guest
from booking.models import Appointment, Employee, Service
from integrations import choosing, connect, engine
from integrations.items import Event
from integrations.models import Link, Pair, Rule
from integrations.testing.memory_server import MemoryServer


@dataclass
class Stage:
    """`remote` is the id of the calendar at `server`; `now` is when the scenario begins."""

    server: Any  # a memory server, or one with its verbs
    employee: Employee
    service: Service
    link: Link
    remote: str

    def book(self, start: datetime, *, name: str = "Clara", now: datetime | None = None) -> Appointment:
        now = now or start - timedelta(days=2)
        guest = Guest(name, f"{name.lower()}@example.org", "Kunde")
        return appointments.book(service=self.service, start=start, guest=guest, now=now, employee=self.employee).appointment

    def sync(self) -> None:
        engine.pull(self.link.pk)
        engine.drain(self.link.pk)

    def pair(self, appointment: Appointment) -> Pair:
        return Pair.objects.get(link=self.link, item_id=appointment.pk)

    def theirs(self, appointment: Appointment) -> Event:
        """What the remote calendar shows of it."""
        found: Event = self.server.calendars[self.remote].events[self.pair(appointment).remote_id].item
        return found

    def rule(self, kind: str = "appointment", **values: object) -> None:
        Rule.objects.update_or_create(scope=Rule.Scope.LINK, link=self.link, kind=kind, defaults=values)


def stage(employee: Employee, service: Service, *, server: Any = None) -> Stage:
    """A linked calendar that has been read once. `server`: one with the verbs of a memory server; it may have its calendar already."""
    server = server or MemoryServer("stage")
    remote = next(iter(server.calendars), None) or server.add_calendar("Work")
    account = server.account(employee.user)
    connect.check(account.pk)
    account.refresh_from_db()
    with mock.patch("integrations.choosing._pull_later"):  # the test says when it is read
        choosing.choose(account, employee.calendar, reads={remote}, writes=remote)
    link = Link.objects.get(account=account)
    engine.pull(link.pk)
    return Stage(server, employee, service, link, remote)
