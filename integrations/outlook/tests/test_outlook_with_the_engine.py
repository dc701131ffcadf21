"""The engine's state machine on a server that speaks Graph: whatever breaks between them, once it ends the sides agree and stay quiet."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as plan_of
from hypothesis import strategies as st
from hypothesis.stateful import initialize, run_state_machine_as_test

from booking.models import BusySource, Service
from conftest import make_employee
from integrations import connect, engine
from integrations.items import Event
from integrations.models import Account, Link
from integrations.outlook.mapping import KEY
from integrations.outlook.tests.world import SHOWN, times
from integrations.testing.memory_server import FaultPlan
from integrations.testing.servers.graph import GraphServer, graph
from integrations.testing.servers.graph_mailbox import Mailbox, Stored
from integrations.testing.servers.graph_rules import moment
from integrations.testing.stage import Stage
from integrations.tests.test_engine_invariants import World

pytestmark = [pytest.mark.once, pytest.mark.django_db(transaction=True)]

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


class OutlookWorld(World):
    running: GraphServer

    @initialize(seed=st.integers(0, 2**16), kinds=st.sets(st.sampled_from(KINDS), min_size=1), buffers=st.booleans())
    def open(self, seed: int, kinds: set[str], buffers: bool) -> None:
        employee = make_employee("employee", "Emma", "Weber")
        service = Service.objects.create(name="Haircut", duration=30, buffer_before=5, buffer_after=10, price=20, slot_step=15)
        service.employees.add(employee)
        self.running.mailbox, self.running.faults = Mailbox(self.running.owner), FaultPlan()
        self.running.forget_tokens()
        made: Any = Outlook(self.running)
        self.server = made
        remote = next(iter(self.running.mailbox.calendars))
        account = Account.objects.create(user=employee.user, provider="outlook", username=self.running.owner, secrets={"access_token": self.running.token})
        connect.check(account.pk)
        account.refresh_from_db()
        with mock.patch("integrations.connect._pull_later"):  # the machine says when it is read
            connect.choose(account, employee.calendar, reads={remote}, writes=remote)
        link = Link.objects.get(account=account)
        engine.pull(link.pk)
        self.stage = Stage(self.server, employee, service, link, remote)
        self.stage.rule(direction=self.direction, priority=self.priority, on_remote_delete=self.on_remote_delete, buffers=buffers)
        BusySource.objects.update(policy=BusySource.Policy.OFFER)
        self.plan = FaultPlan(seed, 0.25, sorted(kinds))
        self.foreign: list[str] = []


class TheirsWins(OutlookWorld):
    priority, on_remote_delete = "theirs", "restore"


@contextmanager
def running(settings: Any) -> Iterator[None]:
    with graph() as server:
        settings.GRAPH_ROOT, settings.KALENDS_PRIVATE_HOSTS = server.address, ["127.0.0.1"]
        OutlookWorld.running = server
        yield


@pytest.mark.parametrize(("world", "examples"), [(OutlookWorld, 35), (TheirsWins, 15)], ids=["ours", "theirs"])
def test_outlook_and_we_agree_once_the_faults_end(world: type[OutlookWorld], examples: int, settings: Any) -> None:
    """Red without: the transaction id, If-Match, the look by id before a deletion is believed."""
    plan = plan_of(
        max_examples=examples * 200 if LONG else examples,
        stateful_step_count=30,
        derandomize=not LONG,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    world.happened.clear()
    with running(settings):
        run_state_machine_as_test(world, settings=plan)
    missing = {"booked", "out create when"} - set(world.happened)
    assert not missing, f"never happened: {missing}"
