"""What Microsoft Graph v1.0 answers to one account about its calendars: what Graph's description does not allow it refuses."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, unquote, urlencode

from integrations.testing.servers.graph_guests import answer
from integrations.testing.servers.graph_mailbox import Mailbox, Stored
from integrations.testing.servers.graph_rows import Prefer, lookup, meeting, named, shown, thin
from integrations.testing.servers.graph_rules import Refusal
from integrations.testing.servers.graph_subscriptions import Subscriptions

LONGEST = timedelta(days=1825)
ROUNDS = 5000  # places in deltas that are remembered
MARKED = re.compile(r"singleValueExtendedProperties/any\(\s*ep:\s*ep/id eq '((?:[^']|'')+)' and ep/value (?:ne null|eq '((?:[^']|'')*)')\s*\)", re.IGNORECASE)
IDENTIFIED = re.compile(r"iCalUId eq '((?:[^']|'')+)'")
OPTIONS: dict[str, set[str]] = {
    "events": {"$filter", "$expand", "$select", "$top", "$skip"}, "view": {"startDateTime", "endDateTime", "$expand", "$select", "$top", "$skip"}, "event": {"$expand", "$select"},
    "delta": {"startDateTime", "endDateTime", "$deltatoken", "$skiptoken"}, "other": {"$select", "$top", "$skip"},
}  # fmt: skip


@dataclass
class Round:
    """Where a token of a delta stands: `rows` still to be given out, then the log is read from `position`."""

    calendar: str
    start: datetime
    end: datetime
    position: int
    rows: list[tuple[str, Stored | None]] | None = None


class Habits:
    """How a server answers all its accounts. `mailbox_off`: they have none. `tokens` of the deltas it has begun."""

    def __init__(self, page_size: int) -> None:
        self.page_size, self.address, self.mailbox_off = page_size, "", False
        self.tokens: dict[str, Round] = {}


class Calls:
    """The calls for one account."""

    def __init__(self, mailbox: Mailbox, subscriptions: Subscriptions, habits: Habits) -> None:
        self.mailbox, self.subscriptions, self.habits = mailbox, subscriptions, habits

    def answer(self, method: str, path: str, raw: str, query: dict[str, str], headers: Mapping[str, str], given: Any) -> Any:
        """`path` decoded, `raw` as it came. Raises Refusal."""
        prefer = Prefer.read(headers.get("prefer", ""))
        if self.habits.mailbox_off:
            raise Refusal(404, "MailboxNotEnabledForRESTAPI", "The mailbox is either inactive, soft-deleted, or is hosted on-premise.")
        parts = [unquote(part) for part in raw.removeprefix("/v1.0/me/calendars").split("/")[1:]] if raw.startswith("/v1.0/me/calendars") else None
        if raw.startswith("/v1.0/subscriptions"):
            return self.subscriptions.answer(method, unquote(raw.removeprefix("/v1.0/subscriptions").strip("/")), given, self.mailbox.calendars)
        match method, parts:
            case "GET", []:
                return self._paged(raw, _known(query, "other"), prefer, [one.shown() for one in self.mailbox.calendars.values()])
            case "POST", []:
                return self.mailbox.create_calendar(given)
            case "GET", [calendar]:
                return self.mailbox.calendar(calendar).shown()
            case "GET", [calendar, "events"]:
                return self._events(raw, calendar, _known(query, "events"), prefer)
            case "POST", [calendar, "events"]:
                stored = self.mailbox.create(calendar, given)
                meeting(stored)
                return self._shown(stored, prefer)
            case "GET", [calendar, "events", remote_id]:
                return self._shown(self.mailbox.find(calendar, lookup(remote_id)), prefer, _known(query, "event"))
            case "PATCH", [calendar, "events", remote_id]:
                stored = self.mailbox.update(calendar, lookup(remote_id), given, headers.get("if-match", ""))
                meeting(stored)
                return self._shown(stored, prefer)
            case "DELETE", [calendar, "events", remote_id]:
                return self.mailbox.delete(calendar, lookup(remote_id), headers.get("if-match", ""))
            case "POST", [calendar, "events", remote_id, "accept" | "tentativelyAccept" | "decline" as verb]:
                return answer(self.mailbox, self.mailbox.find(calendar, lookup(remote_id)), verb)
            case "GET", [calendar, "events", remote_id, "instances"]:
                start, end = _window(_known(query, "view"))
                stored = self.mailbox.find(calendar, lookup(remote_id))
                return self._paged(raw, query, prefer, [self._shown(one, prefer, query) for one in self.mailbox.inside(stored, start, end)])
            case "GET", [calendar, "calendarView"]:
                start, end = _window(_known(query, "view"))
                self.mailbox.calendar(calendar)
                found = [one for _, some in self.mailbox.within(calendar, start, end) for one in some]
                return self._paged(raw, query, prefer, [self._shown(one, prefer, query) for one in found])
            case "GET", [calendar, "calendarView", "delta" | "delta()"]:
                return self._delta(raw, calendar, query, prefer)
        raise Refusal(400, "BadRequest", f"Resource not found for the segment '{path.rpartition('/')[2]}'.")

    def _shown(self, stored: Stored, prefer: Prefer, query: Mapping[str, str] | None = None) -> dict[str, Any]:
        query = query or {}
        return shown(self.mailbox, stored, prefer, select=query.get("$select", ""), expand=query.get("$expand", ""), owner=self.mailbox.address)

    def _events(self, raw: str, calendar: str, query: dict[str, str], prefer: Prefer) -> dict[str, Any]:
        self.mailbox.calendar(calendar)
        found = [one for one in self.mailbox.events.values() if one.calendar == calendar]
        if known := IDENTIFIED.fullmatch(query.get("$filter", "")):
            found = [one for one in found if one.uid == known[1].replace("''", "'")]
        elif "$filter" in query:
            wish = MARKED.fullmatch(query["$filter"].strip())
            if not wish:
                raise Refusal(400, "ErrorInvalidUrlQueryFilter", "The query filter contains one or more invalid nodes.")
            name, value = (part and part.replace("''", "'") for part in (wish[1], wish[2] and wish[2].lower()))
            # "Get singleValueLegacyExtendedProperty": of all the mailbox, the value compared without regard to case.
            found = [one for one in self.mailbox.events.values() if name in one.own and value in (None, one.own[name].lower())]
        return self._paged(raw, query, prefer, [self._shown(one, prefer, query) for one in found])

    def _paged(self, raw: str, query: dict[str, str], prefer: Prefer, rows: list[dict[str, Any]]) -> dict[str, Any]:
        begin, size = int(query.get("$skip", "0")), self._size(int(query.get("$top", "0")) or prefer.page)
        found: dict[str, Any] = {"value": rows[begin : begin + size]}
        if begin + size < len(rows):
            found["@odata.nextLink"] = f"{self.habits.address}{raw}?{urlencode(query | {'$skip': begin + size}, quote_via=quote)}"
        return found

    def _size(self, wanted: int) -> int:
        return min(wanted or self.habits.page_size, self.habits.page_size)

    def _delta(self, raw: str, calendar: str, query: dict[str, str], prefer: Prefer) -> dict[str, Any]:
        """ "event: delta" and "Get incremental changes to events in a calendar view": the window is frozen in the token, the links are opaque."""
        place = self.mailbox.calendar(calendar)
        if token := query.get("$deltatoken") or query.get("$skiptoken"):
            if token not in self.habits.tokens or self.habits.tokens[token].calendar != calendar:
                first = f"{self.habits.address}{raw}?startDateTime=2031-01-01T00:00:00Z"
                raise Refusal(410, "SyncStateNotFound", "The sync state generation is not found; perform a full sync.", {"Location": first})
            now = self.habits.tokens[token]
        else:
            start, end = _window(_known(query, "delta"))
            if end - start > LONGEST:
                raise Refusal(400, "ErrorInvalidRequest", "The range is too long.")
            now = Round(calendar, start, end, len(place.log), [(one.id, one) for one, _ in self.mailbox.within(calendar, start, end)])
        rows, position = now.rows, now.position
        if rows is None:
            rows, position = [(one, self.mailbox.events.get(one)) for one in reversed(dict.fromkeys(reversed(place.log[position:])))], len(place.log)
        written = [row for one, stored in rows for row in self._news(one, stored, now, prefer)] if rows and not isinstance(rows[0], dict) else rows
        size = self._size(prefer.page)
        found: dict[str, Any] = {"value": written[:size]}
        more = written[size:]
        after, kind = f"t{len(self.habits.tokens)}{random.getrandbits(64):x}", "$skiptoken" if more else "$deltatoken"
        for old in list(self.habits.tokens)[:-ROUNDS]:
            del self.habits.tokens[old]
        self.habits.tokens[after] = Round(calendar, now.start, now.end, position, more or None)  # type: ignore[arg-type]
        found["@odata.nextLink" if more else "@odata.deltaLink"] = f"{self.habits.address}{raw}?{kind}={after}"
        return found

    def _news(self, remote_id: str, stored: Stored | None, now: Round, prefer: Prefer) -> Iterator[dict[str, Any]]:
        """The rows for one event: outside the window, or in another calendar, it is said to be removed, whatever became of it."""
        inside = self.mailbox.inside(stored, now.start, now.end) if stored and stored.calendar == now.calendar else []
        if stored is None or not inside:
            yield {"@odata.type": "#microsoft.graph.event", "id": named(remote_id, prefer), "@removed": {"reason": "deleted"}}
            return
        yield self._shown(stored, prefer)
        for one in inside if stored.repeats else []:
            changed = one.day in stored.changed
            yield self._shown(one, prefer) if changed else thin(one, prefer)


def _known(query: dict[str, str], kind: str) -> dict[str, str]:
    unknown = query.keys() - OPTIONS[kind]
    if unknown:
        raise Refusal(400, "ErrorInvalidUrlQuery", f"The query option {min(unknown)} is not supported here.")
    return query


def _window(query: Mapping[str, str]) -> tuple[datetime, datetime]:
    try:
        found = [datetime.fromisoformat(query[name]) for name in ("startDateTime", "endDateTime")]
    except (KeyError, ValueError):
        raise Refusal(400, "ErrorInvalidParameter", "This request requires a time window.") from None
    start, end = (one.replace(tzinfo=one.tzinfo or UTC) for one in found)
    return start, end
