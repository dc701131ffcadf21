"""What the sign-in services of Google and Microsoft have in common (RFC 6749, RFC 7636): registered applications, people, consent, codes, tokens."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from integrations.testing.servers import pages
from integrations.testing.servers.wire import Answer

CLIENT, SECRET = "client-of-kalends", "secret-of-the-client"
CODE_LIFE = 600  # seconds; RFC 6749 §4.1.2: at most ten minutes


class Refused(Exception):
    """An error answer of the token endpoint (RFC 6749 §5.2). `number`: the vendor's own."""

    def __init__(self, status: int, error: str, text: str, number: int = 0) -> None:
        super().__init__(error)
        self.status, self.error, self.text, self.number = status, error, text, number


class Blocked(Exception):
    """A wish for consent that can't be sent back to the application: the person is shown why."""

    def __init__(self, error: str, text: str, status: int = 400) -> None:
        super().__init__(error)
        self.error, self.text, self.status = error, text, status


class SentBack(Exception):
    """A wish for consent that ends at the application with an error (RFC 6749 §4.1.2.1)."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.address = address


@dataclass(frozen=True, slots=True)
class Person:
    """`id` never changes. `tenant`: the organisation, "" for a personal account."""

    email: str
    name: str
    id: str
    tenant: str = ""


@dataclass
class App:
    """A registered application. `expired`: its secret has passed its date."""

    id: str
    secret: str
    redirects: set[str]
    name: str = "Kalends"
    expired: bool = False


@dataclass
class Grant:
    """What a person has allowed an application; `refresh`: the tokens that renew it -> the scopes each stands for."""

    scopes: set[str] = field(default_factory=set)
    refresh: dict[str, set[str]] = field(default_factory=dict)


@dataclass
class Wish:
    """A checked wish for consent. `scopes` as the vendor names them, in order; `given`: all that was asked with."""

    app: App
    redirect: str
    scopes: list[str]
    given: dict[str, str]

    def back(self, **told: str) -> str:
        told |= {"state": self.given["state"]} if "state" in self.given else {}
        return f"{self.redirect}{'&' if urlsplit(self.redirect).query else '?'}{urlencode(told)}"


@dataclass
class Code:
    wish: Wish
    email: str
    scopes: set[str]
    offline: bool
    expires: float
    used: bool = False


@dataclass
class Access:
    """An access token. `scopes` None: all there are. `app` "": the person's own client."""

    email: str
    app: str
    scopes: set[str] | None
    expires: float

    def covers(self, *scopes: str) -> bool:
        """Whether any of these was granted."""
        return self.scopes is None or not self.scopes.isdisjoint(scopes)


