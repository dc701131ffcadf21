"""The one way out over HTTP: time-outs, sizes, redirects, addresses and TLS are decided here for every provider."""

from __future__ import annotations

import ssl
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import httpx

from integrations.contract import NeedsPerson, ProviderError, Retry
from integrations.wire.address import HTTPS_PORTS, Policy, policy, refusal
from integrations.wire.transport import Clock, Transport

MAX_AFTER = 3600.0  # seconds; some servers ask for a year
REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS", "PROPFIND", "REPORT"})


class TooLarge(NeedsPerson):
    """The answer is larger than we take. Asking for less at once may help."""

    def __init__(self) -> None:
        super().__init__("The server's answer is too large.", "Ask the server's operator, or choose a smaller calendar.", code="rejected")


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer, within the limits. `url` is where it came from, after redirects; `headers` in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str


class Client:
    """Speaks HTTP under a policy. Holds no credentials: they are given per call, and go to the host of that call's address only."""

    def __init__(self, rules: Policy | None = None) -> None:
        self.rules = rules or policy()
        self._clock = Clock()
        self._http = httpx.Client(transport=Transport(self.rules, self._clock), follow_redirects=False, trust_env=False, headers={"User-Agent": "Kalends"})

    def __enter__(self) -> Client:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def request(self, method: str, url: str, *, headers: Mapping[str, str] | None = None, content: bytes = b"", auth: str = "", follow: bool = True) -> Answer:
        """One request with its redirects, whatever status it ends in. `auth` is the Authorization header. Not to `follow` returns the redirect itself.

        Raises Retry or NeedsPerson when there is no whole answer. A redirect to another host is refused when `auth` is given.
        """
        deadline = time.monotonic() + self.rules.total
        home = origin(url)
        for _ in range(self.rules.hops + 1):
            check(url, self.rules)
            answer = self._once(method, url, dict(headers or {}) | ({"Authorization": auth} if auth else {}), content, deadline)
            place = answer.headers.get("location", "")
            if answer.status not in (301, 302, 303, 307, 308) or not place or not follow:
                return answer
            try:
                url = str(httpx.URL(answer.url).join(place))
            except (httpx.InvalidURL, ValueError) as error:
                raise refusal() from error
            check(url, self.rules)
            if auth:
                stay(url, home)
        raise NeedsPerson("The server sends us around in circles.", "Check the address.", code="address")

    def _once(self, method: str, url: str, headers: dict[str, str], content: bytes, deadline: float) -> Answer:
        for again in (method in REPEATABLE, False):
            try:
                return self._whole(method, url, {"Accept-Encoding": "gzip", **headers}, content, deadline)
            except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError) as error:
                if not again:  # a kept-alive connection may have been dropped: reading again does no harm
                    raise problem(error) from error
            except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
                raise problem(error) from error
        raise Retry("The server can't be reached.")

    def _whole(self, method: str, url: str, headers: dict[str, str], content: bytes, deadline: float) -> Answer:
        self._clock.deadline = deadline
        left = max(0.1, deadline - time.monotonic())
        waits = httpx.Timeout(min(self.rules.read, left), connect=min(self.rules.connect, left))
        with self._http.stream(method, url, headers=headers, content=content, timeout=waits) as answer:
            packed = answer.headers.get("content-encoding", "identity").lower()
            if packed not in ("identity", "gzip", ""):
                raise Retry("The server's answer can't be read.")
            body = b"".join(_limited(answer.iter_raw(), packed == "gzip", self.rules, deadline))
            return Answer(answer.status_code, dict(answer.headers), body, str(answer.url))


def client(rules: Policy | None = None) -> Client:
    """A client under the installation's policy, or under `rules`."""
    return Client(rules)


def client_to(*addresses: str, **limits: Any) -> Client:
    """A client for hosts that the operator has named by a setting, so they may be private ones. `limits`: of address.Policy."""
    rules = policy()
    return client(replace(rules, private=rules.private | {urlsplit(address).netloc.lower() for address in addresses}, **limits))


