"""Reads and writes the calendars of one Microsoft account over Graph."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.translation import gettext_noop as _

from booking.ical import IcalError
from integrations.contract import Change, Changed, CursorExpired, NeedsPerson, Page, Provider, Receipt, RemoteCalendar, Retry, Step, Subscription, Window
from integrations.items import Event
from integrations.outlook import mapping
from integrations.outlook.bridge import Bridge, Where
from integrations.outlook.errors import code, content, missing, problem, unreadable
from integrations.wire.diagnosis import steps
from integrations.wire.http import Answer, client, retry_after
from integrations.wire.recurrence import merged

PART = 20  # requests in a $batch
PAGE = 200  # events to a page, if Graph agrees
MAX_PAGES = 5_000
REPEATS = 3  # of the parts of a $batch that Graph was too busy for, and of a creation under a transaction id that is spent
MARGIN = timedelta(days=30)  # a delta's window is frozen: it reaches so far beyond what is asked for that it lasts a month
LIVES = (timedelta(minutes=10_070), timedelta(minutes=4_230))  # of a subscription: what the service allows, and what its description says
UTC_TIMES = 'IdType="ImmutableId", outlook.timezone="UTC"'
TEXT, HTML = (f'{UTC_TIMES}, outlook.body-content-type="{kind}"' for kind in ("text", "html"))


class OutlookProvider(Provider):
    """Calendar ids are Graph's, remote ids its immutable ones. `settings["timezone"]` is the zone whose days an all-day event takes."""

    @cached_property
    def graph(self) -> Bridge:
        return Bridge(settings.GRAPH_ROOT, self.credentials.access_token, client())

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
            until, where = window.end + MARGIN, _in(calendar, lambda place: place.calendar_view.delta)
            query = {"startDateTime": _stamp(window.start), "endDateTime": _stamp(until)}
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
        yield Page((), cursor=f"{_stamp(until)} {link}", last=True, full=not cursor)

    def _marks(self, calendar: str) -> dict[str, dict[str, Any]]:
        """Our hidden properties by id: a delta leaves them out, and what a person has copied or dragged here has lost its transaction id."""
        try:
            rows = self._rows(_in(calendar, lambda place: place.events), {"$filter": mapping.MARKED, "$expand": mapping.OURS, "$select": ["id"]})
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
            content(self._send("GET", _in(calendar), query={"$select": ["id"]}))  # proof that the calendar is there
            return Change(remote_id, gone=True)
        row = content(answer)
        if row.get("type") != "seriesMaster":
            return mapping.change(row)
        return next(change for changes in self._series(calendar, {row["id"]: row}) for change in changes)

    def _look(self, calendar: str, remote_id: str, prefer: str) -> Answer:
        return self._send("GET", _event(calendar, remote_id), prefer=prefer, query={"$expand": mapping.OURS})

    def find(self, calendar: str, key: str, uid: str) -> Change | None:
        query = {"$filter": mapping.marked(key), "$expand": mapping.OURS}
        for row in self._rows(_in(calendar, lambda place: place.events), query):
            if mapping.key(row) == key and (found := self.get(calendar, row["id"])).item:
                return found
        return None

    def create(self, calendar: str, item: Event, key: str) -> Receipt:
        """One request: the transaction id makes Graph answer a repeated one with what the first has made."""
        body = _writable(lambda: mapping.body(item, key))
        for attempt in range(1, REPEATS + 1):
            answer = self._send("POST", _in(calendar, lambda place: place.events), body=body | {"transactionId": mapping.transaction(key, attempt)})
            if code(answer) != "ErrorDuplicateTransactionId":
                return mapping.receipt(content(answer))
            if found := self.find(calendar, key, item.uid):  # made before, with another content
                return Receipt(found.remote_id, found.item.uid if found.item else "", found.etag, found.modified, found.item)
            # Made before and deleted by somebody before we knew: Graph remembers the transaction longer than the event.
        raise NeedsPerson(_("Outlook has had this event before and does not take it again."), _("Enter it there by hand."), code="rejected")

    def update(self, calendar: str, remote_id: str, item: Event, fields: Collection[str], etag: str) -> Receipt:
        body = _writable(lambda: mapping.body(item, groups=fields))
        if "attendees" in body or "body" in body:  # what others put in there is part of the same value
            now = self._look(calendar, remote_id, HTML)
            if missing(now):
                raise Changed(_("The event is gone."))
            row = content(now)
            if etag and row.get("@odata.etag") != etag:
                raise Changed(_("The event has changed meanwhile."))
            body, etag = mapping.merged(body, row, item), str(row.get("@odata.etag") or "")
            if not body:
                return mapping.receipt(row)
        answer = self._send("PATCH", _event(calendar, remote_id), body=body, headers={"If-Match": etag} if etag else {})
        if missing(answer):
            raise Changed(_("The event is gone."))
        return mapping.receipt(content(answer))

    def delete(self, calendar: str, remote_id: str, etag: str) -> None:
        answer = self._send("DELETE", _event(calendar, remote_id), headers={"If-Match": etag} if etag else {})
        if not missing(answer) and not 200 <= answer.status < 300:
            raise problem(answer)

    def busy(self, calendars: Sequence[str], window: Window) -> list[tuple[datetime, datetime]]:
        home = ZoneInfo(self.settings.get("timezone") or "UTC")
        query = {"startDateTime": _stamp(window.start), "endDateTime": _stamp(window.end), "$select": mapping.TIMES, "$top": PAGE}
        spans: list[tuple[datetime, datetime]] = []
        for calendar in calendars:
            for row in self._rows(_in(calendar, lambda place: place.calendar_view), query):
                try:
                    span = mapping.taken(row, home)
                except (ValueError, KeyError, TypeError, IcalError) as error:
                    raise unreadable() from error
                spans += [(max(span[0], window.start), min(span[1], window.end))] if span else []
        return merged(spans)

    def subscribe(self, calendar: str, address: str, token: str, life: timedelta) -> Subscription:
        """Graph asks `address` at once whether it may (see webhook.greeting). Some of its clouds allow less time than others."""
        for longest in LIVES:
            until = datetime.now(UTC) + min(life, longest)
            wanted = {"changeType": "created,updated,deleted", "resource": f"me/calendars/{quote(calendar, safe='')}/events", "clientState": token}
            wanted |= {"notificationUrl": address, "lifecycleNotificationUrl": address, "expirationDateTime": _stamp(until)}
            answer = self._send("POST", lambda graph: graph.subscriptions, body=wanted)
            if answer.status != 400 or life <= LIVES[-1]:
                break
        row = content(answer)
        try:
            return Subscription(str(row["id"]), str(row["resource"]), datetime.fromisoformat(row["expirationDateTime"]).astimezone(UTC))
        except (KeyError, TypeError, ValueError) as error:
            raise unreadable() from error

    def unsubscribe(self, subscription: Subscription) -> None:
        answer = self._send("DELETE", lambda graph: graph.subscriptions.by_subscription_id(subscription.id))
        if not missing(answer) and not 200 <= answer.status < 300:
            raise problem(answer)

    def check(self) -> Iterator[Step]:
        return steps(self, self.graph.client, self.identity, at=settings.GRAPH_ROOT)

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

    def _batch(self, calendar: str, ids: Iterable[str], query: Mapping[str, str]) -> Iterator[tuple[str, Answer]]:
        """GET of up to PART events in one request, which the SDK's own batch can't do for another root. Parts that were refused as too many are asked again."""
        home, wanted = f"/me/calendars/{quote(calendar, safe='')}/events/", dict(enumerate(ids))
        for attempt in range(REPEATS):
            if not wanted:
                return
            parts = [
                {"id": str(number), "method": "GET", "url": f"{home}{quote(one, safe='')}?{urlencode(query, quote_via=quote)}", "headers": {"Prefer": TEXT}}
                for number, one in wanted.items()
            ]
            answers = _parts(content(self._send("POST", "/$batch", body={"requests": parts})))
            waits = [answer for answer in answers.values() if answer.status in (429, 503)]
            for number, answer in answers.items():
                if number in wanted and answer not in waits:
                    yield wanted.pop(number), answer
            if wanted and (attempt == REPEATS - 1 or len(waits) != len(wanted) or any(one.headers.get("retry-after", "0") != "0" for one in waits)):
                after = [retry_after(one.headers.get("retry-after", ""), datetime.now(UTC)) or 0 for one in waits]
                raise Retry(_("The server is busy or out of order."), max(after, default=0) or None)


def _in(calendar: str, where: Callable[[Any], Any] = lambda place: place) -> Where:
    """The SDK's request builder for something in a calendar."""
    return lambda graph: where(graph.me.calendars.by_calendar_id(calendar))


def _event(calendar: str, remote_id: str) -> Where:
    return _in(calendar, lambda place: place.events.by_event_id(remote_id))


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


def _parts(found: dict[str, Any]) -> dict[int, Answer]:
    """The answers of a $batch by the number of their request, in whatever order they came."""
    try:
        return {
            int(one["id"]): Answer(
                int(one["status"]), {name.lower(): str(value) for name, value in (one.get("headers") or {}).items()}, json.dumps(one.get("body")).encode(), ""
            )
            for one in found["responses"]
        }
    except (KeyError, TypeError, ValueError) as error:
        raise unreadable() from error


def _writable(make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    try:
        return make()
    except ValueError as error:
        raise NeedsPerson(_("The event can't be written."), _("Check its e-mail addresses, and how it repeats."), code="rejected") from error


def _stamp(value: datetime) -> str:
    return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
