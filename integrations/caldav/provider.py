"""Reads and writes one account's calendars over CalDAV (RFC 4791)."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from email.utils import parsedate_to_datetime
from functools import cached_property
from urllib.parse import urljoin
from zoneinfo import ZoneInfo

from booking.ical import IcalError
from integrations.caldav import discovery
from integrations.contract import Change, Changed, NeedsPerson, Page, Provider, ProviderError, Receipt, RemoteCalendar, Retry, Step, Window
from integrations.items import Event, snapshot
from integrations.wire import icalendar
from integrations.wire.dav import Dav, Refused, canonical, condition, element, etag, hrefs, wanted
from integrations.wire.diagnosis import steps
from integrations.wire.http import Answer, TooLarge, client, problem
from integrations.wire.listing import listing
from integrations.wire.recurrence import concerns, taken

CHUNK = 50  # resources per multiget
TAKEN = ("no-uid-conflict", "unique-scheduling-object-resource")  # how servers call a UID that is there already
CALENDAR = {"Content-Type": "text/calendar; charset=utf-8"}


class CaldavProvider(Provider):
    """Calendar ids are absolute addresses, remote ids canonical paths. `settings`: "timezone", the zone of times that name none; "identity", as whom the account
    was once found to answer; "address", where the person is invited if the server does not tell."""

    @cached_property
    def dav(self) -> Dav:
        return Dav(client(), self.credentials.server, self.credentials.username, self.credentials.secret("password"))

    @cached_property
    def account(self) -> discovery.Account:
        return discovery.account(self.dav)

    @cached_property
    def owner(self) -> str:
        """The address the account answers to, "" where the server tells none and the user name is none. Asked for until it has been found out once."""
        if "@" in self.credentials.username:
            return self.credentials.username
        if known := self.settings.get("identity"):
            return str(known) if "@" in known else ""
        with suppress(ProviderError, Refused):
            return self.account.email
        return ""

    @property
    def floating(self) -> tzinfo:
        return ZoneInfo(self.settings.get("timezone") or "UTC")

    def identity(self) -> str:
        return self.account.email or self.credentials.username

    def calendars(self) -> list[RemoteCalendar]:
        try:
            return list(discovery.calendars(self.dav, self.account.homes))
        except Refused as error:
            raise error.error from error

    def create_calendar(self, name: str) -> RemoteCalendar:
        """Called again with the same name it returns what the first call made."""
        url = urljoin(self.account.homes[0], f"{icalendar.name(f'{self.credentials.username}/{name}')}/")
        kinds = element("c:supported-calendar-component-set", element("c:comp", name="VEVENT"))
        body = element("c:mkcalendar", element("d:set", element("d:prop", element("d:displayname", text=name), kinds)))
        answer = self.dav.send("MKCALENDAR", url, body)
        found = next((one for one in self.calendars() if canonical(one.id) == canonical(url)), None)
        if found is None:
            raise problem(answer)
        return found

    def changes(self, calendar: str, cursor: str, window: Window) -> Iterator[Page]:
        try:
            found = listing(self.dav, calendar, cursor)
            paths = list(found.present)
            gone = tuple(Change(path, gone=True) for path in found.missing)
            for begin in range(0, len(paths), CHUNK):
                read = self._many(calendar, paths[begin : begin + CHUNK], dated=not found.full)
                yield Page(tuple(one for one in read if not found.full or concerns(one, window)), full=found.full)
            yield Page(gone, cursor=found.cursor, last=True, full=found.full)
        except Refused as error:
            raise error.error from error

    def _many(self, calendar: str, paths: Sequence[str], *, dated: bool = False) -> Iterator[Change]:
        """The resources by multiget, fewer at once where they are too much; one that is missing in the answer is asked for by itself: servers differ in how they say 404.
        `dated`: so are ours where the server does not say here when they changed."""
        rows = {}
        try:
            body = element("c:calendar-multiget", wanted("d:getetag", "d:getlastmodified", "c:calendar-data"), *hrefs(paths))
            rows = {row.path: row for row in self.dav.multistatus("REPORT", calendar, body, depth="1").rows}
        except Refused as error:
            if error.answer.status != 404:
                raise
        except TooLarge:
            if len(paths) == 1:
                raise
            for part in (paths[: len(paths) // 2], paths[len(paths) // 2 :]):
                yield from self._many(calendar, part, dated=dated)
            return
        for path in paths:
            row = rows.get(path)
            data = row.text("c:calendar-data") if row and row.status == 200 else ""
            known = (etag(row.text("d:getetag")), data.encode(), row.text("d:getlastmodified")) if row and data else None
            change = self._read(path, *known) if known else self.get(calendar, path)
            if dated and known and change and change.item and change.item.key and change.modified is None:
                change = self.get(calendar, path)
            if change:
                yield change

    def _read(self, path: str, tag: str, data: bytes, modified: str = "") -> Change | None:
        # Without an entity tag the content itself tells whether it changed.
        found = icalendar.change(path, tag or _digest(data), data, owner=self.owner or self.settings.get("address", ""), floating=self.floating)
        return replace(found, modified=_instant(modified)) if found else None

    def get(self, calendar: str, remote_id: str) -> Change:
        answer = self._get(calendar, remote_id)
        if answer.status in (404, 410):
            try:
                self.dav.propfind(calendar, "d:resourcetype")  # proof that it is the event that is gone, not the calendar
            except Refused as error:
                raise error.error from error
            return Change(remote_id, gone=True)
        return self._found(remote_id, answer)

    def _found(self, remote_id: str, answer: Answer) -> Change:
        tag, modified = etag(answer.headers.get("etag", "")), answer.headers.get("last-modified", "")
        return self._read(remote_id, tag, answer.body, modified) or Change(remote_id, problem="This is not an event.")

    def _get(self, calendar: str, path: str) -> Answer:
        answer = self.dav.request("GET", urljoin(calendar, path))
        if answer.status == 200 and not answer.body.lstrip(b"\xef\xbb\xbf\r\n\t ")[:15].upper().startswith(b"BEGIN:VCALENDAR"):
            raise Retry("The server's answer can't be read.")
        if answer.status not in (200, 404, 410):
            raise problem(answer)
        return answer

    def _path(self, calendar: str, key: str) -> str:
        return canonical(urljoin(calendar, f"{icalendar.name(key)}.ics"))

    def find(self, calendar: str, key: str, uid: str) -> Change | None:
        own = self.get(calendar, self._path(calendar, key))
        if own.item and own.item.key == key:
            return own
        found = self._of_uid(calendar, uid or f"{icalendar.name(key)}@kalends")
        return next((change for change in found if change.item and change.item.key == key), None)

    def copy_of(self, calendar: str, uid: str) -> Change | None:
        return next((change for change in self._of_uid(calendar, uid) if change.item and change.item.uid == uid), None)

    def _of_uid(self, calendar: str, uid: str) -> Iterator[Change]:
        wish = element("c:text-match", text=uid, collation="i;octet")
        named = element("c:comp-filter", element("c:prop-filter", wish, name="UID"), name="VEVENT")
        query = element("c:filter", element("c:comp-filter", named, name="VCALENDAR"))
        try:
            rows = self.dav.multistatus("REPORT", calendar, element("c:calendar-query", wanted("d:getetag"), query), depth="1").rows
        except Refused as error:
            raise error.error from error
        yield from self._many(calendar, [row.path for row in rows if row.status == 200])

    def create(self, calendar: str, item: Event, key: str) -> Receipt:
        """Looks first: not every server honours If-None-Match."""
        path = self._path(calendar, key)
        answer = self._get(calendar, path)
        there = self._found(path, answer) if answer.status == 200 else None
        if there and there.item and there.item.key == key:
            return _receipt(there)
        try:
            data = icalendar.body(item, key, self.owner)
        except ValueError as error:
            raise NeedsPerson("The event can't be written.", "Check the e-mail addresses in it.", code="rejected") from error
        try:
            answer = self._put(calendar, path, data, {"If-None-Match": "*"})
        except Retry:
            if found := self.find(calendar, key, item.uid):
                return _receipt(found)
            raise
        if answer.status in (409, 412) or condition(answer) in TAKEN:
            if found := self.find(calendar, key, item.uid):
                return _receipt(found)
            raise NeedsPerson("The server has another event of the same identity.", "Delete it there, then try again.", code="rejected")
        return self._written(calendar, path, answer, data)

    def _put(self, calendar: str, path: str, data: bytes, condition_: dict[str, str]) -> Answer:
        return self.dav.request("PUT", urljoin(calendar, path), headers=CALENDAR | condition_, content=data)

    def _written(self, calendar: str, path: str, answer: Answer, data: bytes) -> Receipt:
        if answer.status not in (200, 201, 204):
            raise problem(answer)
        tag = etag(answer.headers.get("etag", ""))
        sent = self._read(path, tag, data)
        if not tag:  # the server has rewritten what we sent
            return _receipt(self.get(calendar, path))
        return Receipt(path, uid=sent.item.uid if sent and sent.item else "", etag=tag)

    def update(self, calendar: str, remote_id: str, item: Event, fields: Collection[str], etag: str) -> Receipt:
        answer, tag = self._current(calendar, remote_id, etag)
        if answer is None:
            raise Changed("The event is gone.")
        try:
            data = icalendar.changed(answer.body, item, fields, self.owner)
        except IcalError as error:
            raise Changed(str(error)) from error
        except ValueError as error:
            raise NeedsPerson("The event can't be written.", "Check the e-mail addresses in it.", code="rejected") from error
        try:
            written = self._put(calendar, remote_id, data, _match(tag))
        except Retry:
            now = self.get(calendar, remote_id)
            if now.item and now.etag != tag and snapshot(now.item, fields) == snapshot(item, fields):
                return _receipt(now)
            raise
        if written.status in (404, 409, 410, 412):
            raise Changed("The event has changed meanwhile.")
        return self._written(calendar, remote_id, written, data)

    def delete(self, calendar: str, remote_id: str, etag: str) -> None:
        """Looks first: not every server honours If-Match on DELETE."""
        answer, tag = self._current(calendar, remote_id, etag)
        if answer is None:
            return
        try:
            done = self.dav.request("DELETE", urljoin(calendar, remote_id), headers=_match(tag if etag else ""))
        except Retry:
            if self.get(calendar, remote_id).gone:
                return
            raise
        if done.status == 412:
            if not self.get(calendar, remote_id).gone:
                raise Changed("The event has changed meanwhile.")
        elif done.status not in (200, 202, 204, 404, 410):
            raise problem(done)

    def _current(self, calendar: str, path: str, expected: str) -> tuple[Answer | None, str]:
        """What is there now, if it is what we expect, and its entity tag; None when it is gone. Raises Changed."""
        answer = self._get(calendar, path)
        if answer.status != 200:
            return None, ""
        tag = etag(answer.headers.get("etag", "")) or _digest(answer.body)
        if expected and tag != expected:
            raise Changed("The event has changed meanwhile.")
        return answer, tag

    def busy(self, calendars: Sequence[str], window: Window) -> list[tuple[datetime, datetime]]:
        found = (change for calendar in calendars for page in self.changes(calendar, "", window) for change in page.changes)
        return taken(found, window, zone=self.floating)

    def check(self) -> Iterator[Step]:
        return steps(self, self.dav.client, self.identity)


def _match(tag: str) -> dict[str, str]:
    return {"If-Match": tag} if tag.startswith('"') else {}


def _instant(text: str) -> datetime | None:
    """When the server last saw it change (RFC 9110 §8.8.2): clients don't all keep LAST-MODIFIED."""
    with suppress(ValueError, TypeError):
        return parsedate_to_datetime(text).astimezone(UTC)
    return None


def _digest(data: bytes) -> str:
    return "content:" + hashlib.sha256(data).hexdigest()[:32]


def _receipt(change: Change) -> Receipt:
    return Receipt(change.remote_id, uid=change.item.uid if change.item else "", etag=change.etag, item=change.item)
