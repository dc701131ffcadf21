"""Calendars at local servers that speak a protocol, with the verbs of the memory server: what people do there, and what breaks on the way there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from copy import copy, deepcopy
from dataclasses import dataclass
from typing import Any, TypeVar
from unittest import mock

from django.test import override_settings

from integrations import connect
from integrations.contract import Change, Op, Page, Provider, Receipt, Retry, Window
from integrations.google.mapping import KEY as GOOGLE_KEY
from integrations.items import Event
from integrations.models import Account
from integrations.outlook.mapping import KEY as OUTLOOK_KEY
from integrations.testing.accounts import granted
from integrations.testing.faults import FaultPlan
from integrations.testing.memory_server import Crash
from integrations.testing.servers.google import OFFICE, GoogleServer, google
from integrations.testing.servers.google_calendar import moment as google_moment
from integrations.testing.servers.graph import GraphServer, graph
from integrations.testing.servers.graph_rules import moment as graph_moment

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Seen:
    """An event as a person sees it there."""

    item: Event
    etag: str


class Remote:
    """One account with one calendar, `remote`. `faults` and `meanwhile` are those of the memory server: they strike the calls of the contract, and what
    the server has to do with a fault goes over the wire. `calls` counts calls of the contract, `requests` those over the wire."""

    remote: str
    requests: int

    def __init__(self) -> None:
        self.faults, self.calls, self.epoch = FaultPlan(), 0, 0
        self.meanwhile: list[tuple[str, str, Callable[[], object]]] = []

    @property
    def calendars(self) -> dict[str, Remote]:
        return {self.remote: self}

    @property
    def events(self) -> dict[str, Seen]:
        raise NotImplementedError

    @property
    def writes(self) -> int:
        raise NotImplementedError

    def edit(self, calendar: str, remote_id: str, **changes: Any) -> None:
        raise NotImplementedError

    def beside(self, name: str) -> Remote:
        raise NotImplementedError

    def move(self, remote_id: str, target: Remote) -> str:
        raise NotImplementedError

    def arm(self, method: str, fault: str, *, batch: bool = False) -> None:
        """The server fails so at the next request that belongs to `method`; `batch`: it goes with others."""
        raise NotImplementedError

    def disarm(self) -> None:
        raise NotImplementedError

    def happens(self, method: str, moment: str) -> None:
        for place, (wanted, when, act) in enumerate(self.meanwhile):
            if (wanted, when) == (method, moment):
                del self.meanwhile[place]
                act()
                return


class GoogleRemote(Remote):
    def __init__(self, server: GoogleServer) -> None:
        super().__init__()
        self.server, self.remote = server, server.store.add_calendar("Work", "Europe/Berlin").id

    def account(self, user: Any) -> Account:
        return granted(user, "google", OFFICE, username="employee@example.com")

    @property
    def place(self) -> Any:
        return self.server.store.calendars[self.remote]

    @property
    def requests(self) -> int:  # type: ignore[override]
        return self.server.requests

    @property
    def writes(self) -> int:
        return self.server.writes

    @property
    def events(self) -> dict[str, Seen]:
        return {key: Seen(_google_item(row), row["etag"]) for key, row in self.place.events.items() if row["status"] != "cancelled"}

    def put(self, calendar: str, item: Event) -> str:
        row = {"summary": item.title, "transparency": "transparent" if item.show_as == "free" else "opaque"} | _google_times(item.start, item.end)
        row |= {"extendedProperties": {"private": {GOOGLE_KEY: item.key}}} if item.key else {}
        with self.server.lock:
            return str(self.server.store.insert(self.place, row, "none")["id"])

    def edit(self, calendar: str, remote_id: str, **changes: Any) -> None:
        row = {"summary": changes["title"]} if "title" in changes else {}
        row |= _google_times(changes["start"], changes["end"]) if "start" in changes else {}
        with self.server.lock:
            self.server.store.change(self.place, remote_id, row, "", "none")

    def touch(self, calendar: str, remote_id: str) -> None:
        self.edit(calendar, remote_id)

    def remove(self, calendar: str, remote_id: str) -> None:
        with self.server.lock:
            self.server.store.delete(self.place, remote_id, "", "none")

    def beside(self, name: str) -> GoogleRemote:
        """Another calendar of the same account."""
        made = copy(self)
        made.remote = self.server.store.add_calendar(name, "Europe/Berlin").id
        return made

    def move(self, remote_id: str, target: Remote) -> str:
        """Her client moves it into another calendar; returns its id there."""
        with self.server.lock:
            return str(self.server.store.move(self.place, remote_id, self.server.store.calendars[target.remote], "none")["id"])

    def forget_cursors(self) -> None:
        self.server.forget_cursors()

    def kept(self) -> Any:
        return deepcopy(self.place)

    def restore(self, kept: Any) -> None:
        self.server.store.calendars[self.remote] = deepcopy(kept)
        self.faults, self.meanwhile, self.server.store.epoch = FaultPlan(after=30), [], 0

    def arm(self, method: str, fault: str, *, batch: bool = False) -> None:
        on = {"create": "calendar.events.insert", "update": "calendar.events.patch", "delete": "calendar.events.delete", "many": "batch"}.get(method, "read")
        kind = {"lose-before": "cut-before", "lose-after": "cut-after", "busy": "403:rateLimitExceeded", "stale": "412:conditionNotMet"}.get(fault, "")
        self.server.faults.after = self.faults.after
        if fault == "expired":
            self.server.faults.then("410:fullSyncRequired", "delta")
        elif kind:
            self.server.faults.then(kind, on)

    def disarm(self) -> None:
        self.server.faults.stop()


def _google_times(start: Any, end: Any) -> dict[str, Any]:
    return {name: {"dateTime": at.isoformat(), "timeZone": "UTC"} for name, at in (("start", start), ("end", end))}


def _google_item(row: dict[str, Any]) -> Event:
    private = row.get("extendedProperties", {}).get("private", {})
    start, end = (google_moment(row[name], "Europe/Berlin") for name in ("start", "end"))
    return Event(
        start, end, key=private.get(GOOGLE_KEY, ""), title=row.get("summary", ""), show_as="free" if row.get("transparency") == "transparent" else "busy"
    )


class OutlookRemote(Remote):
    """The default calendar of the mailbox, or the named one."""

    def __init__(self, server: GraphServer, calendar: str = "") -> None:
        super().__init__()
        self.server, self.remote = server, calendar or next(iter(server.mailbox.calendars))

    def account(self, user: Any) -> Account:
        return granted(user, "outlook", self.server.token, username=self.server.owner)

    @property
    def requests(self) -> int:  # type: ignore[override]
        return self.server.requests

    @property
    def writes(self) -> int:
        return self.server.mailbox.writes

    @property
    def events(self) -> dict[str, Seen]:
        return {key: Seen(_outlook_item(stored), stored.etag) for key, stored in self.server.mailbox.events.items() if stored.calendar == self.remote}

    def put(self, calendar: str, item: Event) -> str:
        """A copy of one of ours keeps the hidden properties, as Outlook's do, but not the transaction id."""
        given = {"subject": item.title, "showAs": item.show_as} | _outlook_times(item.start, item.end)
        given |= {"singleValueExtendedProperties": [{"id": OUTLOOK_KEY, "value": item.key}]} if item.key else {}
        with self.server.lock:
            return self.server.mailbox.create(calendar, given).id

    def edit(self, calendar: str, remote_id: str, **changes: Any) -> None:
        given = {"subject": changes["title"]} if "title" in changes else {}
        with self.server.lock:
            self.server.mailbox.update(calendar, remote_id, given | (_outlook_times(changes["start"], changes["end"]) if "start" in changes else {}), "")

    def touch(self, calendar: str, remote_id: str) -> None:
        self.edit(calendar, remote_id)

    def remove(self, calendar: str, remote_id: str) -> None:
        with self.server.lock:
            self.server.mailbox.delete(calendar, remote_id, "")

    def beside(self, name: str) -> OutlookRemote:
        """Another calendar of the same mailbox."""
        made = copy(self)
        made.remote = self.server.mailbox.add_calendar(name)
        return made

    def move(self, remote_id: str, target: Remote) -> str:
        """She drags it into another calendar; returns its id there."""
        with self.server.lock:
            self.server.mailbox.move(remote_id, target.remote)
        return remote_id

    def forget_cursors(self) -> None:
        self.server.forget_tokens()

    def kept(self) -> Any:
        mailbox = self.server.mailbox
        return deepcopy((mailbox.calendars, mailbox.events, mailbox.transactions)), dict(self.server.tokens)

    def restore(self, kept: Any) -> None:
        mailbox = self.server.mailbox
        (mailbox.calendars, mailbox.events, mailbox.transactions), self.server.tokens = deepcopy(kept[0]), dict(kept[1])
        self.faults, self.meanwhile = FaultPlan(after=30), []

    def arm(self, method: str, fault: str, *, batch: bool = False) -> None:
        on = "write" if method in ("create", "update", "delete", "many") else "read"
        if batch and method != "many":
            on, fault = "part", {"lose-after": "late-error", "lose-before": "busy"}.get(fault, fault)
        self.server.faults.after = self.faults.after
        if fault in ("lose-before", "lose-after", "busy", "stale", "expired", "late-error"):
            self.server.faults.then(fault, on)

    def disarm(self) -> None:
        self.server.faults.stop()


