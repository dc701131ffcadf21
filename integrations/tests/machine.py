"""People on both sides, a worker and everything that can break, for the engine's state machine; and what must have become of it all."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random
from typing import Any, ClassVar
from unittest import mock

import time_machine
from django.conf import settings
from django.db import transaction
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from booking.actions import appointments as actions
from booking.errors import BookingError
from booking.models import Allocation, Appointment, BusySource, Employee, Message, Service
from booking.models.appointment import LIVE
from integrations import engine
from integrations.contract import ProviderError
from integrations.items import Event, plain, snapshot
from integrations.models import Account, Installation, Link, Outgoing, Pair
from integrations.models.history import FieldChange
from integrations.testing.breakdowns import Breakdowns
from integrations.testing.converged import assert_converged, cycle
from integrations.testing.faults import FaultPlan
from integrations.testing.memory_server import Crash, MemoryServer
from integrations.testing.stage import Stage, stage

VERBOSE = bool(os.environ.get("KALENDS_VERBOSE"))
FIRST = datetime(2026, 2, 26, 8, tzinfo=UTC)
MONDAY = datetime(2026, 3, 2, 8, tzinfo=UTC)  # 9 o'clock in Berlin
HALF = timedelta(minutes=30)
TITLE = "Haircut – Clara Kunde"
# Where it hurts most, by the call that is hit.
TROUBLE = [
    *(("create", kind) for kind in ("lose-after", "crash", "lose-before")),
    *(("update", kind) for kind in ("lose-after", "crash", "stale")),
    *(("delete", kind) for kind in ("lose-after", "crash", "stale", "busy")),
    *(("page", kind) for kind in ("crash", "lose-after", "duplicate")),
    *(("get", kind) for kind in ("lose-before", "crash")),
    *(("changes", kind) for kind in ("expired", "busy")),
    *(("many", kind) for kind in ("lose-after", "crash", "lose-before")),
    ("find", "lose-before"),
    ("listing", "short"),
]

ACTS = {"here": 8, "there": 10, "work": 12, "both_move": 2, "answer": 1, "forget_cursors": 1, "wait": 1}
HERE = {"move": 5, "book": 3, "cancel": 2}
THERE = {"move": 4, "rename": 3, "onto another": 1, "delete": 1, "move away and back": 1, "copy": 1, "touch": 1, "enter": 1}
TITLES = ["Dentist", "Lunch", "Team ☕"]
MOMENTS = [(method, moment) for method in ("create", "update", "delete", "many", "changes", "page", "get") for moment in ("before", "after")]

# Of what the worker is told: of one side, of both, or twice.
NOTIFICATIONS: list[list[Callable[[int], object]]] = [[engine.pull], [engine.drain], [engine.pull, engine.drain], [engine.drain, engine.drain, engine.pull]]


class Machine(RuleBasedStateMachine):
    """One employee whose calendar is linked to one at a server that fails as planned; each example begins at the same scene."""

    direction, priority, on_remote_delete, buffers = "both", "ours", "cancel", False
    happened: ClassVar[Counter[str]]  # over all examples: a machine in which nothing happens proves nothing
    scene: ClassVar[Stage]
    clock: ClassVar[Any]  # what time_machine.travel gives
    before: ClassVar[Any]  # how the server was then
    broken: ClassVar[Breakdowns]

    @classmethod
    @contextmanager
    def begin(cls, employee: Employee, server: Any = None) -> Iterator[None]:
        """Sets the scene, once for all examples: some appointments and a foreign event, in step."""
        service = Service.objects.create(name="Haircut", duration=30, buffer_before=5, buffer_after=10, price=20, slot_step=15)
        service.employees.add(employee)
        cls.happened = Counter()
        # The machine says when a worker runs.
        with Breakdowns() as cls.broken, time_machine.travel(FIRST, tick=False) as cls.clock, mock.patch("booking.wake.wake"):
            cls.scene = stage(employee, service, server=server or MemoryServer("machine", page_size=2))
            cls.scene.rule(direction=cls.direction, priority=cls.priority, on_remote_delete=cls.on_remote_delete, buffers=cls.buffers)
            # Old busy times close slots, which is proven elsewhere; here people shall be able to book at any time.
            BusySource.objects.update(policy=BusySource.Policy.OFFER)
            for number in range(4):
                cls.scene.book(MONDAY + number * 2 * HALF)
            cls.scene.server.put(cls.scene.remote, Event(start=MONDAY + 12 * HALF, end=MONDAY + 13 * HALF, title="Lunch"))
            cycle()
            cycle()
            cls.before = cls.scene.server.kept()
            yield

    def __init__(self) -> None:
        super().__init__()
        self.frame = transaction.atomic()
        self.frame._from_testcase = True  # type: ignore[attr-defined]  # as Django's TestCase marks its own: durable blocks may be inside
        self.frame.__enter__()
        self.clock.move_to(FIRST)
        self.server, self.link_id = self.scene.server, self.scene.link.pk
        self.server.restore(self.before)
        self.broken.seen.clear()
        self.place = self.server.calendars[self.scene.remote]
        # What people did, by appointment: where they put it, what they called it, whether they ended it.
        self.here_at = dict(Appointment.objects.values_list("pk", "start"))
        self.there_at: dict[int, datetime] = {}
        self.called: dict[int, str] = {}
        self.cancelled: set[int] = set()
        self.deleted: set[int] = set()
        self.doubled: set[int] = set()
        self.answered: set[int] = set()
        self.moved_here: set[int] = set()
        self.copies: set[str] = set()
        self.cut_short = False
        if VERBOSE:
            print("begin")

    @rule(seed=st.integers(0, 2**32 - 1))
    def happen(self, seed: int) -> None:
        """Something does. One rule with a seed, since rules apart are left out by turns, and then hardly anything meets anything."""
        self.random = Random(seed)  # repeatable, not secret
        getattr(self, self._one_of(ACTS))()

    # What people do.

    def here(self) -> None:
        what, start = self._one_of(HERE), self._slot()
        if what == "book":
            if self._try(lambda: self.scene.book(start, now=_now())):
                booked = Appointment.objects.latest("pk").pk
                self._note("booked", booked)
                self.here_at[booked] = start
            return
        waiting = Appointment.objects.filter(pk__in=Outgoing.objects.values("item_id"))  # of one that is just being written both halves hurt
        chosen = self.random.choice((waiting if self.random.random() < 0.5 else None) or Appointment.objects.order_by("pk"))
        if what == "move" and self._try(lambda: actions.move(appointment=chosen, start=start, end=start + HALF, now=_now())):
            self._note("moved here", chosen.pk, start)
            self.here_at[chosen.pk] = start
            self.moved_here.add(chosen.pk)
        if what == "cancel" and self._try(lambda: actions.cancel(appointment=chosen, now=_now())):
            self._note("cancelled here", chosen.pk)
            self.cancelled.add(chosen.pk)

    def there(self) -> None:
        """Mostly to one of our events."""
        what, start, title, remote = self._one_of(THERE), self._slot(), self.random.choice(TITLES), self.scene.remote
        if what == "enter":
            self.server.put(remote, Event(start=start, end=start + HALF, title=title, show_as=self.random.choice(["free", "busy", "busy"])))
            return
        events = [key for key, stored in self.place.events.items() if stored.item.key] if self.random.random() < 0.8 else list(self.place.events)
        if not events:
            return
        waiting = {f".appointment.{item}." for item in Outgoing.objects.values_list("item_id", flat=True)} if self.random.random() < 0.3 else set()
        events = [key for key in events if any(item in self.place.events[key].item.key for item in waiting)] or events
        remote_id = self.random.choice(events)
        event = self.place.events[remote_id].item
        item = int(event.key.split(".")[2]) if event.key and remote_id not in self.copies else 0
        self._note(f"{what} there", item, remote_id)
        match what:
            case "move" | "onto another":
                if what == "onto another":
                    start = self.random.choice([one.item.start for one in self.place.events.values()])
                self.server.edit(remote, remote_id, start=start, end=start + HALF)
                self.there_at |= {item: start}
            case "rename":
                self.server.edit(remote, remote_id, title=title)
                self.called |= {item: title}
            case "delete":
                self._delete_there(remote_id, event)
            case "move away and back":
                self._delete_there(remote_id, event)
                self._copy_there(event)
            case "copy":
                self._copy_there(event)
            case "touch":
                self.server.touch(remote, remote_id)

    def _delete_there(self, remote_id: str, event: Event) -> None:
        self.server.remove(self.scene.remote, remote_id)
        if event.key:
            self.deleted.add(int(event.key.split(".")[2]))
            if not Pair.objects.filter(remote_id=remote_id, state=Pair.State.LIVE).exists():
                self.answered.add(int(event.key.split(".")[2]))  # nobody here could know it had ever been there

    def _copy_there(self, event: Event) -> None:
        self.copies.add(self.server.put(self.scene.remote, event))
        if event.key:
            self.doubled.add(int(event.key.split(".")[2]))

    def both_move(self) -> None:
        """While both sides are in step and nothing breaks: who has the last word is what the rule says, and the other one's is kept."""
        here, there, we_later, read_first = self._slot(), self._slot(), self.random.random() < 0.5, self.random.random() < 0.5
        if here == there or self.buffers:
            return
        etags = {key: stored.etag for key, stored in self.place.events.items()}
        pairs = [pair for pair in Pair.objects.filter(state=Pair.State.LIVE).order_by("pk") if etags.get(pair.remote_id) == pair.etag]
        link = Link.objects.select_related("account").get()
        if not pairs or link.state != Link.State.ACTIVE or link.lease or link.account.paused_until:
            return
        pair = self.random.choice(pairs)
        appointment, places = Appointment.objects.get(pk=pair.item_id), [here, there]
        busy = Allocation.objects.exclude(holder_id=pair.item_id)
        if appointment.start in places or not appointment.is_live or Outgoing.objects.filter(item_id=pair.item_id).exists():
            return
        if any(busy.filter(start__lt=start + HALF, end__gt=start).exists() for start in places):
            return
        if any(stored.item.start == there for stored in self.place.events.values()):  # somebody moved it there and it has not been read yet
            return
        steps: list[Callable[[], Any]] = [
            lambda: self.server.edit(self.scene.remote, pair.remote_id, start=there, end=there + HALF),
            lambda: actions.move(appointment=appointment, start=here, end=here + HALF, now=_now()),
        ]
        self.server.faults, self.server.meanwhile = FaultPlan(), []
        for step in steps if we_later else reversed(steps):
            step()
            self.clock.shift(10)
        for work in [engine.pull, engine.drain] if read_first else [engine.drain, engine.pull, engine.drain]:
            work(self.link_id)
        ours = self.direction == "to" or self.priority == "ours" or (self.priority == "newest" and we_later)
        appointment.refresh_from_db()
        stands = self.place.events[pair.remote_id].item.start
        assert (appointment.start, stands) == ((here, here) if ours else (there, there)), f"{appointment.start} here and {stands} there"
        if self.direction == "both":
            kept = FieldChange.objects.filter(pair=pair, kind=FieldChange.Kind.CONFLICT, field="when").latest("pk")
            assert (kept.old or {}).get("start") == plain(there if ours else here), "what gave way is not in the history"
        self._note("both moved", pair.item_id, here, there)
        self.here_at[pair.item_id], self.there_at[pair.item_id] = here, there
        self.moved_here.add(pair.item_id)

    def answer(self) -> None:
        """A person answers whatever waits for one."""
        ours = self.random.random() < 0.5
        if Link.objects.filter(state=Link.State.PARKED).exists():
            gone = set(Pair.objects.filter(state=Pair.State.GONE_THERE).values_list("item_id", flat=True))
            self.answered |= gone
            self._run(f"answered: {'put back' if ours else 'deleted'}", lambda: engine.answer_gone(self.link_id, deleted=not ours))
        elif conflicts := list(Pair.objects.filter(state=Pair.State.CONFLICT).order_by("pk")):
            pair = self.random.choice(conflicts)
            if self._try(lambda: engine.settle_conflict(pair, keep_ours=ours)):
                self._note(f"settled: {'ours' if ours else 'theirs'}", pair.item_id)
                self.answered.add(pair.item_id)

    # What the worker does: a notification may come late, twice or never.

    def work(self) -> None:
        """With up to three faults, and something that happens while the server deals with one of the calls."""
        for method, kind in self.random.sample(TROUBLE, self.random.choice([0, 1, 2, 3])):
            self.server.faults.then(kind, method)
            if method == "listing":
                self.forget_cursors()
        if self.random.random() < 0.4:
            act = self.random.choice([self.here, self.there, self._second_worker, self._second_worker_in_time_out])
            self.server.meanwhile.append((*self.random.choice(MOMENTS), act))
        for job in self.random.choice(NOTIFICATIONS):
            self.clock.shift(self.random.choice([5, 90, 600]))
            self._run(job.__name__, partial(job, self.link_id))
        for _call, method, kind in self.server.faults.log:
            self._note(f"{method} {kind}")
            self.cut_short |= kind == "short"
        self.server.faults.log.clear()

    def _run(self, name: str, job: Callable[[], Any]) -> None:
        try:
            self._note(name, job())
        except ProviderError:
            self._note(f"{name}: failed")
        except Crash:
            # A killed process gives nothing back: its lease runs out by itself.
            Link.objects.update(lease="dead", lease_until=_now() + timedelta(seconds=settings.LEASE_SECONDS))
            self._note(f"{name}: crashed")

    def _second_worker(self) -> None:
        """While a call is under way: it keeps off."""
        calls = self.server.calls
        self.random.choice([engine.pull, engine.drain])(self.link_id)
        assert self.server.calls == calls, "two workers at once spoke to the server for one link"

    def _second_worker_in_time_out(self) -> None:
        """The first has been silent for longer than its lease lasts."""
        self.clock.shift(settings.LEASE_SECONDS + 1)
        self._note("second worker")
        for job in (engine.pull, engine.drain):
            job(self.link_id)

    def forget_cursors(self) -> None:
        self.server.forget_cursors()

    def wait(self) -> None:
        self.clock.shift(timedelta(minutes=self.random.randint(1, 200)))

    def _one_of(self, weights: dict[str, int]) -> str:
        return self.random.choices(list(weights), list(weights.values()))[0]

    def _slot(self) -> datetime:
        return MONDAY + timedelta(days=self.random.randint(0, 1)) + self.random.randint(0, 13) * HALF

    def _note(self, what: str, *details: Any) -> None:
        self.happened[what] += 1
        if VERBOSE:
            print("   ", f"{_now():%d %H:%M:%S}", what, *details)

    def _try(self, act: Callable[[], object]) -> bool:
        try:
            act()
        except BookingError:
            return False
        return True

    # What must have become of it.

    def teardown(self) -> None:
        try:
            self._settle()
            self._check()
        finally:
            transaction.set_rollback(True)
            self.frame.__exit__(None, None, None)

    def _settle(self) -> None:
        """The faults end, and within three cycles nothing more is to be done; that a further one does nothing is looked at by `assert_converged`."""
        self.server.faults, self.server.meanwhile = FaultPlan(), []
        if self.cut_short:  # what nobody knew of and a listing left out is seen with the daily one
            self.clock.shift(timedelta(hours=24))
        for _ in range(3):
            self.clock.shift(timedelta(hours=5))
            cycle()
            if Link.objects.filter(state=Link.State.PARKED).exists():
                assert engine.answer_gone(self.link_id, deleted=True)
            elif not Outgoing.objects.exists() and not Pair.objects.filter(state=Pair.State.GONE_THERE).exists():
                break

    def _check(self) -> None:
        assert not self.broken.seen, self.broken.seen[0]
        assert Account.objects.get().state == Account.State.CONNECTED
        self.happened.update(f"{one.direction} {one.kind} {one.field}" for one in FieldChange.objects.all())
        assert not Outgoing.objects.exclude(state=Outgoing.State.OPEN).exists(), list(Outgoing.objects.values())
        assert_converged(lambda: self.server.writes)
        waiting = list(Message.objects.filter(state=Message.State.OPEN).values_list("kind", "attendance", "recipient"))
        assert len(waiting) == len(set(waiting)), "somebody would be told twice"
        pairs = {pair.item_id: pair for pair in Pair.objects.all()}
        for appointment in Appointment.objects.all():
            self._check_one(appointment, pairs.get(appointment.pk))
        known = {pair.remote_id for pair in pairs.values() if pair.state in (Pair.State.LIVE, Pair.State.CONFLICT)}
        strays = {key for key, stored in self.place.events.items() if stored.item.key.startswith(Installation.mark())} - self.copies - known
        assert not strays, "an event of ours without an appointment"

    def _check_one(self, appointment: Appointment, pair: Pair | None) -> None:
        item, live = appointment.pk, appointment.status in LIVE
        state = pair.state if pair else None
        assert not (live and item in self.cancelled), "what was cancelled came back"
        assert live or item in self.cancelled | self.deleted, "it was cancelled although nobody had deleted it"
        assert state not in (Pair.State.CREATING, Pair.State.GONE_THERE), f"left {state}"
        assert state != Pair.State.UNLINKED or (item in self.deleted and (self.on_remote_delete == "unlink" or self.direction == "to"))
        if self.direction == "to" and live:
            assert appointment.start == self.here_at[item], "it was moved from there although nothing is read"
        if self.direction == "to" or pair is None:
            return
        plainly = item not in self.doubled | self.answered and not self.buffers
        if plainly and item in set(self.called) - self.deleted:
            texts = FieldChange.objects.filter(pair=pair, field="title").values_list("old", "new")
            assert any(self.called[item] in both for both in texts), "what was typed there is not in the history"
        if not live:
            return
        if item in self.deleted:
            assert not plainly or self.on_remote_delete != "cancel" or item in self.moved_here, "it lives although it was deleted there"
            return
        stands = self.place.events[pair.remote_id].item
        if state == Pair.State.CONFLICT:
            assert pair.theirs["when"] == snapshot(stands)["when"] != pair.base["when"], (
                f"a conflict is shown that is none: {pair.base['when']} {pair.theirs['when']} {stands.start}"
            )
        elif plainly:
            assert stands.title == self.called.get(item, TITLE), "what was typed there got lost"
            last_words = {self.here_at[item]} if item not in self.there_at else {self.there_at[item]}
            last_words |= {self.here_at[item]} if item in self.moved_here else set()
            assert appointment.start in last_words, "nobody wanted it there"


def _now() -> datetime:
    return datetime.now(UTC)
