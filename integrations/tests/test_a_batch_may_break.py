"""Several writes in one request, and something goes wrong with it or with one of them: each has exactly one event, and what is well is not held up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from unittest import mock

import pytest
import time_machine

from booking.actions import appointments as actions
from booking.models import Appointment, Employee, Service
from integrations import connect, engine
from integrations.contract import Create, Receipt
from integrations.items import Event
from integrations.models import Account, Outgoing
from integrations.models.history import FieldChange
from integrations.testing.converged import assert_converged
from integrations.testing.stage import Stage, stage
from integrations.tests.remotes import PLACES

pytestmark = [pytest.mark.django_db, pytest.mark.once]

MONDAY = datetime(2026, 3, 2, 8, tzinfo=UTC)  # 9 o'clock in Berlin
HALF = timedelta(minutes=30)
# The names of faults at the two servers: (kind, where).
LOST = {"google": ("cut-after", "batch"), "outlook": ("lose-after", "write")}
CUT_OFF = {"google": ("truncate", "batch"), "outlook": ("truncate", "write")}
NEVER = {"google": ("cut-before", "batch"), "outlook": ("lose-before", "write")}
PAGE = {"google": ("page", "batch"), "outlook": ("page", "write")}
BUSY = {"google": ("429:rateLimitExceeded", "write"), "outlook": ("busy", "part")}
ONE_FAILS_LATE = {"google": ("500-after", "write"), "outlook": ("late-error", "part")}
ONE_REFUSED = {"google": ("400:badRequest", "calendar.events.insert"), "outlook": ("refused", "part")}
NO_RIGHT = {"google": ("401:authError", "write"), "outlook": ("revoked", "part")}


@dataclass
class Scene(Stage):
    """With a way to break the next request."""

    kind: str = ""

    def breaks(self, fault: dict[str, tuple[str, str]]) -> None:
        self.server.server.faults.then(*fault[self.kind])

    def again(self) -> None:
        """Later: the faults are over, and what has to wait has waited."""
        self.server.disarm()
        Account.objects.update(paused_until=None)
        Outgoing.objects.update(not_before=datetime.now(UTC))
        engine.drain(self.link.pk)

    def settled(self) -> None:
        self.again()
        self.sync()
        self.sync()
        assert_converged(lambda: self.server.writes)

    def starts(self) -> list[datetime]:
        return sorted(one.item.start for one in self.server.events.values())


@pytest.fixture(params=list(PLACES))
def scene(request: pytest.FixtureRequest, employee: Employee) -> Iterator[Scene]:
    service = Service.objects.create(name="Haircut", duration=30, price=20, slot_step=30)
    service.employees.add(employee)
    with PLACES[request.param]() as server, time_machine.travel(MONDAY - timedelta(days=4), tick=False), mock.patch("booking.wake.wake"):
        yield Scene(**vars(stage(employee, service, server=server)), kind=request.param)


def book(scene: Scene, count: int = 3, first: int = 0) -> list[Appointment]:
    return [scene.book(MONDAY + number * HALF, now=datetime.now(UTC)) for number in range(first, first + count)]


def move(appointment: Appointment, by: timedelta) -> None:
    actions.move(appointment=appointment, start=appointment.start + by, end=appointment.end + by, now=datetime.now(UTC))


@pytest.mark.parametrize("fault", [LOST, CUT_OFF, NEVER, PAGE], ids=["lost", "cut off", "never arrived", "page"])
def test_a_batch_without_an_answer_leaves_one_event_each(scene, fault):
    """F12, over creations, moves and ends at once. Red with a key made anew for each attempt."""
    moved, ended, stays = book(scene)
    scene.sync()
    scene.sync()
    move(moved, 8 * HALF)
    actions.cancel(appointment=ended, now=datetime.now(UTC))
    book(scene, first=4)
    scene.breaks(fault)
    assert engine.drain(scene.link.pk) == 0
    assert Outgoing.objects.count() == 5
    scene.settled()
    assert scene.starts() == [stays.start, *(MONDAY + number * HALF for number in (4, 5, 6, 8))]


def test_what_was_typed_there_while_the_answer_was_on_its_way_is_kept(scene):
    """F12, F22. Red without the look for the key that an unanswered creation leaves."""
    moved, other = book(scene, 2)
    scene.sync()
    scene.sync()
    move(moved, 8 * HALF)
    new, _newer = book(scene, 2, first=4)
    scene.breaks(LOST)
    engine.drain(scene.link.pk)
    there = {one.item.start: remote_id for remote_id, one in scene.server.events.items()}
    scene.server.edit(scene.remote, there[new.start], title="Clara, short")
    scene.server.edit(scene.remote, there[moved.start], title="Clara, long")
    scene.settled()
    assert {one.item.start: one.item.title for one in scene.server.events.values() if one.item.start in (new.start, moved.start)} == {
        new.start: "Clara, short",
        moved.start: "Clara, long",
    }
    assert len(scene.server.events) == 4
    assert other.is_live


def test_one_that_was_edited_there_is_merged_and_the_others_go_out(scene):
    """F22. Red when a part that says "changed" fails the batch, and without its If-Match."""
    first, second = book(scene, 2)
    scene.sync()
    scene.sync()
    scene.server.edit(scene.remote, scene.pair(second).remote_id, title="By hand")
    move(first, 8 * HALF)
    move(second, 8 * HALF)
    engine.drain(scene.link.pk)
    assert not Outgoing.objects.exists()
    assert scene.theirs(second).title == "By hand"
    assert scene.starts() == [first.start, second.start]
    scene.settled()
    assert FieldChange.objects.filter(pair=scene.pair(second), field="title", direction="in").count() == 1


def test_what_is_there_already_is_taken_over_and_what_was_deleted_is_made_anew(scene):
    """F23. Red when 409, or the transaction that was used before, is an error, or says that there is an event."""
    provider, start = connect.provider_for(scene.link.account), MONDAY
    ops = [Create(Event(start=start, end=start + HALF, title=f"Number {number}"), f"key-{number}") for number in range(4)]
    made = [one.remote_id for one in provider.many(scene.remote, ops) if isinstance(one, Receipt)]
    for remote_id in made[:2]:
        scene.server.remove(scene.remote, remote_id)
    again = [one.remote_id for one in provider.many(scene.remote, ops) if isinstance(one, Receipt)]
    assert set(again) == set(scene.server.events)
    assert again[2:] == made[2:]
    assert len(scene.server.events) == 4


def test_what_is_gone_there_ends_well_and_the_others_go_out(scene):
    """F24. Red when 404 or 410 is an error."""
    ended, moved, other = book(scene)
    scene.sync()
    scene.sync()
    for one in (ended, moved):
        scene.server.remove(scene.remote, scene.pair(one).remote_id)
    actions.cancel(appointment=ended, now=datetime.now(UTC))
    move(moved, 8 * HALF)
    move(other, 8 * HALF)
    engine.drain(scene.link.pk)
    assert not Outgoing.objects.exists()
    scene.settled()
    assert not Appointment.objects.get(pk=ended.pk).is_live
    assert len(scene.server.events) == 2


@pytest.mark.parametrize("fault", [BUSY, ONE_FAILS_LATE], ids=["busy", "fails late"])
def test_one_that_fails_is_written_again_and_the_others_are_not(scene, fault):
    """F26, F19. Red when the whole batch is repeated."""
    book(scene)
    scene.server.server.faults.after = 7
    scene.breaks(fault)
    assert engine.drain(scene.link.pk) == 2
    assert Outgoing.objects.count() == 1
    if fault is BUSY:
        account = Account.objects.get()
        assert (account.state, account.paused_until) == (Account.State.CONNECTED, datetime.now(UTC) + timedelta(seconds=7))
        assert engine.drain(scene.link.pk) == 0, "it was told to wait"
    written = scene.server.writes
    scene.again()
    assert scene.server.writes - written == (1 if fault is BUSY else 0)
    scene.settled()
    assert len(scene.server.events) == 3


def test_one_that_is_refused_is_shown_and_the_others_go_out(scene):
    """F18. Red when its refusal counts as the account's."""
    book(scene)
    scene.breaks(ONE_REFUSED)
    assert engine.drain(scene.link.pk) == 2
    assert [row.state for row in Outgoing.objects.all()] == [Outgoing.State.FAILED]
    account = Account.objects.get()
    assert (account.state, account.failures, account.problem) == (Account.State.CONNECTED, 0, "")
    assert len(scene.server.events) == 2


def test_refused_access_is_one_refusal_however_many_were_on_the_way(scene):
    """Red when each row counts: a batch would have disconnected the account at once."""
    book(scene)
    for _ in range(3):
        scene.breaks(NO_RIGHT)
    engine.drain(scene.link.pk)
    account = Account.objects.get()
    refusals = {"google": 0, "outlook": 1}[scene.kind]  # Google's client wants another token first, and there is none to be had here
    assert (account.state, account.failures) == (Account.State.CONNECTED, refusals)
    assert Outgoing.objects.count() == 3
    scene.settled()
    assert len(scene.server.events) == 3


def test_what_fails_because_of_one_of_them_soon_fails_without_the_others(scene):
    """One of them may make the server stumble whenever it is sent. Red when failed rows always go together."""
    book(scene, 4)
    scene.breaks(NEVER)
    engine.drain(scene.link.pk)
    assert set(Outgoing.objects.values_list("attempts", flat=True)) == {1}
    Outgoing.objects.update(attempts=5)
    before = scene.server.requests
    scene.again()
    looks = {"google": 2, "outlook": 1}[scene.kind]  # for each, since its answer never came
    assert scene.server.requests - before == 4 * (looks + 1)
    scene.settled()
    assert len(scene.server.events) == 4