def _outlook_times(start: Any, end: Any) -> dict[str, Any]:
    return {name: {"dateTime": f"{at:%Y-%m-%dT%H:%M:%S}", "timeZone": "UTC"} for name, at in (("start", start), ("end", end))}


def _outlook_item(stored: Any) -> Event:
    fields = stored.fields
    start, end = graph_moment(fields["start"]), graph_moment(fields["end"])
    return Event(start, end, key=stored.own.get(OUTLOOK_KEY, ""), title=fields["subject"], show_as=fields["showAs"])


class Watched(Provider):
    """A provider whose calls meet the faults of the plan, and during whose calls others act. A crash is our own process's: it ends when the call has
    been carried out."""

    def __init__(self, inner: Provider, remote: Remote) -> None:
        super().__init__(inner.credentials, inner.settings)
        self.inner, self.remote = inner, remote

    def _call(self, methods: Sequence[str], action: Callable[[], T], *, batch: bool = False) -> T:
        remote = self.remote
        remote.calls += 1
        fault, method = next(((fault, one) for one in methods if (fault := remote.faults.take(one))), ("", methods[0]))
        for one in methods:
            remote.happens(one, "before")
        remote.arm(method, fault, batch=batch)
        try:
            result = action()
        finally:
            remote.disarm()
        for one in methods:
            remote.happens(one, "after")
        if fault == "crash":
            raise Crash
        return result

    def identity(self) -> str:
        return self.inner.identity()

    def calendars(self) -> Any:
        return self.inner.calendars()

    def check(self) -> Any:
        return self.inner.check()

    def get(self, calendar: str, remote_id: str) -> Change:
        return self._call(["get"], lambda: self.inner.get(calendar, remote_id))

    def find(self, calendar: str, key: str, uid: str) -> Change | None:
        return self._call(["find"], lambda: self.inner.find(calendar, key, uid))

    def create(self, calendar: str, item: Event, key: str) -> Receipt:
        return self._call(["create"], lambda: self.inner.create(calendar, item, key))

    def update(self, calendar: str, remote_id: str, item: Event, fields: Collection[str], etag: str) -> Receipt:
        return self._call(["update"], lambda: self.inner.update(calendar, remote_id, item, fields, etag))

    def delete(self, calendar: str, remote_id: str, etag: str) -> None:
        self._call(["delete"], lambda: self.inner.delete(calendar, remote_id, etag))

    def many(self, calendar: str, ops: Sequence[Op]) -> Sequence[Receipt | Exception | None]:
        if len(ops) == 1:
            return super().many(calendar, ops)
        kinds = sorted({type(op).__name__.lower() for op in ops})
        return self._call(["many", *kinds], lambda: self.inner.many(calendar, ops), batch=True)

    def changes(self, calendar: str, cursor: str, window: Window) -> Iterator[Page]:
        pages = self.inner.changes(calendar, cursor, window)
        page = self._call(["changes"], lambda: next(pages))
        while True:
            fault = self.remote.faults.take("page")
            if fault == "duplicate" and not page.last:
                yield page
            self.remote.happens("page", "before")
            yield page
            if page.last:
                return
            if fault == "crash":
                raise Crash
            if fault in ("lose-before", "lose-after", "busy"):
                raise Retry("The server can't be reached.")
            page = next(pages)


@contextmanager
def google_remote() -> Iterator[GoogleRemote]:
    with google() as server, override_settings(GOOGLE_API_ROOT=server.address, GOOGLE_OAUTH_ROOT=server.address):
        yield GoogleRemote(server)


@contextmanager
def outlook_remote() -> Iterator[OutlookRemote]:
    with graph() as server, override_settings(GRAPH_ROOT=server.address, KALENDS_PRIVATE_HOSTS=["127.0.0.1"]):
        yield OutlookRemote(server)


@contextmanager
def watched(remote: Remote) -> Iterator[None]:
    """All that the engine asks goes through Watched."""
    made = connect.provider_for
    with mock.patch.object(connect, "provider_for", lambda account, **settings: Watched(made(account, **settings), remote)):
        yield


PLACES: dict[str, Callable[[], AbstractContextManager[Remote]]] = {"google": google_remote, "outlook": outlook_remote}
