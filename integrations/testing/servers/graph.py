"""A server that speaks the calendar part of Microsoft Graph v1.0 on the loopback: what Graph's description does not allow it refuses, and it can be made to fail."""

from __future__ import annotations

import json
import random
import re
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from integrations.testing.servers.graph_faults import FaultPlan
from integrations.testing.servers.graph_mailbox import Mailbox, Stored
from integrations.testing.servers.graph_rows import Prefer, lookup, meeting, named, shown, thin
from integrations.testing.servers.graph_rules import Refusal
from integrations.testing.servers.graph_subscriptions import Subscriptions

LONGEST = timedelta(days=1825)
MARKED = re.compile(r"singleValueExtendedProperties/any\(\s*ep:\s*ep/id eq '((?:[^']|'')+)' and ep/value (?:ne null|eq '((?:[^']|'')*)')\s*\)", re.IGNORECASE)
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


@dataclass
class GraphServer:
    """`address` is what GRAPH_ROOT is set to. `calls`: (method, path, status), parts of a batch as "part GET". `mailbox_off`: the account has none."""

    address: str = ""
    token: str = "token-of-the-account"
    owner: str = "employee@example.com"
    page_size: int = 2
    mailbox_off: bool = False
    faults: FaultPlan = field(default_factory=FaultPlan)
    calls: list[tuple[str, str, int]] = field(default_factory=list)
    tokens: dict[str, Round] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        self.mailbox, self.subscriptions = Mailbox(self.owner), Subscriptions()
        self.mailbox.told = self.subscriptions.tell

    def forget_tokens(self) -> None:
        self.tokens = {}

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> tuple[int, dict[str, str], Any]:
        """Status, headers and object of the answer to one request or one part of a batch; `headers` in lower case."""
        url = urlsplit(target)
        try:
            if headers.get("authorization") != f"Bearer {self.token}":
                raise Refusal(401, "InvalidAuthenticationToken", "Access token is empty.", {"WWW-Authenticate": 'Bearer realm=""'})
            try:
                given = json.loads(body) if body else None
            except ValueError:
                raise Refusal(400, "BadRequest", "Unable to read JSON request payload.") from None
            if body and not headers.get("content-type", "").startswith("application/json"):
                raise Refusal(415, "UnsupportedMediaType")
            found = self._routed(method, unquote(url.path), url.path, dict(parse_qsl(url.query, keep_blank_values=True)), headers, given)
        except Refusal as refusal:
            inner = {"date": "2031-01-01T00:00:00", "request-id": "1", "client-request-id": "1"}
            error = {"error": {"code": refusal.code, "message": refusal.message, "innerError": inner}}
            self.calls.append((method, target, refusal.status))
            return refusal.status, refusal.headers, error
        status = {"POST": 201, "DELETE": 204}.get(method, 200) if not url.path.endswith("$batch") else 200
        self.calls.append((method, target, status))
        return status, {}, found

    def _routed(self, method: str, path: str, raw: str, query: dict[str, str], headers: Mapping[str, str], given: Any) -> Any:
        if method == "POST" and path == "/v1.0/$batch":
            return self._batch(headers, given)
        prefer = Prefer.read(headers.get("prefer", ""))
        if method == "GET" and path == "/v1.0/me":
            return {"id": "1", "displayName": "Employee", "mail": self.owner, "userPrincipalName": self.owner}
        if self.mailbox_off:
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
        return shown(self.mailbox, stored, prefer, select=query.get("$select", ""), expand=query.get("$expand", ""), owner=self.owner)

    def _events(self, raw: str, calendar: str, query: dict[str, str], prefer: Prefer) -> dict[str, Any]:
        self.mailbox.calendar(calendar)
        found = [one for one in self.mailbox.events.values() if one.calendar == calendar]
        if "$filter" in query:
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
            found["@odata.nextLink"] = f"{self.address}{raw}?{urlencode(query | {'$skip': begin + size}, quote_via=quote)}"
        return found

    def _size(self, wanted: int) -> int:
        return min(wanted or self.page_size, self.page_size)

    def _delta(self, raw: str, calendar: str, query: dict[str, str], prefer: Prefer) -> dict[str, Any]:
        """ "event: delta" and "Get incremental changes to events in a calendar view": the window is frozen in the token, the links are opaque."""
        place = self.mailbox.calendar(calendar)
        if token := query.get("$deltatoken") or query.get("$skiptoken"):
            if token not in self.tokens or self.tokens[token].calendar != calendar:
                first = f"{self.address}{raw}?startDateTime=2031-01-01T00:00:00Z"
                raise Refusal(410, "SyncStateNotFound", "The sync state generation is not found; perform a full sync.", {"Location": first})
            now = self.tokens[token]
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
        after, kind = f"t{len(self.tokens)}{random.getrandbits(64):x}", "$skiptoken" if more else "$deltatoken"
        self.tokens[after] = Round(calendar, now.start, now.end, position, more or None)  # type: ignore[arg-type]
        found["@odata.nextLink" if more else "@odata.deltaLink"] = f"{self.address}{raw}?{kind}={after}"
        return found

    def _news(self, remote_id: str, stored: Stored | None, now: Round, prefer: Prefer) -> Iterator[dict[str, Any]]:
        """The rows for one event: outside the window it is said to be removed, whatever became of it."""
        inside = self.mailbox.inside(stored, now.start, now.end) if stored else []
        if stored is None or not inside:
            yield {"@odata.type": "#microsoft.graph.event", "id": named(remote_id, prefer), "@removed": {"reason": "deleted"}}
            return
        yield self._shown(stored, prefer)
        for one in inside if stored.repeats else []:
            changed = one.day in stored.changed
            yield self._shown(one, prefer) if changed else thin(one, prefer)

    def _batch(self, headers: Mapping[str, str], given: Any) -> dict[str, Any]:
        """ "Combine multiple HTTP requests using JSON batching": at most 20, unique ids, relative addresses; answers come in any order."""
        parts = given.get("requests") if isinstance(given, dict) else None
        if not isinstance(parts, list) or not 1 <= len(parts) <= 20 or len({part.get("id") for part in parts}) != len(parts):
            raise Refusal(400, "BadRequest", "Invalid batch payload format.")
        responses = []
        for part in parts:
            if not {"id", "method", "url"} <= part.keys() <= {"id", "method", "url", "headers", "body", "dependsOn"} or not part["url"].startswith("/"):
                raise Refusal(400, "BadRequest", "Invalid batch payload format.")
            own = {name.lower(): value for name, value in (part.get("headers") or {}).items()} | {"authorization": headers["authorization"]}
            if fault := self.faults.take("part"):
                wait = {"Retry-After": f"{self.faults.after or 0:.0f}"} if fault == "busy" else {}
                responses.append({"id": part["id"], "status": 429, "headers": wait, "body": {"error": {"code": "ApplicationThrottled", "message": "busy"}}})
                continue
            status, kept, body = self.answer(part["method"], "/v1.0" + part["url"], own, json.dumps(part["body"]).encode() if "body" in part else b"")
            responses.append({"id": part["id"], "status": status, "headers": kept, "body": body})
        random.Random(len(self.calls)).shuffle(responses)  # noqa: S311 - repeatable, not secret
        return {"responses": responses}


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


