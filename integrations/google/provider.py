"""Reads and writes the calendars of one Google account (Google Calendar API v3)."""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from integrations.contract import (
    Change,
    Changed,
    Create,
    CursorExpired,
    Delete,
    NeedsPerson,
    Op,
    Page,
    Provider,
    Receipt,
    RemoteCalendar,
    Retry,
    Step,
    Subscription,
    Update,
    Window,
)
from integrations.google import instances, mapping
from integrations.google.client import Google, Question, Row, root
from integrations.items import Event, snapshot
from integrations.wire.diagnosis import steps
from integrations.wire.http import Answer, client_to, problem
from integrations.wire.recurrence import concerns, merged
from integrations.wire.rounds import alone, together

CURSOR = "google:"  # before Google's sync token
ROWS = 2500  # to a page of events, the most Google gives
TRIES = 8  # ids for one key, each used up by a deletion
SPAN = timedelta(days=90)  # of one freeBusy query
CALENDARS = 50  # in one freeBusy query
WRITERS = ("owner", "writer")
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class GoogleProvider(Provider):
    """Remote ids are Google's event ids; a series is known by its master's. `settings["invites"]`: Google mails guests elsewhere about what changes for them."""

    @cached_property
    def google(self) -> Google:
        return Google(self.credentials)

    @cached_property
    def events(self) -> Any:
        return self.google.resource.events()

    def identity(self) -> str:
        """The id of the primary calendar is the account's address."""
        return str(self.google.ask(self.google.resource.calendarList().get(calendarId="primary")).get("id", ""))

    def calendars(self) -> list[RemoteCalendar]:
        listed = self.google.resource.calendarList()
        return [_calendar(row) for page in self._pages(listed.list, maxResults=250) for row in page["items"]]

    def create_calendar(self, name: str) -> RemoteCalendar:
        """Called again with the same name it returns what the first call made."""
        for one in self.calendars():
            if one.name == name and one.writable and not one.primary:
                return one
        body = {"summary": name} | ({"timeZone": self.settings["timezone"]} if self.settings.get("timezone") else {})
        return _calendar(self.google.ask(self.google.resource.calendars().insert(body=body)) | {"accessRole": "owner"})

    def _pages(self, make: Any, **wanted: Any) -> Iterator[Row]:
        """All pages of a listing; each has `items`. Anything else is a failure, never an empty list."""
        token = None
        while True:
            page = self.google.ask(make(pageToken=token, **wanted))
            yield _listed(page)
            token = page.get("nextPageToken")
            if not token:
                return

    def changes(self, calendar: str, cursor: str, window: Window) -> Iterator[Page]:
        """A first listing has no bounds: an exception outside them would be missing from its series inside, and later changes know no bounds."""
        token = cursor.removeprefix(CURSOR)
        if cursor and token == cursor:
            raise CursorExpired("The cursor is no longer known.")
        try:
            yield from self._changes(calendar, token, window)
        except CursorExpired as error:
            if token:
                raise
            raise Retry("The listing was interrupted.") from error

    def _changes(self, calendar: str, token: str, window: Window) -> Iterator[Page]:
        series: dict[str, list[Row]] = {}
        gone: set[str] = set()
        page: Row = {}
        for page in self._pages(self.events.list, calendarId=calendar, syncToken=token or None, maxResults=ROWS, singleEvents=False):
            found = []
            for row in page["items"]:
                if master := row.get("recurringEventId") or (row["id"] if row.get("recurrence") else ""):
                    series.setdefault(master, []).append(row)
                else:
                    found.append(mapping.change(row, zone=_zone(page)))
            gone |= {one.remote_id for one in found if one.gone}
            yield Page(tuple(one for one in found if token or concerns(one, window)), full=not token)
        if not page.get("nextSyncToken"):
            raise Retry("The server's answer can't be read.")
        if token:  # only what has changed of a series is told, and it is needed whole
            series = self._series(calendar, {master: rows for master, rows in series.items() if master not in gone})
        whole = [change for master, rows in series.items() for change in _whole(master, rows, _zone(page))]
        yield Page(tuple(change for change in whole if token or not change.gone), cursor=CURSOR + page["nextSyncToken"], last=True, full=not token)

    def _series(self, calendar: str, told: Mapping[str, list[Row]]) -> dict[str, list[Row]]:
        """Each of these series whole: all that shares its UID. Of one whose master can't be had, because only an instance of it is here, what was told."""
        uids = {master: str(row["iCalUID"]) for master, rows in told.items() for row in rows if row.get("iCalUID")}
        unknown = {master: self.events.get(calendarId=calendar, eventId=master) for master in told if master not in uids}
        found: dict[str, list[Row]] = {}
        for master, row in self.google.many(unknown, none_on=(404, 410)).items():
            if row is None or mapping.cancelled(row):
                found[master] = told[master] if row is None else [row]
            else:
                uids[master] = str(row["iCalUID"])
        asked = dict.fromkeys(uids, "")
        while asked:
            requests = {master: self._related(calendar, uids[master], token) for master, token in asked.items()}
            pages = {master: _listed(page or {}) for master, page in self.google.many(requests).items()}
            for master, page in pages.items():
                found.setdefault(master, []).extend(row for row in page["items"] if master in (row["id"], row.get("recurringEventId")))
            asked = {master: page["nextPageToken"] for master, page in pages.items() if page.get("nextPageToken")}
        # Whether a search by UID knows cancelled instances is nowhere promised; those just told of are known anyway.
        return {master: found[master] + [row for row in rows if mapping.cancelled(row)] for master, rows in told.items()}

    def _related(self, calendar: str, uid: str, token: str) -> Any:
        return self.events.list(calendarId=calendar, iCalUID=uid, pageToken=token or None, maxResults=ROWS, singleEvents=False)

    def get(self, calendar: str, remote_id: str) -> Change:
        row = self._row(calendar, remote_id)
        if row is None:
            self.google.ask(self.google.resource.calendars().get(calendarId=calendar))  # proof that it is the event that is gone, not the calendar
            return Change(remote_id, gone=True)
        return self._change(calendar, row)

    def _row(self, calendar: str, remote_id: str) -> Row | None:
        one = self._looking(calendar, remote_id)
        return self.google.call(one.request, none_on=one.none_on)

    def _looking(self, calendar: str, remote_id: str) -> Question:
        return Question(self.events.get(calendarId=calendar, eventId=remote_id), none_on=(404, 410))

    def _change(self, calendar: str, row: Row) -> Change:
        if not row.get("recurrence") or mapping.cancelled(row):
            return mapping.change(row)
        rows = self._series(calendar, {row["id"]: [row]})[row["id"]]
        return _whole(row["id"], [*rows, row], "UTC")[0]

    def find(self, calendar: str, key: str, uid: str) -> Change | None:
        """By its id first: a search may not yet know what has just been written."""
        row = self._row(calendar, mapping.event_id(key))
        if row and _ours(row, key):
            return self._change(calendar, row)
        marker = f"{mapping.KEY}={key}"
        for page in self._pages(self.events.list, calendarId=calendar, privateExtendedProperty=marker, singleEvents=False):
            for row in page["items"]:
                if _ours(row, key) and "recurringEventId" not in row:
                    return self._change(calendar, row)
        return None

    def copy_of(self, calendar: str, uid: str) -> Change | None:
        """ "Events: get": an event is found by its iCalendar UID by listing with it."""
        for page in self._pages(self.events.list, calendarId=calendar, iCalUID=uid, singleEvents=False):
            for row in page["items"]:
                if not mapping.cancelled(row) and "recurringEventId" not in row:
                    return self._change(calendar, row)
        return None

    def create(self, calendar: str, item: Event, key: str) -> Receipt:
        return alone(self._creating(calendar, item, key), self.google.each)

    def update(self, calendar: str, remote_id: str, item: Event, fields: Collection[str], etag: str) -> Receipt:
        return alone(self._updating(calendar, remote_id, item, fields, etag), self.google.each)

    def delete(self, calendar: str, remote_id: str, etag: str) -> None:
        alone(self._deleting(calendar, remote_id, etag), self.google.each)

    def many(self, calendar: str, ops: Sequence[Op]) -> Sequence[Receipt | Exception | None]:
        """An envelope counts as one request, each of its parts against the quota."""
        return together([self._writing(calendar, op) for op in ops], self.google.each)

    def _writing(self, calendar: str, op: Op) -> Generator[Question, Row | None, Receipt | None]:
        match op:
            case Create(item, key):
                return (yield from self._creating(calendar, item, key))
            case Update(remote_id, item, fields, etag):
                return (yield from self._updating(calendar, remote_id, item, fields, etag))
            case Delete(remote_id, etag):
                yield from self._deleting(calendar, remote_id, etag)
        return None

    def _creating(self, calendar: str, item: Event, key: str) -> Generator[Question, Row | None, Receipt]:
        body = mapping.body(item, key)
        for number in range(TRIES):
            made = body | {"id": mapping.event_id(key, number)}
            row = yield Question(self.events.insert(calendarId=calendar, body=made, sendUpdates=self._mails(item.attendees)), none_on=(409,))
            row = row or (yield self._looking(calendar, made["id"]))
            if row and _ours(row, key):
                return self._whole_receipt(calendar, row, item)
        raise NeedsPerson("Google does not take this event.", "It was deleted there too often; delete it here, then enter it anew.", code="rejected")

    def _updating(self, calendar: str, remote_id: str, item: Event, fields: Collection[str], etag: str) -> Generator[Question, Row | None, Receipt]:
        before = None
        if {"attendees", "recurrence"} & set(fields) or not etag:  # a deleted event would come back to life by a patch without its etag
            before = yield self._looking(calendar, remote_id)
            if before is None or mapping.cancelled(before) or (etag and before["etag"] != etag):
                raise Changed("The event has changed meanwhile.")
        body = mapping.fields(item, fields, before)
        mails = self._mails(item.attendees if {"when", "location"} & set(fields) or _comes_or_goes(body, before or {}) else ())
        request = self.events.patch(calendarId=calendar, eventId=remote_id, body=body, sendUpdates=mails)
        row = yield Question(request, etag=etag or str((before or {})["etag"]), none_on=(404, 410))
        if row is None or mapping.cancelled(row):
            raise Changed("The event is gone.")
        return self._whole_receipt(calendar, row, item) if "recurrence" in fields else _receipt(row)

    def _whole_receipt(self, calendar: str, row: Row, item: Event) -> Receipt:
        """Of a series with the dates that are otherwise, which are written now."""
        if not row.get("recurrence"):
            return _receipt(row)
        there = self._change(calendar, row)
        if snapshot(_with_exceptions(there), ["recurrence"]) != snapshot(item, ["recurrence"]):
            instances.write(self.google, calendar, row, self._series(calendar, {row["id"]: [row]})[row["id"]], item, self._mails)
            there = self.get(calendar, row["id"])
        return Receipt(there.remote_id, str(row.get("iCalUID", "")), there.etag, there.modified, _with_exceptions(there))

    def _deleting(self, calendar: str, remote_id: str, etag: str) -> Generator[Question, Row | None, None]:
        request = self.events.delete(calendarId=calendar, eventId=remote_id, sendUpdates=self._mails(True))
        try:
            yield Question(request, etag=etag, none_on=(404, 410))
        except Changed:
            row = yield self._looking(calendar, remote_id)
            if row and not mapping.cancelled(row):
                raise

    def _mails(self, concerned: object) -> str:
        """Said at each write, for Google's own default is no promise. Guests with a Google calendar find the event there without a mail; a repair tells nobody."""
        return "externalOnly" if concerned and self.settings.get("invites") else "none"

    def busy(self, calendars: Sequence[str], window: Window) -> list[tuple[datetime, datetime]]:
        """Google's own free/busy answer, asked for in one envelope."""
        queries: dict[str, Any] = {}
        groups: dict[str, list[str]] = {}
        for begin in range(0, len(calendars), CALENDARS):
            start, until = window.start.astimezone(UTC), window.end.astimezone(UTC)  # hours, not wall time: clocks change within the span
            while start < until:
                end = min(start + SPAN, until)
                number, group = str(len(queries)), list(calendars[begin : begin + CALENDARS])
                body = {"timeMin": start.isoformat(), "timeMax": end.isoformat(), "items": [{"id": one} for one in group]}
                queries[number], groups[number] = self.google.resource.freebusy().query(body=body), group
                start = end
        answers = self.google.many(queries)
        return merged(span for number, answer in answers.items() for span in _spans(answer or {}, groups[number]))

    def subscribe(self, calendar: str, address: str, token: str, life: timedelta) -> Subscription:
        wanted: Row = {"id": uuid4().hex, "type": "web_hook", "address": address, "token": token, "params": {"ttl": str(int(life.total_seconds()))}}
        row = self.google.ask(self.events.watch(calendarId=calendar, body=wanted))
        try:
            return Subscription(wanted["id"], row["resourceId"], datetime.fromtimestamp(int(row["expiration"]) / 1000, UTC))
        except (KeyError, ValueError) as error:
            raise Retry("The server's answer can't be read.") from error

    def unsubscribe(self, subscription: Subscription) -> None:
        body = {"id": subscription.id, "resourceId": subscription.resource}
        self.google.call(self.google.resource.channels().stop(body=body), none_on=(404, 410))

    def revoke(self) -> None:
        """Ends the whole grant, whichever of its tokens is named. A token that is no longer valid is what we want."""
        try:
            token = self.credentials.secret("refresh_token")
        except NeedsPerson:
            token = self.credentials.access_token()
        address = root("GOOGLE_OAUTH_ROOT")
        with client_to(address) as client:
            answer = client.request("POST", f"{address}/revoke", headers=FORM, content=urlencode({"token": token}).encode())
        if answer.status not in (200, 400):
            raise problem(answer)

    def check(self) -> Iterator[Step]:
        return steps(self, self.google.transport.client, self.identity, at=self.google.address)