def _limited(chunks: Iterator[bytes], packed: bool, rules: Policy, deadline: float) -> Iterator[bytes]:
    unpack = zlib.decompressobj(wbits=31)
    raw, size = 0, 0
    for chunk in chunks:
        raw += len(chunk)
        if packed:
            try:
                chunk = unpack.decompress(chunk, rules.size + 1 - size)
            except zlib.error as error:
                raise Retry("The server's answer can't be read.") from error
        size += len(chunk)
        if size > rules.size or unpack.unconsumed_tail or (size > 1024 * 1024 and size > raw * rules.ratio):
            raise TooLarge
        if time.monotonic() > deadline:
            raise Retry("The server takes too long to answer.")
        yield chunk
    if packed and raw and not unpack.eof:
        raise Retry("The server's answer was cut short.")


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port. Raises NeedsPerson(code="address") for what is no address."""
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError) as error:
        raise refusal() from error
    return parsed.scheme, parsed.host.lower().rstrip("."), parsed.port or (443 if parsed.scheme == "https" else 80)


def stay(url: str, home: tuple[str, str, int]) -> None:
    """Raises NeedsPerson when `url` is not on the host a password was given for; https there is as good as the very same origin."""
    place = origin(url)
    if place != home and (place[1] != home[1] or place[0] != "https"):
        raise NeedsPerson("The server sends us on to another host.", f"If you trust it, enter its address yourself. ({place[1]})", code="address")


def check(url: str, rules: Policy) -> None:
    """Raises NeedsPerson(code="address") for an address that may not be spoken to, before any look-up."""
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError) as error:
        raise refusal() from error
    if any(ord(character) <= 32 or character in "\\\x7f" for character in url) or parsed.scheme not in ("http", "https") or not parsed.host or parsed.userinfo:
        raise refusal()
    scheme, host, port = origin(url)
    if not rules.allows(host, port) and (scheme != "https" or port not in HTTPS_PORTS):
        raise refusal()


def problem(cause: Exception | Answer, *, now: datetime | None = None) -> ProviderError:
    """What a failed exchange means for us: again later, or a person. Never holds anything the other side wrote."""
    if isinstance(cause, ProviderError):
        return cause
    if isinstance(cause, Answer):
        if cause.status == 401:
            return NeedsPerson("The server does not accept the user name or password.", "Enter them again. Some servers want an app password.", code="auth")
        if cause.status in (403, 405):
            return NeedsPerson("The server does not allow this.", "Check the rights of this account on the calendar.", code="permission")
        if cause.status in (404, 410):
            return NeedsPerson("This does not exist on the server any more.", "Choose the calendar again.", code="gone")
        wait = retry_after(cause.headers.get("retry-after", ""), now or datetime.now(UTC))
        if cause.status == 429:
            return Retry("The server allows no more calls for the time being.", wait, whole=True)
        if cause.status in (408, 409, 412, 423, 425) or cause.status >= 500:
            return Retry("The server is busy or out of order.", wait, whole=cause.status == 503)
        if cause.status >= 400:
            return NeedsPerson("The server refuses this content.", "Look at the entry there; it may break one of the server's rules.", code="rejected")
        return Retry("The server gave an answer that makes no sense.")
    chain: BaseException | None = cause
    while chain is not None:
        if isinstance(chain, ssl.SSLCertVerificationError):
            return NeedsPerson("The server's certificate is not trusted.", "Ask its operator. Own authorities are set by KALENDS_CA_FILE.", code="address")
        if isinstance(chain, ProviderError):
            return chain
        chain = chain.__cause__ or chain.__context__
    if isinstance(cause, httpx.InvalidURL | httpx.UnsupportedProtocol):
        return refusal()
    if isinstance(cause, httpx.TimeoutException) and not isinstance(cause, httpx.ConnectTimeout):
        return Retry("The server takes too long to answer.")
    return Retry("The server can't be reached.", whole=isinstance(cause, httpx.ConnectError | httpx.ConnectTimeout))


def retry_after(text: str, now: datetime) -> float | None:
    """Seconds to wait by a Retry-After header: seconds or a date (RFC 9110 §10.2.3), at most an hour; None when it says nothing usable."""
    text = text.strip()
    if text.isdecimal():
        return min(MAX_AFTER, float(text[:10]))
    with suppress(ValueError, TypeError, OverflowError):
        return min(MAX_AFTER, max(0.0, (parsedate_to_datetime(text).astimezone(UTC) - now).total_seconds()))
    return None
