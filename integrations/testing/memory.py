"""The provider in memory: the engine's tests run on it, and it keeps the same contract as the real ones."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from uuid import NAMESPACE_URL, uuid5

from booking.ical.series import instant
from integrations.contract import Change, Changed, CursorExpired, NeedsPerson, Op, Page, Provider, Receipt, RemoteCalendar, Retry, Step, Window
from integrations.items import OWNED, Event
from integrations.testing.memory_server import Calendar, Crash, MemoryServer, Stored
from integrations.wire.recurrence import taken


class MemoryProvider(Provider):
    """Speaks to MemoryServer.named(credentials.server)."""

    @property
    def server(self) -> MemoryServer:
        server = MemoryServer.named(self.credentials.server)
        if server.password and self.credentials.secret("password") != server.password:
            raise NeedsPerson("The server does not accept the user name or password.", "Enter them again.", code="auth")
        return server

    def identity(self) -> str:
        return self.credentials.username

    def calendars(self) -> list[RemoteCalendar]:
        server = self.server
        return server.call("calendars", lambda: [RemoteCalendar(key, one.name, one.writable) for key, one in server.calendars.items()])

    def create_calendar(self, name: str) -> RemoteCalendar:
        server = self.server
        found = [RemoteCalendar(key, one.name, one.writable) for key, one in server.calendars.items() if one.name == name]
        return found[0] if found else server.call("create_calendar", lambda: RemoteCalendar(server.add_calendar(name), name))

    def changes(self, calendar: str, cursor: str, window: Window) -> Iterator[Page]:
        server = self.server
        place: Calendar = server.call("changes", lambda: server.calendar(calendar))
        epoch, _, number = cursor.removeprefix("m:").partition(":")
        if cursor and (epoch != str(server.epoch) or not number.isdecimal()):
            raise CursorExpired
        ids = list(dict.fromkeys(place.log[int(number) :] if cursor else place.events))
        found = [one for one in (self._change(place, one) for one in ids) if cursor or _within(one, window)]
        if found and not cursor and server.faults.take("listing") == "short":
            del found[len(found) // 2]
        end = f"m:{server.epoch}:{len(place.log)}"
        pages = [tuple(found[begin : begin + server.page_size]) for begin in range(0, len(found), server.page_size)] or [()]
        for number_, page in enumerate(pages):
            last = number_ == len(pages) - 1
            fault = server.faults.take("page")
            if fault == "duplicate":
                yield Page(page, full=not cursor)
            server.happens("page", "before")
            yield Page(page, cursor=end if last else "", last=last, full=not cursor)
            if fault == "crash" and not last:
                raise Crash
            if fault in ("lose-before", "lose-after", "busy") and not last:
                raise Retry("The server can't be reached.")

    def _change(self, place: Calendar, remote_id: str) -> Change:
        stored = place.events.get(remote_id)
        if stored is None:
            return Change(remote_id, gone=True)
        return Change(remote_id, stored.etag, stored.modified, stored.item, stored.exceptions)

    def get(self, calendar: str, remote_id: str) -> Change:
        server = self.server
        return server.call("get", lambda: self._change(server.calendar(calendar), remote_id))

    def find(self, calendar: str, key: str, uid: str) -> Change | None:
        server = self.server
        return server.call("find", lambda: self._marked(server.calendar(calendar), key))

    def _marked(self, place: Calendar, key: str) -> Change | None:
        return next((self._change(place, one) for one, stored in place.events.items() if stored.item.key == key), None)

    def copy_of(self, calendar: str, uid: str) -> Change | None:
        server = self.server
        place: Calendar = server.call("copy_of", lambda: server.calendar(calendar))
        return next((self._change(place, one) for one, stored in place.events.items() if stored.item.uid == uid), None)

    def create(self, calendar: str, item: Event, key: str) -> Receipt:
        server = self.server

        def action() -> Receipt:
            place = _writable(server.calendar(calendar))
            there = self._marked(place, key)
            if there is not None and there.item is not None:
                return Receipt(there.remote_id, there.item.uid, there.etag, there.modified, there.item)
            remote_id = str(uuid5(NAMESPACE_URL, f"memory:{key}"))
            if remote_id in place.events:  # a person has taken our marker off: no longer ours
                remote_id += f"-{server.writes}"
            stored = server.write(calendar, remote_id, replace(item, key=key, uid=item.uid or f"{remote_id}@kalends"), OWNED)
            return _receipt(remote_id, stored)

        return server.call("create", action)

    def update(self, calendar: str, remote_id: str, item: Event, fields: Collection[str], etag: str) -> Receipt:
        server = self.server

        def action() -> Receipt:
            place = _writable(server.calendar(calendar))
            stored = place.events.get(remote_id)
            if stored is None or (etag and stored.etag != etag):
                raise Changed("The event has changed meanwhile.")
            return _receipt(remote_id, server.write(calendar, remote_id, item, fields))

        return server.call("update", action, conditional=bool(etag))

    def delete(self, calendar: str, remote_id: str, etag: str) -> None:
        server = self.server

        def action() -> None:
            place = _writable(server.calendar(calendar))
            stored = place.events.get(remote_id)
            if stored is None:
                return
            if etag and stored.etag != etag:
                raise Changed("The event has changed meanwhile.")
            server.writes += 1
            server.remove(calendar, remote_id)

        server.call("delete", action, conditional=bool(etag))

    def many(self, calendar: str, ops: Sequence[Op]) -> Sequence[Receipt | Exception | None]:
        """One call over the wire, in which each of them may fail, too."""
        every = partial(super().many, calendar, ops)
        return self.server.call("many", every) if len(ops) > 1 else every()

    def busy(self, calendars: Sequence[str], window: Window) -> list[tuple[datetime, datetime]]:
        return taken((one for calendar in calendars for page in self.changes(calendar, "", window) for one in page.changes), window)

    def check(self) -> Iterator[Step]:
        try:
            names = ", ".join(one.name for one in self.calendars())
        except NeedsPerson as error:
            yield Step("Sign-in", False, error.reason, error.hint)
        else:
            yield Step("Sign-in", True, self.identity())
            yield Step("Calendars", True, names)


def _writable(place: Calendar) -> Calendar:
    if not place.writable:
        raise NeedsPerson("The server does not allow this.", "Check the rights of this account on the calendar.", code="permission")
    return place


def _receipt(remote_id: str, stored: Stored) -> Receipt:
    return Receipt(remote_id, stored.item.uid, stored.etag, stored.modified)


def _within(change: Change, window: Window) -> bool:
    item = change.item
    if item is None or item.key or item.recurrence or change.exceptions:
        return True
    return instant(item.start, UTC) < window.end and instant(item.end, UTC) > window.start