@contextmanager
def graph() -> Iterator[GraphServer]:
    """A running server with an account whose default calendar is empty."""
    state = GraphServer()

    class Door(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # one packet per answer: two would wait 40 ms for a delayed acknowledgement
        disable_nagle_algorithm = True

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            writes = self.command in ("POST", "PATCH", "DELETE") and not self.path.endswith("$batch")
            status, found = 0, None
            kept: dict[str, str] = {}
            with state.lock:
                fault = state.faults.take("write" if writes else "read")
                early = _early(state, fault, writes=writes, link="token=" in self.path)
                if early is None and fault not in ("lose-before", "page"):
                    status, kept, found = state.answer(self.command, self.path, headers, body)
                elif early is not None:
                    status, kept, found = early
                    state.calls.append((self.command, self.path, status))
            if fault == "no-link" and isinstance(found, dict):
                found = {name: value for name, value in found.items() if not name.endswith("Link")}
            if fault in ("lose-before", "lose-after"):
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
            elif fault == "page":
                self._write(200, {"Content-Type": "text/html"}, b"<!doctype html><title>Maintenance</title><p>Back soon<br>")
            elif fault == "late-error":
                self._write(504, {}, b"secret inner words")
            else:
                data = b"" if found is None else json.dumps(found).encode()
                self._write(status, {"Content-Type": "application/json"} | kept, data[: len(data) // 2] if fault == "truncate" else data)

        def _write(self, status: int, headers: dict[str, str], data: bytes) -> None:
            self.send_response(status)
            for name, value in (headers | ({"Content-Length": str(len(data))} if status != 204 else {})).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Silence: tests read `calls`."""

    serve: Callable[[Any], None] = Door._serve
    for method in ("GET", "POST", "PATCH", "DELETE", "OPTIONS", "PUT"):
        setattr(Door, f"do_{method}", serve)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    server.daemon_threads = True
    state.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        state.subscriptions.close()
        thread.join(5)


def _early(state: GraphServer, fault: str, *, writes: bool, link: bool) -> tuple[int, dict[str, str], Any] | None:
    """An answer that is given without doing anything."""
    error = {"code": "", "message": "secret inner words"}
    if fault == "busy":
        wait = {"Retry-After": f"{state.faults.after:.0f}"} if state.faults.after is not None else {}
        return 429, wait, {"error": error | {"code": "ApplicationThrottled"}}
    if fault == "stale" and writes:
        return 412, {}, {"error": error | {"code": "ErrorIrresolvableConflict"}}
    if fault == "expired" and link:
        return 410, {}, {"error": error}
    return None
