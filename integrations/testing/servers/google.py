"""A server on the loopback that speaks Google Calendar v3, for one account. Its faults come from a plan; what is done there is counted."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from email.parser import BytesParser
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs
from uuid import uuid4

from integrations.testing.servers.channels import Channels
from integrations.testing.servers.discovery import Call, Document, Refusal
from integrations.testing.servers.google_calendar import WRITERS, Calendar, Row, Store, single, within
from integrations.testing.servers.plan import Plan

OFFICE, PERSON = "token-of-the-office", "token-of-the-person"  # who writes: the application under test, or the person in her own client
DELTA = ("iCalUID", "orderBy", "privateExtendedProperty", "sharedExtendedProperty", "q", "timeMin", "timeMax", "updatedMin")  # not beside a syncToken
BATCH = 1000  # "Sending batch requests": calls in one
PAGE = b"<!doctype html><title>Sorry</title><p>Back soon"
Answer = tuple[int, dict[str, str], bytes]


@cache
def document() -> Document:
    return Document("calendar.v3")


class GoogleServer:
    """`address` is the root for GOOGLE_API_ROOT and GOOGLE_OAUTH_ROOT. `calls`: what the application asked, by method id, "batch" for an envelope (its
    parts are listed too). `requests` counts its HTTP requests, `writes` what it changed. `page_size` rows to a page whatever was asked for."""

    def __init__(self, email: str = "employee@example.com", page_size: int = 2) -> None:
        self.channels, self.faults, self.page_size = Channels(), Plan(), page_size
        self.store = Store(email, self.channels.changed)
        self.tokens = {OFFICE: self.store.email, PERSON: self.store.email}
        self.calls: list[str] = []
        self.blind: set[str] = set()  # calendars whose free and busy times can't be told
        self.narrow = False  # whether a search by UID leaves out cancelled instances; nothing says that it doesn't
        self.requests, self.writes, self.address = 0, 0, ""
        self.lock = threading.RLock()
        self._listings: dict[str, tuple[list[Row], str]] = {}  # page token -> rows still to come, the sync token of the last page

    def forget_cursors(self) -> None:
        self.store.epoch += 1

    def forget_pages(self) -> None:
        self._listings.clear()

    def answer(self, verb: str, target: str, headers: dict[str, str], content: bytes) -> Answer | None:
        """The answer to a request; None: the connection breaks. Work is done under one lock."""
        if target == "/revoke":
            return self._revoke(content)
        try:
            token = headers.get("authorization", "").removeprefix("Bearer ")
            if token not in self.tokens:  # "Handle API errors"
                raise Refusal(401, "authError", "Invalid Credentials", location="Authorization")
            if target == document().batch and verb == "POST":
                return self._batch(token, headers, content)
            return self._single(token, verb, target, headers, content)
        except Refusal as error:
            return _refused(error)

    def _single(self, token: str, verb: str, target: str, headers: dict[str, str], content: bytes, *, part: bool = False) -> Answer | None:
        call = document().check(verb, target, content)
        writing = call.id.rpartition(".")[2] in ("insert", "patch", "update", "delete", "move")
        if token == PERSON:
            return self._done(call, headers)
        with self.lock:
            self.requests += not part
            self.calls.append(call.id)
            fault = self.faults.take("write" if writing else "read", call.id, *(["delta"] if "syncToken" in call.given else []))
        if fault == "slow":
            time.sleep(self.faults.seconds)
        if ":" in fault:
            raise self._refusal(fault)
        if fault == "cut-before":
            return None
        if fault == "page":
            return 200, {"Content-Type": "text/html"}, PAGE
        answer = self._done(call, headers)
        self.writes += writing and answer[0] < 300
        if fault == "cut-after":
            return None
        if fault == "500-after":
            raise Refusal(500, "backendError", "Backend Error")
        return (answer[0], answer[1], answer[2][: len(answer[2]) // 2]) if fault == "truncate" else answer

    def _refusal(self, fault: str) -> Refusal:
        status, _, reason = fault.partition(":")
        return Refusal(int(status), reason, "Said in words", domain="usageLimits" if "imit" in reason else "global", after=self.faults.after)

    def _done(self, call: Call, headers: dict[str, str]) -> Answer:
        with self.lock:
            action: Callable[[Call, str], Row | None] = ACTIONS.get(call.id, GoogleServer._missing).__get__(self)
            found = action(call, headers.get("if-match", ""))
        if found is None:
            return 204, {}, b""
        return 200, {"Content-Type": "application/json; charset=UTF-8"}, json.dumps(found, ensure_ascii=False).encode()

    def _missing(self, call: Call, etag: str) -> Row | None:
        raise Refusal(501, "notImplemented", f"This server has no {call.id}.")

    def _batch(self, token: str, headers: dict[str, str], content: bytes) -> Answer | None:
        """ "Sending batch requests": parts of application/http, answered in any order, each with its own status."""
        message = BytesParser().parsebytes(b"Content-Type: " + headers["content-type"].encode() + b"\r\n\r\n" + content)
        parts: Any = message.get_payload()
        if not isinstance(parts, list) or len(parts) > BATCH:
            raise Refusal(400, "badRequest", "The batch can't be read or is too large.")
        fault = ""
        if token == OFFICE:
            with self.lock:
                self.requests += 1
                self.calls.append("batch")
                fault = self.faults.take("batch")
        if fault == "page":
            return 200, {"Content-Type": "text/html"}, PAGE
        if fault == "cut-before":
            return None
        if ":" in fault:
            raise self._refusal(fault)
        answers = []
        for part in parts:
            head, _, body = part.get_payload(decode=True).partition(b"\n\n")
            line, _, rest = head.decode().partition("\n")
            verb, target, _ = line.split(" ")
            inner = {name.lower(): value for name, value in BytesParser().parsebytes(rest.encode() + b"\n\n").items()}
            try:
                answer = self._single(token, verb, target, inner, body.strip(), part=True)
            except Refusal as error:
                answer = _refused(error)
            if answer is None:
                return None
            answers.append((re.sub(r"\r?\n(?=[ \t])", "", str(part["Content-ID"])), answer))  # unfolded (RFC 5322 §2.2.3)
        boundary, text = f"batch_{uuid4().hex}", b""
        for name, (status, answered, body) in reversed(answers):
            lines = [f"--{boundary}", "Content-Type: application/http", f"Content-ID: <response-{name[1:]}", "", f"HTTP/1.1 {status} Status"]
            lines += [f"{key}: {value}" for key, value in answered.items()] + ["", ""]
            text += "\r\n".join(lines).encode() + body + b"\r\n"
        text += f"--{boundary}--".encode()
        if fault == "cut-after":
            return None
        return 200, {"Content-Type": f"multipart/mixed; boundary={boundary}"}, text[: len(text) // 2] if fault == "truncate" else text

    def _revoke(self, content: bytes) -> Answer:
        """ "Using OAuth 2.0 for Web Server Applications", revoking a token."""
        token = parse_qs(content.decode()).get("token", [""])[0]
        if self.tokens.pop(token, None) is None:
            return 400, {"Content-Type": "application/json"}, b'{"error": "invalid_token", "error_description": "Token expired or revoked"}'
        return 200, {"Content-Type": "application/json"}, b"{}"

    # Calendars

    def _entry(self, one: Calendar) -> Row:
        row = {"kind": "calendar#calendarListEntry", "id": one.id, "summary": one.summary, "timeZone": one.zone, "accessRole": one.role}
        return row | ({"primary": True} if one.primary else {})

    def _calendar_list(self, call: Call, etag: str) -> Row:
        rows = [self._entry(one) for one in self.store.calendars.values()]
        if call.given.get("minAccessRole") in WRITERS:
            rows = [one for one in rows if one["accessRole"] in WRITERS]
        return {"kind": "calendar#calendarList"} | self._page(call, rows, "-")

    def _calendar_entry(self, call: Call, etag: str) -> Row:
        return self._entry(self.store.calendar(call.given["calendarId"]))

    def _calendar(self, call: Call, etag: str) -> Row:
        one = self.store.calendar(call.given["calendarId"])
        return {"kind": "calendar#calendar", "id": one.id, "summary": one.summary, "timeZone": one.zone}

    def _add_calendar(self, call: Call, etag: str) -> Row:
        one = self.store.add_calendar(call.body["summary"], call.body.get("timeZone") or "")
        return {"kind": "calendar#calendar", "id": one.id, "summary": one.summary, "timeZone": one.zone}

    def _delete_calendar(self, call: Call, etag: str) -> None:
        one = self.store.calendar(call.given["calendarId"], write=True)
        if one.primary:
            raise Refusal(403, "cannotDeletePrimaryCalendar", "Primary calendars can't be deleted.", domain="calendar")
        del self.store.calendars[one.id]

    def _free_busy(self, call: Call, etag: str) -> Row:
        """ "Freebusy: query". The span of a query is limited (an answer of the live service: timeRangeTooLong)."""
        begin, end = (datetime.fromisoformat(call.body[name]) for name in ("timeMin", "timeMax"))
        if end <= begin or end - begin > timedelta(days=90):
            raise Refusal(400, "timeRangeTooLong" if end > begin else "timeRangeEmpty", "The requested time range is too long.", domain="calendar")
        wanted = [one["id"] for one in call.body.get("items", ())]
        found: Row = {}
        for one in wanted:
            try:
                if len(wanted) > 50:
                    raise Refusal(400, "tooManyCalendarsRequested", "")
                if one in self.blind:
                    raise Refusal(503, "internalError", "")
                found[one] = {"busy": self.store.free_busy(self.store.calendar(one), begin, end)}
            except Refusal as error:
                found[one] = {"errors": [{"domain": error.domain, "reason": error.reason}], "busy": []}
        return {"kind": "calendar#freeBusy", "timeMin": call.body["timeMin"], "timeMax": call.body["timeMax"], "calendars": found}

    # Events

    def _get(self, call: Call, etag: str) -> Row:
        return self.store.event(self.store.calendar(call.given["calendarId"]), call.given["eventId"])

    def _insert(self, call: Call, etag: str) -> Row:
        return self.store.insert(self.store.calendar(call.given["calendarId"], write=True), _sent(call), call.given.get("sendUpdates", "none"))

    def _patch(self, call: Call, etag: str) -> Row:
        calendar = self.store.calendar(call.given["calendarId"], write=True)
        whole = call.id.endswith("update")
        return self.store.change(calendar, call.given["eventId"], _sent(call), etag, call.given.get("sendUpdates", "none"), whole=whole)

    def _delete(self, call: Call, etag: str) -> None:
        calendar = self.store.calendar(call.given["calendarId"], write=True)
        self.store.delete(calendar, call.given["eventId"], etag, call.given.get("sendUpdates", "none"))

    def _move(self, call: Call, etag: str) -> Row:
        source, target = (self.store.calendar(call.given[name], write=True) for name in ("calendarId", "destination"))
        return self.store.move(source, call.given["eventId"], target, call.given.get("sendUpdates", "none"))

    def _watch(self, call: Call, etag: str) -> Row:
        return self.channels.watch(call.body, self.store.calendar(call.given["calendarId"]).id, self.address)

    def _stop(self, call: Call, etag: str) -> None:
        self.channels.stop(call.body)

    def _instances(self, call: Call, etag: str) -> Row:
        calendar, given = self.store.calendar(call.given["calendarId"]), call.given
        rows = [one for one in single(calendar, *_span(given)) if one.get("recurringEventId") == given["eventId"]]
        return self._events(calendar) | self._page(call, sorted(rows, key=lambda one: str(one["id"])), "-")

    def _events(self, calendar: Calendar) -> Row:
        return {"kind": "calendar#events", "summary": calendar.summary, "timeZone": calendar.zone, "accessRole": calendar.role, "defaultReminders": []}

    def _list(self, call: Call, etag: str) -> Row:
        """ "Events: list" and "Synchronize resources efficiently"."""
        calendar, given = self.store.calendar(call.given["calendarId"]), call.given
        if "syncToken" in given and (any(name in given for name in DELTA) or given.get("showDeleted") is False):
            raise Refusal(400, "invalidParameter", "This parameter can't be combined with a sync token.", location="syncToken")
        if given.get("orderBy") == "startTime" and not given.get("singleEvents"):
            raise Refusal(400, "badRequest", "The requested ordering is not available for the particular query.", location="orderBy")
        ending = f"{self.store.epoch}.{calendar.id}.{len(calendar.log)}"
        if "pageToken" in given:
            return self._events(calendar) | self._page(call, [], "")
        if "syncToken" in given:
            epoch, _, rest = given["syncToken"].partition(".")
            place = rest.rpartition(".")[2]
            if not place.isdecimal() or rest.rpartition(".")[0] != calendar.id:
                raise Refusal(400, "invalid", "Invalid sync token value.", location="syncToken")
            if epoch != str(self.store.epoch):
                raise Refusal(410, "fullSyncRequired", "Sync token is no longer valid, a full sync is required.", domain="calendar")
            ids = dict.fromkeys(calendar.log[int(place) :])
            rows = [_tombstone(calendar.events[one]) for one in ids if one in calendar.events]
        else:
            rows = self._wanted(calendar, given)
        return self._events(calendar) | self._page(call, rows, "" if "orderBy" in given else ending)

    def _wanted(self, calendar: Calendar, given: dict[str, Any]) -> list[Row]:
        begin, end = _span(given)
        if given.get("singleEvents"):
            rows = single(calendar, begin, end)
            rows.sort(key=lambda one: json.dumps(one["start"]))
        else:
            rows = [one for one in calendar.events.values() if within(one, calendar.zone, begin, end)]
        pairs = [text.partition("=") for text in given.get("privateExtendedProperty", ())]
        kept = []
        for row in rows:
            # "showDeleted": cancelled instances are always listed beside their series.
            shown = row["status"] != "cancelled" or given.get("showDeleted") or ("recurringEventId" in row and not given.get("singleEvents"))
            private = row.get("extendedProperties", {}).get("private", {})
            if self.narrow and "iCalUID" in given and row["status"] == "cancelled":
                continue
            if shown and given.get("iCalUID") in (None, row["iCalUID"]) and all(private.get(name) == value for name, _, value in pairs):
                kept.append(_tombstone(row))
        return kept

    def _page(self, call: Call, rows: list[Row], ending: str) -> Row:
        """The next rows; only the last page has a sync token, every other one a page token."""
        if "pageToken" in call.given:
            if call.given["pageToken"] not in self._listings:
                raise Refusal(400, "invalid", "Invalid page token value.", location="pageToken")
            rows, ending = self._listings[call.given["pageToken"]]
        size = min(self.page_size, call.given.get("maxResults", 250))
        page: Row = {"items": rows[:size]}
        if len(rows) > size:
            token = uuid4().hex
            self._listings[token] = (rows[size:], ending)
            return page | {"nextPageToken": token}
        return page | ({"nextSyncToken": ending} if ending.strip("-") else {})


ACTIONS: dict[str, Any] = {
    f"calendar.{name}": action
    for name, action in {
        "calendarList.list": GoogleServer._calendar_list,
        "calendarList.get": GoogleServer._calendar_entry,
        "calendars.get": GoogleServer._calendar,
        "calendars.insert": GoogleServer._add_calendar,
        "calendars.delete": GoogleServer._delete_calendar,
        "freebusy.query": GoogleServer._free_busy,
        "events.list": GoogleServer._list,
        "events.get": GoogleServer._get,
        "events.insert": GoogleServer._insert,
        "events.patch": GoogleServer._patch,
        "events.update": GoogleServer._patch,
        "events.delete": GoogleServer._delete,
        "events.move": GoogleServer._move,
        "events.instances": GoogleServer._instances,
        "events.watch": GoogleServer._watch,
        "channels.stop": GoogleServer._stop,
    }.items()
}


def _sent(call: Call) -> Row:
    """ "Create events": conference data is written only by who says that it knows it; otherwise it is left as it is."""
    return call.body if call.given.get("conferenceDataVersion") == 1 else {name: value for name, value in call.body.items() if name != "conferenceData"}


def _tombstone(row: Row) -> Row:
    """As little of a cancelled event as is guaranteed (discovery document, Event.status)."""
    if row["status"] != "cancelled":
        return row
    kept = ("kind", "etag", "id", "status", "recurringEventId", "originalStartTime")
    return {name: row[name] for name in kept if name in row}


def _span(given: dict[str, Any]) -> tuple[datetime | None, datetime | None]:
    begin, end = (datetime.fromisoformat(given[name]) if name in given else None for name in ("timeMin", "timeMax"))
    return begin, end


def _refused(error: Refusal) -> Answer:
    headers = {"Content-Type": "application/json; charset=UTF-8"} | ({"Retry-After": error.after} if error.after else {})
    return error.status, headers, error.body()


@contextmanager
def google(server: GoogleServer | None = None, port: int = 0) -> Iterator[GoogleServer]:
    """Runs the server until the end of the block."""
    state = server or GoogleServer()

    class Door(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # one packet per answer: two would wait 40 ms for a delayed acknowledgement
        disable_nagle_algorithm = True

        def _pass(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            answer = state.answer(self.command, self.path, {name.lower(): value for name, value in self.headers.items()}, content)
            if answer is None:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            status, headers, body = answer
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if status != 204:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Silence: tests read `calls`."""

    for method in ("GET", "PUT", "DELETE", "PATCH", "POST", "OPTIONS"):
        setattr(Door, f"do_{method}", Door._pass)
    door = ThreadingHTTPServer(("127.0.0.1", port), Door)
    door.daemon_threads = True
    state.address = f"http://127.0.0.1:{door.server_address[1]}"
    thread = threading.Thread(target=door.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        door.shutdown()
        door.server_close()
        thread.join(5)
        state.channels.close()
