"""Reads and writes the calendars of one Microsoft account over Graph."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.translation import gettext_noop as _

from booking.ical import IcalError
from integrations.contract import (
    Change,
    Changed,
    Create,
    CursorExpired,
    Delete,
    NeedsPerson,
    Op,
    Page,
    Receipt,
    RemoteCalendar,
    Retry,
    Step,
    Update,
    Window,
)
from integrations.items import Event, snapshot
from integrations.outlook import instances, mapping
from integrations.outlook.asking import HTML, PART, TEXT, Asking, Question, each, event, inside
from integrations.outlook.bridge import Bridge, Where
from integrations.outlook.errors import code, content, missing, problem, unreadable
from integrations.outlook.listening import ListeningProvider
from integrations.wire.diagnosis import steps
from integrations.wire.http import Answer, client_to
from integrations.wire.recurrence import merged
from integrations.wire.rounds import alone, together

PAGE = 200  # events to a page, if Graph agrees
MAX_PAGES = 5_000
TRIES = 3  # transaction ids for one key, each used up by a deletion
MARGIN = timedelta(days=30)  # a delta's window is frozen: it reaches so far beyond what is asked for that it lasts a month


class OutlookProvider(ListeningProvider):
    """Calendar ids are Graph's, remote ids its immutable ones. `settings["timezone"]` is the zone whose days an all-day event takes."""

    @cached_property
    def graph(self) -> Bridge:
        return Bridge(settings.GRAPH_ROOT, self.credentials.access_token, client_to(settings.GRAPH_ROOT))

    def identity(self) -> str:
        found = content(self._send("GET", lambda graph: graph.me, query={"$select": ["mail", "userPrincipalName"]}))
        return str(found.get("mail") or found.get("userPrincipalName") or "")

    def calendars(self) -> list[RemoteCalendar]:
        return [_calendar(row) for row in self._rows(lambda graph: graph.me.calendars)]

    def create_calendar(self, name: str) -> RemoteCalendar:
        """Called again with the same name it returns what the first call made."""
        answer = None
        if not (found := self._named(name)):
            answer = self._send("POST", lambda graph: graph.me.calendars, body={"name": name})
            if answer.status == 409:  # somebody was faster
                found = self._named(name)
        return found or _calendar(content(answer) if answer else {})

    def _named(self, name: str) -> RemoteCalendar | None:
        return next((one for one in self.calendars() if one.name == name and one.writable), None)

    def changes(self, calendar: str, cursor: str, window: Window) -> Iterator[Page]:
        """A series is read by itself as soon as anything of it is mentioned; what is said to be removed may only have left the window."""
        until, where = _where(cursor, window)
        query = {}
        if not cursor:
            until, where = window.end + MARGIN, inside(calendar, lambda place: place.calendar_view.delta)
            query = {"startDateTime": mapping.stamp(window.start), "endDateTime": mapping.stamp(until)}
        marks = {} if cursor else self._marks(calendar)
        unsure: dict[str, None] = {}
        masters: dict[str, dict[str, Any]] = {}
        link = ""
        for found in self._pages(where, query, expires=True):
            singles = []
            for row in found["value"]:
                row |= marks.get(row["id"], {})
                if "@removed" in row:
                    unsure |= {row["id"]: None} if cursor else {}
                elif row.get("seriesMasterId"):
                    unsure[row["seriesMasterId"]] = None
                elif row.get("type") == "seriesMaster":
                    masters[row["id"]] = row
                else:
                    singles.append(mapping.change(row))
            link = str(found.get("@odata.deltaLink") or "")
            yield Page(tuple(singles), full=not cursor)
        if not link:
            raise unreadable()
        wanted = [one for one in unsure if one not in masters]
        for changes in self._unsure(calendar, wanted, masters):
            yield Page(tuple(changes), full=not cursor)
        for changes in self._series(calendar, masters):
            yield Page(tuple(changes), full=not cursor)
        yield Page((), cursor=f"{mapping.stamp(until)} {link}", last=True, full=not cursor)

    def _marks(self, calendar: str) -> dict[str, dict[str, Any]]:
        """Our hidden properties by id: a delta leaves them out, and what a person has copied or dragged here has lost its transaction id."""
        try:
            rows = self._rows(inside(calendar, lambda place: place.events), {"$filter": mapping.MARKED, "$expand": mapping.OURS, "$select": ["id"]})
            return {row["id"]: {"singleValueExtendedProperties": row.get("singleValueExtendedProperties")} for row in rows}
        except NeedsPerson as error:
            if error.code == "rejected":  # a Graph that can't search so: the transaction id says it as well
                return {}
            raise

    def _unsure(self, calendar: str, wanted: list[str], masters: dict[str, dict[str, Any]]) -> Iterator[list[Change]]:
        """What is there by these ids. Series are put into `masters`, to be read whole."""
        known = set(wanted) | set(masters)
        while wanted:
            part, wanted = wanted[:PART], wanted[PART:]
            changes = []
            for remote_id, answer in self._batch(calendar, part, {"$expand": mapping.OURS}):
                if missing(answer):  # the calendar itself has just answered
                    changes.append(Change(remote_id, gone=True))
                    continue
                row = content(answer)
                if (master := row.get("seriesMasterId")) and master not in known:
                    known.add(master)
                    wanted.append(master)
                elif row.get("type") == "seriesMaster":
                    masters[row["id"]] = row
                elif not master:
                    changes.append(mapping.change(row))
            yield changes

    def _series(self, calendar: str, masters: dict[str, dict[str, Any]]) -> Iterator[list[Change]]:
        ids = list(masters)
        query = {"$select": ",".join(mapping.SERIES), "$expand": "exceptionOccurrences"}
        for begin in range(0, len(ids), PART):
            changes = []
            for remote_id, answer in self._batch(calendar, ids[begin : begin + PART], query):
                gone = missing(answer)
                changes.append(Change(remote_id, gone=True) if gone else mapping.change(masters[remote_id], content(answer)))
            yield changes

    def get(self, calendar: str, remote_id: str) -> Change:
        answer = self._look(calendar, remote_id, TEXT)
        if missing(answer):
            content(self._send("GET", inside(calendar), query={"$select": ["id"]}))  # proof that the calendar is there
            return Change(remote_id, gone=True)
        row = content(answer)
        if row.get("type") != "seriesMaster":
            return mapping.change(row)
        return next(change for changes in self._series(calendar, {row["id"]: row}) for change in changes)

    def _look(self, calendar: str, remote_id: str, prefer: str) -> Answer:
        return self._send("GET", event(calendar, remote_id), prefer=prefer, query={"$expand": mapping.OURS})

    def find(self, calendar: str, key: str, uid: str) -> Change | None:
        query = {"$filter": mapping.marked(key), "$expand": mapping.OURS}
        for row in self._rows(inside(calendar, lambda place: place.events), query):
            if mapping.key(row) == key and (found := self.get(calendar, row["id"])).item:
                return found
        return None

    def copy_of(self, calendar: str, uid: str) -> Change | None:
        """ "event resource type": iCalUId is the same for an event across calendars, ids are not."""
        query = {"$filter": mapping.identified(uid), "$expand": mapping.OURS}
        row = next(self._rows(inside(calendar, lambda place: place.events), query), None)
        return self.get(calendar, row["id"]) if row else None

    def create(self, calendar: str, item: Event, key: str) -> Receipt:
        """One request: the transaction id makes Graph answer a repeated one with what the first has made."""
        return alone(self._creating(calendar, item, key), self._each)

    def update(self, calendar: str, remote_id: str, item: Event, fields: Collection[str], etag: str) -> Receipt:
        return alone(self._updating(calendar, remote_id, item, fields, etag), self._each)

    def delete(self, calendar: str, remote_id: str, etag: str) -> None:
        alone(self._deleting(calendar, remote_id, etag), self._each)

    def many(self, calendar: str, ops: Sequence[Op]) -> Sequence[Receipt | Exception | None]:
        return together([self._writing(calendar, op) for op in ops], self._each)

    def _writing(self, calendar: str, op: Op) -> Asking[Receipt | None]:
        match op:
            case Create(item, key):
                return (yield from self._creating(calendar, item, key))
            case Update(remote_id, item, fields, etag):
                return (yield from self._updating(calendar, remote_id, item, fields, etag))
            case Delete(remote_id, etag):
                yield from self._deleting(calendar, remote_id, etag)
        return None

    def _creating(self, calendar: str, item: Event, key: str) -> Asking[Receipt]:
        body = _writable(lambda: mapping.body(item, key))
        for attempt in range(1, TRIES + 1):
            answer = yield Question("POST", calendar, body=body | {"transactionId": mapping.transaction(key, attempt)})
            if code(answer) != "ErrorDuplicateTransactionId":
                return self._dates(calendar, mapping.receipt(content(answer)), item)
            if found := self.find(calendar, key, item.uid):  # made before, with another content
                return Receipt(found.remote_id, found.item.uid if found.item else "", found.etag, found.modified, found.item)
            # Made before and deleted by somebody before we knew: Graph remembers the transaction longer than the event.
        raise NeedsPerson(_("Outlook has had this event before and does not take it again."), _("Enter it there by hand."), code="rejected")

    def _updating(self, calendar: str, remote_id: str, item: Event, fields: Collection[str], etag: str) -> Asking[Receipt]:
        body = _writable(lambda: mapping.body(item, groups=fields))
        if "recurrence" in body and "when" not in fields and (there := self.get(calendar, remote_id).item) and _rules(there) == _rules(item):
            del body["recurrence"]  # written anew it may lose its exceptions
            if not body:
                body = mapping.body(item, groups=["title"])
        if "attendees" in body or "body" in body:  # what others put in there is part of the same value
            now = yield Question("GET", calendar, remote_id, query={"$expand": mapping.OURS}, prefer=HTML)
            if missing(now):
                raise Changed(_("The event is gone."))
            row = content(now)
            if etag and row.get("@odata.etag") != etag:
                raise Changed(_("The event has changed meanwhile."))
            body, etag = mapping.merged(body, row, item), str(row.get("@odata.etag") or "")
            if not body:
                return mapping.receipt(row)
        answer = yield Question("PATCH", calendar, remote_id, etag=etag, body=body)
        if missing(answer):
            raise Changed(_("The event is gone."))
        return self._dates(calendar, mapping.receipt(content(answer)), item) if "recurrence" in fields else mapping.receipt(content(answer))

    def _dates(self, calendar: str, receipt: Receipt, item: Event) -> Receipt:
        """Of a series with the dates that are otherwise, which are written now."""
        if not item.recurrence:
            return receipt
        there = self._whole(calendar, receipt.remote_id)

        def listing(start: datetime, end: datetime) -> Iterator[dict[str, Any]]:
            query = {"startDateTime": mapping.stamp(start), "endDateTime": mapping.stamp(end), "$top": PAGE}
            return self._rows(inside(calendar, lambda place: place.events.by_event_id(receipt.remote_id).instances), query)

        def writing(remote_id: str, body: dict[str, Any] | None) -> None:
            answer = self._send("PATCH" if body else "DELETE", event(calendar, remote_id), body=body)
            if body or not (missing(answer) or 200 <= answer.status < 300):
                content(answer)

        if there.item and snapshot(there.item, ["recurrence"]) != snapshot(item, ["recurrence"]):
            instances.write(there.item, item, listing, writing)
            there = self._whole(calendar, receipt.remote_id)
        return Receipt(there.remote_id, receipt.uid, there.etag, there.modified, there.item)

    def _whole(self, calendar: str, remote_id: str) -> Change:
        found = self.get(calendar, remote_id)
        return replace(found, item=replace(found.item, exceptions=found.exceptions)) if found.item else found

    def _deleting(self, calendar: str, remote_id: str, etag: str) -> Asking[None]:
        answer = yield Question("DELETE", calendar, remote_id, etag=etag)
        if not missing(answer) and not 200 <= answer.status < 300:
            raise problem(answer)

    def busy(self, calendars: Sequence[str], window: Window) -> list[tuple[datetime, datetime]]:
        home = ZoneInfo(self.settings.get("timezone") or "UTC")
        query = {"startDateTime": mapping.stamp(window.start), "endDateTime": mapping.stamp(window.end), "$select": mapping.TIMES, "$top": PAGE}
        spans: list[tuple[datetime, datetime]] = []
        for calendar in calendars:
            for row in self._rows(inside(calendar, lambda place: place.calendar_view), query):
                try:
                    span = mapping.taken(row, home)
                except (ValueError, KeyError, TypeError, OverflowError, IcalError) as error:
                    raise unreadable() from error
                spans += [(max(span[0], window.start), min(span[1], window.end))] if span else []
        return merged(spans)

    def check(self) -> Iterator[Step]:
        return steps(self, self.graph.client, self.identity, at=settings.GRAPH_ROOT)

    def _each(self, questions: Sequence[Question]) -> list[Answer | Exception]:
        return each(self._send, questions)

    def _send(
        self,
        method: str,
        where: Where,
        *,
        query: Mapping[str, Any] | None = None,
        prefer: str = TEXT,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
    ) -> Answer:
        return self.graph.send(method, where, query=query, headers={"Prefer": prefer, **(headers or {})}, body=body)

    def _rows(self, where: Where, query: Mapping[str, Any] | None = None) -> Iterator[dict[str, Any]]:
        for found in self._pages(where, query or {}):
            yield from found["value"]

    def _pages(self, where: Where, query: Mapping[str, Any], *, expires: bool = False) -> Iterator[dict[str, Any]]:
        """Every page of a listing to its end; never a part as the whole. `expires`: its links may be void one day."""
        prefer = f"{TEXT}, odata.maxpagesize={PAGE}"
        for _page in range(MAX_PAGES):
            answer = self._send("GET", where, query=query, prefer=prefer)
            if expires and isinstance(where, str) and answer.status == 410:
                raise CursorExpired
            found = content(answer)
            if not isinstance(found.get("value"), list) or not all(isinstance(row, dict) and isinstance(row.get("id"), str) for row in found["value"]):
                raise unreadable()
            yield found
            where, query = found.get("@odata.nextLink") or "", {}
            if not where:
                return
        raise Retry(_("The server gives its list out in parts without end."))

    def _batch(self, calendar: str, ids: Sequence[str], query: Mapping[str, str]) -> Iterator[tuple[str, Answer]]:
        """GET of events by their ids."""
        for one, answer in zip(ids, self._each([Question("GET", calendar, one, query=query) for one in ids]), strict=True):
            if isinstance(answer, Exception):
                raise answer
            yield one, answer


def _calendar(row: dict[str, Any]) -> RemoteCalendar:
    return RemoteCalendar(row["id"], row.get("name") or "", bool(row.get("canEdit")), bool(row.get("isDefaultCalendar")), color=row.get("hexColor") or "")


def _where(cursor: str, window: Window) -> tuple[datetime, Where]:
    """How far a cursor reaches and the link in it. Raises CursorExpired where it isn't ours or ends before the window."""
    if not cursor:
        return window.end, ""
    reach, _, link = cursor.partition(" ")
    try:
        until = datetime.fromisoformat(reach).astimezone(UTC)
    except ValueError as error:
        raise CursorExpired from error
    if until < window.end or not link.startswith(f"{settings.GRAPH_ROOT.rstrip('/')}/"):
        raise CursorExpired
    return until, link


def _writable(make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    try:
        return make()
    except ValueError as error:
        raise NeedsPerson(_("The event can't be written."), _("Check its e-mail addresses, and how it repeats."), code="rejected") from error


def _rules(item: Event) -> Any:
    return (snapshot(item, ["recurrence"])["recurrence"] or {}).get("rules")
