"""A calendar server in memory, with a plan of what goes wrong. What a person does there is `put`, `edit`, `remove`, `move`."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from threading import RLock
from typing import Any, ClassVar, TypeVar

from integrations.contract import Changed, CursorExpired, NeedsPerson, Retry
from integrations.items import GROUPS, Event
from integrations.models import Account
from integrations.testing.faults import FaultPlan

T = TypeVar("T")
# lose-before: nothing arrived. lose-after: it was done, the answer got lost. busy: told to wait. stale: somebody else was faster.
# expired: the cursor is forgotten. short: a listing leaves one out. duplicate: a page comes twice. crash: it was done, and our own process dies.
# Calls are named by their method; "page" and "listing" stand for parts of the answer to "changes".
FAULTS = ("lose-before", "lose-after", "busy", "stale", "expired", "short", "duplicate", "crash")


class Crash(BaseException):
    """Our own process ended here; not an Exception, so that nothing can survive it by catching too much."""


@dataclass
class Stored:
    """An event as the server keeps it. `foreign`: what other programs put beside it. `ours`: addresses written by a provider."""

    item: Event
    exceptions: tuple[Event, ...] = ()
    etag: str = ""
    modified: datetime | None = None
    foreign: dict[str, Any] = field(default_factory=dict)
    ours: frozenset[str] = frozenset()


@dataclass
class Calendar:
    name: str
    writable: bool = True
    events: dict[str, Stored] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)  # ids in the order they changed: the sync log, tombstones included


class MemoryServer:
    """Holds calendars. `writes` counts what providers changed, `calls` what they asked. `page_size` events to a page."""

    servers: ClassVar[dict[str, MemoryServer]] = {}

    def __init__(self, name: str = "memory", *, page_size: int = 2, password: str = "") -> None:
        self.name, self.page_size, self.password = name, page_size, password
        self.calendars: dict[str, Calendar] = {}
        self.faults = FaultPlan()
        self.meanwhile: list[tuple[str, str, Callable[[], object]]] = []  # (method, "before" or "after" it is done, what happens then): each once
        self.writes, self.calls, self.epoch, self.down = 0, 0, 0, False
        self.lock = RLock()
        self._ids, self._etags = count(1), count(1)
        self.servers[name] = self

    @classmethod
    def named(cls, name: str) -> MemoryServer:
        """The server of that name. Raises NeedsPerson when there is none."""
        try:
            return cls.servers[name]
        except KeyError:
            raise NeedsPerson("There is no such server.", "Check the address.", code="address") from None

    def account(self, user: Any) -> Account:
        """One of a user here."""
        return Account.objects.create(user=user, provider="memory", server=self.name, username="employee", secrets={"password": "x"})

    def kept(self) -> dict[str, Calendar]:
        return {key: replace(one, events=dict(one.events), log=list(one.log)) for key, one in self.calendars.items()}

    def restore(self, kept: dict[str, Calendar]) -> None:
        """As it was then, with all faults over."""
        self.calendars = {key: replace(one, events=dict(one.events), log=list(one.log)) for key, one in kept.items()}
        self.faults, self.meanwhile, self.epoch = FaultPlan(after=30), [], 0

    def add_calendar(self, name: str, *, writable: bool = True) -> str:
        calendar = f"cal-{next(self._ids)}"
        self.calendars[calendar] = Calendar(name, writable)
        return calendar

    def calendar(self, calendar: str) -> Calendar:
        try:
            return self.calendars[calendar]
        except KeyError:
            raise NeedsPerson("This calendar does not exist any more.", "Choose the calendar again.", code="gone") from None

    # What a person does there.

    def put(self, calendar: str, item: Event, *exceptions: Event, foreign: dict[str, Any] | None = None) -> str:
        """A person enters an event; its id."""
        remote_id = f"ev-{next(self._ids)}"
        self.store(calendar, remote_id, Stored(replace(item, uid=item.uid or f"{remote_id}@there"), exceptions, foreign=foreign or {}))
        return remote_id

    def edit(self, calendar: str, remote_id: str, *exceptions: Event, **changes: Any) -> None:
        """A person changes fields of an event; `exceptions` are added to its series."""
        stored = self.calendar(calendar).events[remote_id]
        self.store(calendar, remote_id, replace(stored, item=replace(stored.item, **changes), exceptions=(*stored.exceptions, *exceptions)))

    def remove(self, calendar: str, remote_id: str) -> None:
        """A person deletes an event."""
        place = self.calendar(calendar)
        del place.events[remote_id]
        place.log.append(remote_id)

    def move(self, calendar: str, remote_id: str, to: str) -> str:
        """A person moves an event to another calendar, where it gets another id."""
        stored = self.calendar(calendar).events[remote_id]
        self.remove(calendar, remote_id)
        new = f"ev-{next(self._ids)}"
        self.store(to, new, stored)
        return new

    def touch(self, calendar: str, remote_id: str) -> None:
        """The server changes the entity tag for no reason."""
        self.store(calendar, remote_id, self.calendar(calendar).events[remote_id])

    def forget_cursors(self) -> None:
        self.epoch += 1

    def find(self, key: str) -> list[tuple[str, str, Event]]:
        """(calendar, id, event) of every event that carries the marker."""
        return [(name, one, stored.item) for name, place in self.calendars.items() for one, stored in place.events.items() if stored.item.key == key]

    # What a provider asks.

    def store(self, calendar: str, remote_id: str, stored: Stored) -> Stored:
        place = self.calendar(calendar)
        kept = replace(stored, etag=f'"{next(self._etags)}"', modified=datetime.now(UTC))
        place.events[remote_id] = kept
        place.log.append(remote_id)
        return kept

    def write(self, calendar: str, remote_id: str, item: Event, groups: Collection[str]) -> Stored:
        """Puts the named groups over the event; all else survives, other people's guests too."""
        before = self.calendar(calendar).events.get(remote_id)
        if before is None:
            self.writes += 1
            ours = frozenset(one.email.lower() for one in item.attendees)
            return self.store(calendar, remote_id, Stored(replace(item, exceptions=()), item.exceptions, ours=ours))
        changes = {name: getattr(item, name) for group in groups for name in GROUPS[group]}
        ours = before.ours
        if "attendees" in groups:
            wanted = {one.email.lower() for one in item.attendees}
            kept = tuple(one for one in before.item.attendees if one.email.lower() in wanted or one.email.lower() not in ours)
            there = {one.email.lower() for one in kept}
            changes["attendees"] = kept + tuple(one for one in item.attendees if one.email.lower() not in there)
            ours = frozenset(wanted)
        exceptions = changes.pop("exceptions", before.exceptions)
        self.writes += 1
        return self.store(calendar, remote_id, replace(before, item=replace(before.item, **changes), exceptions=exceptions, ours=ours))

    def call(self, method: str, action: Callable[[], T], *, conditional: bool = False) -> T:
        """One call over the wire, which the plan may break and during which others may act. `conditional`: it carries an etag."""
        with self.lock:
            self.calls += 1
            fault = self.faults.take(method)
            self.happens(method, "before")
            if self.down or fault == "lose-before":
                raise Retry("The server can't be reached.")
            if fault == "busy":
                raise Retry("The server is busy.", self.faults.after)
            if fault == "stale" and conditional:
                raise Changed("The event has changed meanwhile.")
            if fault == "expired" and method == "changes":
                raise CursorExpired
            result = action()
            self.happens(method, "after")
            if fault == "crash":
                raise Crash
            if fault == "lose-after":
                raise Retry("The server takes too long to answer.")
            return result

    def happens(self, method: str, moment: str) -> None:
        for place, (wanted, when, act) in enumerate(self.meanwhile):
            if (wanted, when) == (method, moment):
                del self.meanwhile[place]
                act()
                return
