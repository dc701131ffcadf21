"""A server on the loopback that is Google to an application: consent, tokens and Calendar v3. Its faults come from a plan; what is done is counted."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.parser import BytesParser
from functools import cache
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from integrations.testing.faults import FaultPlan
from integrations.testing.servers import wire
from integrations.testing.servers.channels import Channels
from integrations.testing.servers.discovery import Call, Document, Refusal
from integrations.testing.servers.google_calendar import Store
from integrations.testing.servers.google_calls import Calls, Habits
from integrations.testing.servers.google_consent import GoogleConsent
from integrations.testing.servers.oauth import Access, Person
from integrations.testing.servers.wire import Answer

OFFICE, PERSON = "token-of-the-office", "token-of-the-person"  # who writes: the application under test, or the person in her own client
BATCH = 1000  # "Sending batch requests": calls in one
PAGE = b"<!doctype html><title>Sorry</title><p>Back soon"
# cut-before and cut-after: the connection breaks before or after the work. 500-after. page: 200 with HTML. truncate: half an answer. slow: a second later.
# "status:reason": refused. Calls are named by "read", "write", "delta", a method's id, "batch", "token", "revoke", "userinfo".
FAULTS = (
    *("cut-before", "cut-after", "500-after", "503:backendError", "429:rateLimitExceeded", "403:rateLimitExceeded"),
    *("page", "truncate", "410:fullSyncRequired"),
)


@cache
def document() -> Document:
    return Document("calendar.v3")


class GoogleServer(Habits):
    """`address` is the root for GOOGLE_ACCOUNTS_ROOT, GOOGLE_OAUTH_ROOT and GOOGLE_API_ROOT. `store`: the first person's calendars, `accounts` of all by
    e-mail. `calls`: what applications asked, by method id, "batch" for an envelope (its parts are listed too). `requests` counts their HTTP requests to
    the calendar, `writes` what they changed; consent and tokens are counted by `oauth.calls`. A person's own client (a token issued to no application) is
    neither counted nor hit by faults."""

    def __init__(self, email: str = "employee@example.com", page_size: int = 2, name: str = "Employee Example") -> None:
        super().__init__(page_size)
        self.channels, self.faults = Channels(), FaultPlan()
        self.oauth = GoogleConsent({name: one["description"] for name, one in document().text["auth"]["oauth2"]["scopes"].items()})
        self.accounts: dict[str, Calls] = {}
        self.peers: list[Store] = []
        self.store = self.add_person(email, name)
        self.oauth.issue(email, OFFICE, app="office")
        self.oauth.issue(email, PERSON)
        self.calls: list[str] = []
        self.requests = self.writes = 0
        self.lock = threading.RLock()

    def add_person(self, email: str, name: str) -> Store:
        """Another account, with its primary calendar."""
        self.oauth.people[email] = Person(email, name, str(100_000_000_000_000_000_001 + len(self.oauth.people)))
        self.accounts[email] = Calls(Store(email, self.channels.changed, self.peers), self.channels, self)
        return self.accounts[email].store

    def forget_cursors(self) -> None:
        for one in self.accounts.values():
            one.store.epoch += 1

    def forget_pages(self) -> None:
        for one in self.accounts.values():
            one.listings.clear()

    def answer(self, verb: str, target: str, headers: dict[str, str], content: bytes) -> Answer | None:
        """The answer to a request; None: the connection breaks. Work is done under one lock."""
        try:
            if name := self.oauth.endpoint(urlsplit(target).path):
                # Pages for people are not made to fail: what an application sees of them is that nobody comes back.
                fault = "" if name in ("authorize", "error page") else self.faults.take(name)
                return self._around(fault, lambda: self.oauth.answer(name, verb, target, headers, content))
            access = self.oauth.bearer(headers)
            if access is None:  # "Handle API errors"
                raise Refusal(401, "authError", "Invalid Credentials", location="Authorization")
            if target == document().batch and verb == "POST":
                return self._batch(access, headers, content)
            return self._single(access, verb, target, headers, content)
        except Refusal as error:
            return _refused(error)

    def _single(self, access: Access, verb: str, target: str, headers: dict[str, str], content: bytes, *, part: bool = False) -> Answer | None:
        call = document().check(verb, target, content)
        if not access.covers(*document().scopes[call.id]):
            raise Refusal(403, "insufficientPermissions", "Request had insufficient authentication scopes.")
        if not access.app:
            return self._done(access, call, headers)
        writing = call.id.rpartition(".")[2] in ("insert", "patch", "update", "delete", "move")
        with self.lock:
            self.requests += not part
            self.calls.append(call.id)
            fault = self.faults.take("write" if writing else "read", call.id, *(["delta"] if "syncToken" in call.given else []))

        def work() -> Answer:
            answer = self._done(access, call, headers)
            self.writes += writing and answer[0] < 300
            return answer

        return self._around(fault, work)

    def _around(self, fault: str, work: Callable[[], Answer | None]) -> Answer | None:
        """The answer that `work` gives, spoiled by a fault; None: the connection breaks. Raises Refusal."""
        if fault == "slow":
            time.sleep(1)
        if ":" in fault:
            status, _, reason = fault.partition(":")
            wait = self.faults.wait.get("Retry-After", "")
            raise Refusal(int(status), reason, "Said in words", domain="usageLimits" if "imit" in reason else "global", after=wait)
        if fault == "cut-before":
            return None
        if fault == "page":
            return 200, {"Content-Type": "text/html"}, PAGE
        answer = work()
        if fault == "cut-after" or answer is None:
            return None
        if fault == "500-after":
            raise Refusal(500, "backendError", "Backend Error")
        return (answer[0], answer[1], answer[2][: len(answer[2]) // 2]) if fault == "truncate" else answer

    def _done(self, access: Access, call: Call, headers: dict[str, str]) -> Answer:
        with self.lock:
            found = self.accounts[access.email].answer(call, headers.get("if-match", ""))
        if found is None:
            return 204, {}, b""
        return 200, {"Content-Type": "application/json; charset=UTF-8"}, json.dumps(found).encode()

    def _batch(self, access: Access, headers: dict[str, str], content: bytes) -> Answer | None:
        """ "Sending batch requests": parts of application/http, answered in any order, each with its own status."""
        message = BytesParser().parsebytes(b"Content-Type: " + headers["content-type"].encode() + b"\r\n\r\n" + content)
        parts: Any = message.get_payload()
        if not isinstance(parts, list) or len(parts) > BATCH:
            raise Refusal(400, "badRequest", "The batch can't be read or is too large.")
        fault = ""
        if access.app:
            with self.lock:
                self.requests += 1
                self.calls.append("batch")
                fault = self.faults.take("batch")
        return self._around(fault, lambda: self._envelope(access, parts))

    def _envelope(self, access: Access, parts: list[Any]) -> Answer | None:
        answers = []
        for part in parts:
            head, _, body = part.get_payload(decode=True).partition(b"\n\n")
            line, _, rest = head.decode().partition("\n")
            verb, target, _ = line.split(" ")
            inner = {name.lower(): value for name, value in BytesParser().parsebytes(rest.encode() + b"\n\n").items()}
            try:
                answer = self._single(access, verb, target, inner, body.strip(), part=True)
            except Refusal as error:
                answer = _refused(error)
            if answer is None:
                return None
            answers.append((re.sub(r"\r?\n(?=[ \t])", "", str(part["Content-ID"])), answer))  # unfolded (RFC 5322 §2.2.3)
        boundary, text = f"batch_{uuid4().hex}", b""
        for name, (status, answered, body) in reversed(answers):
            lines = [f"--{boundary}", "Content-Type: application/http", f"Content-ID: <response-{name[1:]}", "", f"HTTP/1.1 {status} Status"]
            lines += [f"{key}: {value}" for key, value in {**answered, "Content-Length": len(body)}.items()] + ["", ""]
            text += "\r\n".join(lines).encode() + body + b"\r\n"
        return 200, {"Content-Type": f"multipart/mixed; boundary={boundary}"}, text + f"--{boundary}--".encode()


def _refused(error: Refusal) -> Answer:
    headers = {"Content-Type": "application/json; charset=UTF-8"} | ({"Retry-After": error.after} if error.after else {})
    return error.status, headers, error.body()


@contextmanager
def google(server: GoogleServer | None = None, port: int = 0, answer: wire.Answerer | None = None, latency: float = 0) -> Iterator[GoogleServer]:
    """Runs the server until the end of the block. `answer`: what stands before its own. `latency`: see wire."""
    state = server or GoogleServer()
    try:
        with wire.serve(answer or state.answer, port, latency) as state.address:
            yield state
    finally:
        state.channels.close()
