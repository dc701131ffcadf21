"""The engine on a server that speaks Graph: whatever people do on both sides and whatever breaks meanwhile, once it ends the sides agree and stay quiet."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
import time_machine

from booking.actions import appointments as actions
from booking.errors import BookingError
from booking.models import Appointment, BusySource, Employee, Service
from integrations import choosing, connect, engine, outbox
from integrations.items import Event
from integrations.models import Account, Link, Outgoing
from integrations.outlook.mapping import KEY
from integrations.outlook.tests.world import SHOWN, times
from integrations.testing.converged import assert_converged, cycle
from integrations.testing.servers.graph import GraphServer, graph
from integrations.testing.servers.graph_faults import FaultPlan
from integrations.testing.servers.graph_mailbox import Mailbox, Stored
from integrations.testing.servers.graph_rules import moment
from integrations.testing.stage import Stage

pytestmark = pytest.mark.once

MONDAY = datetime(2026, 3, 2, 8, tzinfo=UTC)  # 9 o'clock in Berlin
HALF = timedelta(minutes=30)
KINDS = ("lose-before", "lose-after", "busy", "stale", "expired", "late-error", "page", "truncate")
LONG = bool(os.environ.get("KALENDS_LONG"))


@dataclass
class Outlook:
    """The mailbox with the verbs of the memory server: what a person does there."""

    graph: GraphServer

    @property
    def mailbox(self) -> Mailbox:
        return self.graph.mailbox

    @property
    def faults(self) -> FaultPlan:
        return self.graph.faults

    @faults.setter
    def faults(self, plan: FaultPlan) -> None:
        self.graph.faults = plan

    @property
    def writes(self) -> int:
        return self.mailbox.writes

    @property
    def calendars(self) -> dict[str, Any]:
        found = {one: SimpleNamespace(item=_item(stored)) for one, stored in self.mailbox.events.items()}
        return dict.fromkeys(self.mailbox.calendars, SimpleNamespace(events=found))

    def put(self, calendar: str, item: Event) -> str:
        """A copy of one of ours keeps the hidden properties, as Outlook's do, but not the transaction id."""
        given = {"subject": item.title, "showAs": SHOWN[item.show_as]} | times(item.start, item.end)
        given |= {"singleValueExtendedProperties": [{"id": KEY, "value": item.key}]} if item.key else {}
        with self.graph.lock:
            return self.mailbox.create(calendar, given).id

    def edit(self, calendar: str, remote_id: str, **changes: Any) -> None:
        given = {"subject": changes["title"]} if "title" in changes else {}
        with self.graph.lock:
            self.mailbox.update(calendar, remote_id, given | (times(changes["start"], changes["end"]) if "start" in changes else {}), "")

    def remove(self, calendar: str, remote_id: str) -> None:
        with self.graph.lock:
            self.mailbox.delete(calendar, remote_id, "")

    def touch(self, calendar: str, remote_id: str) -> None:
        with self.graph.lock:
            self.mailbox.update(calendar, remote_id, {}, "")

    def forget_cursors(self) -> None:
        self.graph.forget_tokens()


def _item(stored: Stored) -> Event:
    fields = stored.fields
    shown: Any = next(ours for ours, theirs in SHOWN.items() if theirs == fields["showAs"])
    return Event(moment(fields["start"]), moment(fields["end"]), key=stored.own.get(KEY, ""), title=fields["subject"], show_as=shown)


class People:
    """Somebody on each side and a worker, in an order that the seed says."""

    def __init__(self, server: GraphServer, employee: Employee, seed: int) -> None:
        self.random, self.graph, self.there = Random(seed), server, Outlook(server)
        service = Service.objects.create(name="Haircut", duration=30, price=20, slot_step=15)
        service.employees.add(employee)
        remote = next(iter(server.mailbox.calendars))
        account = Account.objects.create(user=employee.user, provider="outlook", username=server.owner, secrets={"access_token": server.token})
        connect.check(account.pk)
        account.refresh_from_db()
        with mock.patch("integrations.choosing._pull_later"):  # the test says when it is read
            choosing.choose(account, employee.calendar, reads={remote}, writes=remote)
        link = Link.objects.get(account=account)
        engine.pull(link.pk)
        made: Any = self.there  # has the verbs of a memory server that are used here
        self.stage = Stage(made, employee, service, link, remote)
        BusySource.objects.update(policy=BusySource.Policy.OFFER)  # old busy times close slots, which is proven elsewhere
        self.plan = FaultPlan(seed, 0.25, KINDS)
        self.plan.then("lose-after", "write")

    def act(self) -> None:
        start, remote = MONDAY + timedelta(days=self.random.randint(0, 1), minutes=30 * self.random.randint(0, 13)), self.stage.remote
        appointments, events = list(Appointment.objects.order_by("pk")), list(self.graph.mailbox.events)
        what = self.random.choice(
            ["book", "move", "cancel", "enter", "move there", "rename there", "delete there", "copy there", "forget", "wait", *["work"] * 6]
        )
        with suppress(BookingError):
            match what:
                case "book":
                    self.stage.book(start, now=datetime.now(UTC))
                case "move" if appointments:
                    actions.move(appointment=self.random.choice(appointments), start=start, end=start + HALF, now=datetime.now(UTC))
                case "cancel" if appointments:
                    actions.cancel(appointment=self.random.choice(appointments), now=datetime.now(UTC))
                case "enter":
                    self.there.put(remote, Event(start=start, end=start + HALF, title="Lunch"))
                case "move there" if events:
                    self.there.edit(remote, self.random.choice(events), start=start, end=start + HALF)
                case "rename there" if events:
                    self.there.edit(remote, self.random.choice(events), title="By hand")
                case "delete there" if events:
                    self.there.remove(remote, self.random.choice(events))
                case "copy there" if events:
                    self.there.put(remote, _item(self.graph.mailbox.events[self.random.choice(events)]))
                case "forget":
                    self.there.forget_cursors()
                case "work":
                    self.graph.faults = self.plan
                    self.random.choice([engine.pull, engine.drain])(self.stage.link.pk)
                    self.graph.faults = FaultPlan()

    def settle(self, clock: Any) -> None:
        for _ in range(4):
            clock.shift(timedelta(hours=9))
            cycle()
            if Link.objects.filter(state=Link.State.PARKED).exists():
                assert engine.answer_gone(self.stage.link.pk, deleted=True)


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(2_000 if LONG else 12))
def test_outlook_and_we_agree_once_the_faults_end(seed: int, employee: Employee, settings: Any) -> None:
    """Red when a failed look by id counts as proof that an event is gone."""
    with graph() as server, time_machine.travel(MONDAY - timedelta(days=4), tick=False) as clock, mock.patch.object(outbox, "wake", return_value=None):
        settings.GRAPH_ROOT, settings.KALENDS_PRIVATE_HOSTS = server.address, ["127.0.0.1"]
        people = People(server, employee, seed)
        for _ in range(40):
            people.act()
            clock.shift(timedelta(minutes=people.random.randint(0, 40)))
        people.settle(clock)
        assert not Outgoing.objects.exclude(state=Outgoing.State.OPEN).exists(), list(Outgoing.objects.values())
        assert_converged(lambda: server.mailbox.writes)
        assert people.plan.log