def _listed(page: Row) -> Row:
    items = page.get("items")
    if not isinstance(items, list) or not all(isinstance(row, dict) and isinstance(row.get("id"), str) for row in items):
        raise Retry("The server's answer can't be read.")
    return page


def _zone(page: Row) -> str:
    return str(page.get("timeZone") or "UTC")


def _calendar(row: Row) -> RemoteCalendar:
    name = str(row.get("summaryOverride") or row.get("summary") or row["id"])
    zone, color = str(row.get("timeZone", "")), str(row.get("backgroundColor", ""))
    return RemoteCalendar(str(row["id"]), name, row.get("accessRole") in WRITERS, bool(row.get("primary")), zone, color)


def _whole(master: str, rows: Sequence[Row], zone: str) -> list[Change]:
    """A series as one change. Instances that are here without their series are each known by their own id."""
    unique = {row["id"]: row for row in reversed(rows)}
    head = unique.pop(master, None)
    if head is None:
        return [mapping.change(row, zone=zone) for row in unique.values()]
    return [mapping.change(head, list(unique.values()), zone)]


def _ours(row: Row, key: str) -> bool:
    return not mapping.cancelled(row) and mapping.private_of(row).get(mapping.KEY) == key


def _receipt(row: Row) -> Receipt:
    read = mapping.change(row)
    return Receipt(read.remote_id, str(row.get("iCalUID", "")), read.etag, read.modified, read.item)


def _with_exceptions(change: Change) -> Event:
    if change.item is None:
        raise Retry("The server's answer can't be read.")
    return replace(change.item, exceptions=change.exceptions)


def _spans(answer: Row, asked: Collection[str]) -> Iterator[tuple[datetime, datetime]]:
    """A calendar that Google can't tell about is a failure, never free."""
    told = answer.get("calendars") or {}
    for calendar in asked:
        errors = {one.get("reason") for one in told.get(calendar, {"errors": [{}]}).get("errors", ())}
        if "notFound" in errors:
            raise problem(Answer(404, {}, b"", ""))
        if errors:
            raise Retry("The server's answer can't be read.")
        for one in told[calendar].get("busy", ()):
            yield datetime.fromisoformat(one["start"]).astimezone(UTC), datetime.fromisoformat(one["end"]).astimezone(UTC)


def _comes_or_goes(body: Row, before: Row) -> bool:
    """Whether a patch changes who is invited: the same guests written again, as after a new connection, need not be told."""
    then, now = ({str(one.get("email", "")).lower() for one in row.get("attendees", ())} for row in (before, body))
    return "attendees" in body and then != now
