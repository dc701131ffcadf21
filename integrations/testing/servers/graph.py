"""A server on the loopback that is Microsoft to an application: sign-in, tokens and the calendar part of Graph v1.0. It can be made to fail."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from integrations.testing.faults import FaultPlan
from integrations.testing.servers import wire
from integrations.testing.servers.graph_calls import Calls, Habits
from integrations.testing.servers.graph_mailbox import Mailbox, Numbers
from integrations.testing.servers.graph_rules import Refusal
from integrations.testing.servers.graph_subscriptions import Subscriptions
from integrations.testing.servers.microsoft_consent import MicrosoftConsent
from integrations.testing.servers.oauth import Access, Person
from integrations.testing.servers.wire import Answer

READ, WRITE = ("Calendars.Read", "Calendars.ReadWrite"), ("Calendars.ReadWrite",)
# lose-before: nothing was done. lose-after: done, the answer got lost. busy: 429. stale: 412 to a write. expired: 410 to a delta link, without a word why.
# late-error: done, then 504. page: 200 with HTML. truncate: half the body. no-link: a listing that does not say where it goes on. Calls are named by
# "read" and "write", and by "part" (of a batch), which may be busy, stale, refused, revoked or a late-error.
# What becomes of a part of a batch that is not carried out.
PART = {
    "stale": (412, "ErrorIrresolvableConflict"),
    "busy": (429, "ApplicationThrottled"),
    "refused": (400, "ErrorInvalidRequest"),
    "revoked": (401, "InvalidAuthenticationToken"),
}
WRITING = (b'"POST"', b'"PATCH"', b'"DELETE"')  # the method of a part of a batch
ORGANISATION = "11111111-aaaa-4bbb-8ccc-222222222222"


class GraphServer(Habits):
    """`address` is what GRAPH_ROOT and MICROSOFT_LOGIN_ROOT are set to. `mailbox`: the first person's, `accounts` of all by e-mail. `calls`: (method,
    path, status) of those to Graph, the parts of a batch too; `requests` counts what came over the wire; consent and tokens are counted by `oauth.calls`. `token`: one that the application under test may use at once."""

    def __init__(self, owner: str = "employee@example.com", page_size: int = 2, name: str = "Employee Example") -> None:
        super().__init__(page_size)
        self.owner, self.faults, self.subscriptions, self.oauth = owner, FaultPlan(), Subscriptions(), MicrosoftConsent()
        self.calls: list[tuple[str, str, int]] = []
        self.requests = 0
        self.lock = threading.RLock()
        self.accounts: dict[str, Calls] = {}
        self.peers: dict[str, Mailbox] = {}
        self.numbers = Numbers()
        self.mailbox = self.add_person(owner, name)
        self.token = self.oauth.issue(owner, "token-of-the-account", app="office")

    def add_person(self, email: str, name: str, tenant: str = ORGANISATION) -> Mailbox:
        """Another account, with its default calendar. `tenant` "": a personal one."""
        self.oauth.people[email] = Person(email, name, f"00000000-0000-4000-8000-{len(self.oauth.people) + 1:012d}", tenant)
        mailbox = Mailbox(email, self.numbers)
        mailbox.told, mailbox.peers = self.subscriptions.tell, self.peers
        self.peers[email.lower()] = mailbox
        self.accounts[email] = Calls(mailbox, self.subscriptions, self)
        return mailbox

    def forget_tokens(self) -> None:
        self.tokens = {}

    def answer(self, method: str, target: str, headers: dict[str, str], content: bytes) -> Answer | None:
        """The answer to a request; None: the connection breaks."""
        if name := self.oauth.endpoint(urlsplit(target).path):
            # The page for people is not made to fail: what an application sees of it is that nobody comes back.
            fault = "" if name == "authorize" else self.faults.take(name)
            if fault == "lose-before":
                return None
            if early := _early(self.faults, fault, writes=False, link=False):
                return _written(*early)
            return _spoiled(fault, self.oauth.answer(name, method, target, headers, content))
        batch = target.endswith("$batch")
        writes = any(one in content for one in WRITING) if batch else method in ("POST", "PATCH", "DELETE")
        with self.lock:
            self.requests += 1
            fault = self.faults.take("write" if writes else "read")
            if fault == "lose-before":
                return None
            if early := _early(self.faults, fault, writes=writes and not batch, link="token=" in target):
                self.calls += [(method, target, early[0])] if fault != "page" else []
                return _written(*early)
            status, kept, found = self._call(self.oauth.bearer(headers), method, target, headers, content)
        if fault == "no-link" and isinstance(found, dict):
            found = {name: value for name, value in found.items() if not name.endswith("Link")}
        return _spoiled(fault, _written(status, kept, found))

    def _call(self, access: Access | None, method: str, target: str, headers: Mapping[str, str], body: bytes) -> tuple[int, dict[str, str], Any]:
        """Status, headers and object of the answer to one request or one part of a batch; `headers` in lower case."""
        url = urlsplit(target)
        try:
            if access is None:
                raise Refusal(401, "InvalidAuthenticationToken", "Access token is empty.", {"WWW-Authenticate": 'Bearer realm=""'})
            try:
                given = json.loads(body) if body else None
            except ValueError:
                raise Refusal(400, "BadRequest", "Unable to read JSON request payload.") from None
            if body and not headers.get("content-type", "").startswith("application/json"):
                raise Refusal(415, "UnsupportedMediaType")
            query = dict(parse_qsl(url.query, keep_blank_values=True))
            found = self._allowed(access, method, unquote(url.path), url.path, query, headers, given)
        except Refusal as refusal:
            inner = {"date": "2031-01-01T00:00:00", "request-id": "1", "client-request-id": "1"}
            error = {"error": {"code": refusal.code, "message": refusal.message, "innerError": inner}}
            self.calls.append((method, target, refusal.status))
            return refusal.status, refusal.headers, error
        status = {"POST": 201, "DELETE": 204}.get(method, 200) if not url.path.endswith("$batch") else 200
        if method == "POST" and found is None:  # an action
            status = 202
        self.calls.append((method, target, status))
        return status, {}, found

    def _allowed(self, access: Access, method: str, path: str, raw: str, query: dict[str, str], headers: Mapping[str, str], given: Any) -> Any:
        if method == "POST" and path == "/v1.0/$batch":
            return self._batch(access, given)
        me = method == "GET" and path == "/v1.0/me"
        if not access.covers(*(("User.Read",) if me else READ if method == "GET" or raw.startswith("/v1.0/subscriptions") else WRITE)):
            raise Refusal(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
        return self._me(access.email, query) if me else self.accounts[access.email].answer(method, path, raw, query, headers, given)

    def _me(self, email: str, query: dict[str, str]) -> dict[str, Any]:
        """ "Get a user"; what is not known is null."""
        person = self.oauth.people[email]
        first, _, last = person.name.partition(" ")
        names = ("businessPhones", "jobTitle", "mobilePhone", "officeLocation", "preferredLanguage", "mailNickname", "companyName")
        told: dict[str, Any] = dict.fromkeys(names) | {"businessPhones": [], "id": person.id, "displayName": person.name, "givenName": first, "surname": last}
        told |= {"mail": email, "userPrincipalName": email}
        wanted = query.get("$select", "").split(",") if "$select" in query else list(told)
        if unknown := set(wanted) - told.keys():
            raise Refusal(400, "Request_BadRequest", f"Could not find a property named '{min(unknown)}' on type 'microsoft.graph.user'.")
        return {name: told[name] for name in wanted}

    def _batch(self, access: Access, given: Any) -> dict[str, Any]:
        """ "Combine multiple HTTP requests using JSON batching": at most 20, unique ids, relative addresses; answers come in any order."""
        parts = given.get("requests") if isinstance(given, dict) else None
        if not isinstance(parts, list) or not 1 <= len(parts) <= 20 or len({part.get("id") for part in parts}) != len(parts):
            raise Refusal(400, "BadRequest", "Invalid batch payload format.")
        responses = []
        for part in parts:
            if not {"id", "method", "url"} <= part.keys() <= {"id", "method", "url", "headers", "body", "dependsOn"} or not part["url"].startswith("/"):
                raise Refusal(400, "BadRequest", "Invalid batch payload format.")
            own = {name.lower(): value for name, value in (part.get("headers") or {}).items()}
            fault = self.faults.take("part")
            if fault in PART and (fault != "stale" or part["method"] != "GET"):
                status, name = PART[fault]
                wait = {"Retry-After": "0"} | self.faults.wait if fault == "busy" else {}
                responses.append({"id": part["id"], "status": status, "headers": wait, "body": {"error": {"code": name, "message": "secret inner words"}}})
                continue
            status, kept, body = self._call(access, part["method"], "/v1.0" + part["url"], own, json.dumps(part["body"]).encode() if "body" in part else b"")
            if fault == "late-error":
                status, kept, body = 504, {}, {"error": {"code": "UnknownError", "message": "secret inner words"}}
            responses.append({"id": part["id"], "status": status, "headers": kept, "body": body})
        random.Random(len(self.calls)).shuffle(responses)  # noqa: S311 - repeatable, not secret
        return {"responses": responses}


@contextmanager
def graph(server: GraphServer | None = None, port: int = 0, answer: wire.Answerer | None = None, latency: float = 0) -> Iterator[GraphServer]:
    """A running server with an account whose default calendar is empty. `answer`: what stands before its own. `latency`: see wire."""
    state = server or GraphServer()
    try:
        with wire.serve(answer or state.answer, port, latency) as state.address:
            yield state
    finally:
        state.subscriptions.close()


def _written(status: int, headers: dict[str, str], found: Any) -> Answer:
    data = found if isinstance(found, bytes) else b"" if found is None else json.dumps(found).encode()
    return status, {"Content-Type": "application/json"} | headers, data


def _spoiled(fault: str, answer: Answer) -> Answer | None:
    """What is left of an answer to something that was done."""
    if fault == "lose-after":
        return None
    if fault == "late-error":
        return 504, {}, b"secret inner words"
    return (answer[0], answer[1], answer[2][: len(answer[2]) // 2]) if fault == "truncate" else answer


def _early(faults: FaultPlan, fault: str, *, writes: bool, link: bool) -> tuple[int, dict[str, str], Any] | None:
    """An answer that is given without doing anything."""
    error = {"code": "", "message": "secret inner words"}
    if fault == "page":
        return 200, {"Content-Type": "text/html"}, b"<!doctype html><title>Maintenance</title><p>Back soon<br>"
    if fault == "busy":
        return 429, faults.wait, {"error": error | {"code": "ApplicationThrottled"}}
    if fault == "stale" and writes:
        return 412, {}, {"error": error | {"code": "ErrorIrresolvableConflict"}}
    if fault == "expired" and link:
        return 410, {}, {"error": error}
    return None