class Service:
    """Who signs people in and hands out tokens. `life` of access tokens in seconds, `now` in seconds since 1970. `calls` counts what was asked by
    endpoint: "authorize", "agree", "token authorization_code", "token refresh_token", and what a vendor adds."""

    def __init__(self) -> None:
        self.apps: dict[str, App] = {}
        self.people: dict[str, Person] = {}
        self.grants: dict[tuple[str, str], Grant] = {}  # (application, e-mail)
        self.codes: dict[str, Code] = {}
        self.access: dict[str, Access] = {}
        self.ended: dict[str, str] = {}  # refresh tokens that are no longer good -> why
        self.calls: Counter[str] = Counter()
        self.life = 3599
        self.now: Callable[[], float] = time.time
        self.lock = threading.RLock()

    # For whoever runs the server

    def register(self, *redirects: str, app: str = CLIENT, secret: str = SECRET, name: str = "Kalends") -> App:
        """An application that may send people to these addresses and no others."""
        self.apps[app] = App(app, secret, set(redirects), name)
        return self.apps[app]

    def issue(self, email: str, token: str = "", *, app: str = "", scopes: Iterable[str] | None = None, life: float = float("inf")) -> str:
        """An access token without anybody's asking, for `life` seconds; for no `app`, it is the person's own client's."""
        token = token or secrets.token_urlsafe(24)
        self.access[token] = Access(email, app, None if scopes is None else set(scopes), self.now() + life)
        return token

    def expire(self) -> None:
        """All access tokens that applications have are over."""
        for one in self.access.values():
            one.expires = self.now() if one.app else one.expires

    def withdraw(self, email: str, why: str = "withdrawn") -> None:
        """The person takes back, on the vendor's own pages, what she has allowed; or something else ends it (`why`: a key of the vendor's REASONS)."""
        for app, who in [pair for pair in self.grants if pair[1] == email]:
            self.end(app, who, why)

    def end(self, app: str, email: str, why: str) -> None:
        grant = self.grants.pop((app, email), Grant())
        self.ended |= dict.fromkeys(grant.refresh, why)
        self.access = {token: one for token, one in self.access.items() if (one.app, one.email) != (app, email)}

    def bearer(self, headers: Mapping[str, str]) -> Access | None:
        """What a call may do by its token; None when that is missing, unknown, expired or revoked."""
        kind, _, token = headers.get("authorization", "").partition(" ")
        found = self.access.get(token) if kind == "Bearer" else None
        return found if found and found.expires > self.now() else None

    # What a vendor decides

    brand = ""
    prefix = ""  # of access tokens

    def endpoint(self, path: str) -> str:
        """The name of the endpoint at a path: "authorize", "token" or one of the vendor's; "" if there is none."""
        raise NotImplementedError

    def wish(self, given: dict[str, str], path: str) -> Wish:
        """Raises Blocked or SentBack."""
        raise NotImplementedError

    def described(self, scope: str) -> tuple[str, bool]:
        """What a scope allows in plain words, and whether the person may leave it out."""
        raise NotImplementedError

    def denied(self, wish: Wish) -> str:
        raise NotImplementedError

    def blocked(self, error: Blocked) -> Answer:
        raise NotImplementedError

    def application(self, name: str, secret: str) -> App:
        """Raises Refused."""
        raise NotImplementedError

    def bad(self, why: str) -> Refused:
        """why: unknown, used, late, redirect, no verifier, verifier, no refresh, request, grant type, or why a refresh token has ended."""
        raise NotImplementedError

    def redeemed(self, app: App, code: Code) -> dict[str, Any]:
        """What a code is exchanged for, the access token apart."""
        raise NotImplementedError

    def renewed(self, email: str, app: App, grant: Grant, token: str) -> dict[str, Any]:
        """What comes with a renewed access token."""
        raise NotImplementedError

    def wrong(self, error: Refused) -> dict[str, Any]:
        return {"error": error.error, "error_description": error.text}

    def further(self, name: str, query: str, headers: Mapping[str, str], content: bytes) -> Answer:
        """The answer of an endpoint that only this vendor has."""
        raise NotImplementedError

    # Answers

    def answer(self, name: str, verb: str, target: str, headers: Mapping[str, str], content: bytes) -> Answer:
        """To a call of the endpoint `name`."""
        url = urlsplit(target)
        with self.lock:
            try:
                if name == "authorize":
                    return self._asked(url.path, url.query) if verb == "GET" else self._decided(url.path, headers, content)
                if name == "token":
                    return as_json(200, self._token(verb, headers, content))
                return self.further(name, url.query, headers, content)
            except Refused as error:
                return as_json(error.status, self.wrong(error))
            except Blocked as error:
                return self.blocked(error)
            except SentBack as back:
                return 302, {"Location": back.address}, b""

    def _asked(self, path: str, query: str) -> Answer:
        self.calls["authorize"] += 1
        wish = self.wish(dict(parse_qsl(query, keep_blank_values=True)), path)
        scopes = [(one, *self.described(one)) for one in wish.scopes]
        body = pages.consent(
            self.brand, wish.app.name, [(one.email, one.name) for one in self.people.values()], wish.given.get("login_hint", ""), scopes, query
        )
        return pages.answer(f"{self.brand}: consent", body, forms_to=wish.redirect)

    def _decided(self, path: str, headers: Mapping[str, str], content: bytes) -> Answer:
        if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise Blocked("invalid_request", "Consent is given on this page only.", 403)
        self.calls["agree"] += 1
        rows = parse_qsl(content.decode(), keep_blank_values=True)
        form = dict(rows)
        wish = self.wish(dict(parse_qsl(form.get("query", ""), keep_blank_values=True)), path)
        if form.get("answer") != "allow":
            raise SentBack(self.denied(wish))
        email = form.get("account", "")
        if email not in self.people:
            raise Blocked("invalid_request", "There is no such account.")
        ticked = {value for key, value in rows if key == "scope"}
        allowed = {one for one in wish.scopes if one in ticked or not self.described(one)[1]}
        raise SentBack(self.agreed(wish, email, allowed))

    def agreed(self, wish: Wish, email: str, scopes: set[str]) -> str:
        """Where the person's browser goes with the code."""
        raise NotImplementedError

    def code(self, wish: Wish, email: str, scopes: set[str], *, offline: bool) -> str:
        name = f"4/0A{secrets.token_urlsafe(32)}"
        self.codes[name] = Code(wish, email, scopes, offline, self.now() + CODE_LIFE)
        self.grants.setdefault((wish.app.id, email), Grant()).scopes |= scopes
        return name

    def _token(self, verb: str, headers: Mapping[str, str], content: bytes) -> dict[str, Any]:
        form = form_of(headers, content) if verb == "POST" else None
        if form is None:
            raise self.bad("request")
        kind = form.get("grant_type", "")
        self.calls[f"token {kind}"] += 1
        app = self._client(form, headers)
        if kind == "authorization_code":
            code = self._redeem(app, form)
            email, scopes = code.email, code.scopes
            told = self.redeemed(app, code)
        elif kind == "refresh_token":
            token = form.get("refresh_token", "")
            email, grant = self._renew(app, token)
            scopes = grant.refresh[token]
            told = self.renewed(email, app, grant, token)
        else:
            raise self.bad("grant type" if kind else "request")
        made = f"{self.prefix}{secrets.token_urlsafe(40)}"
        self.access[made] = Access(email, app.id, set(scopes), self.now() + self.life)
        return {"access_token": made, "expires_in": self.life, "token_type": "Bearer"} | told

    def _client(self, form: Mapping[str, str], headers: Mapping[str, str]) -> App:
        """By what is in the form or in the header (RFC 6749 §2.3.1)."""
        kind, _, text = headers.get("authorization", "").partition(" ")
        if kind.lower() == "basic":
            name, _, secret = base64.b64decode(text).decode().partition(":")
            return self.application(unquote(name), unquote(secret))
        return self.application(form.get("client_id", ""), form.get("client_secret", ""))

    def _redeem(self, app: App, form: Mapping[str, str]) -> Code:
        code = self.codes.get(form.get("code", ""))
        if code is None or code.wish.app.id != app.id or (app.id, code.email) not in self.grants:
            raise self.bad("unknown")
        if code.used or code.expires <= self.now():
            raise self.bad("used" if code.used else "late")
        if code.wish.redirect != form.get("redirect_uri"):
            raise self.bad("redirect differs" if form.get("redirect_uri") in app.redirects else "redirect")
        if wanted := code.wish.given.get("code_challenge"):
            verifier = form.get("code_verifier", "")
            hashed = code.wish.given.get("code_challenge_method") == "S256"
            if not re.fullmatch(r"[A-Za-z0-9\-._~]{43,128}", verifier) or (challenge(verifier) if hashed else verifier) != wanted:
                raise self.bad("verifier" if verifier else "no verifier")
        code.used = True
        return code

    def _renew(self, app: App, token: str) -> tuple[str, Grant]:
        for (name, email), grant in self.grants.items():
            if name == app.id and token in grant.refresh:
                return email, grant
        raise self.bad(self.ended.get(token, "no refresh"))


def form_of(headers: Mapping[str, str], content: bytes) -> dict[str, str] | None:
    """A form with each parameter once, those without a value left out (RFC 6749 §3.2); None when it is none."""
    if headers.get("content-type", "").partition(";")[0].strip() != "application/x-www-form-urlencoded":
        return None
    rows = parse_qsl(content.decode(), keep_blank_values=True)
    return {name: value for name, value in rows if value} if len(dict(rows)) == len(rows) else None


def challenge(verifier: str) -> str:
    """S256 (RFC 7636 §4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def as_json(status: int, told: Any) -> Answer:
    return status, {"Content-Type": "application/json; charset=utf-8", "Cache-Control": "no-store"}, json.dumps(told).encode()
