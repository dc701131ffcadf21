"""A proxy on the loopback that passes HTTP on and breaks, on demand, the next call: cut, delay, refuse, truncate."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from integrations.testing.servers.wire import Answer, serve


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to a call (of one of the methods, separated by blanks). kind: cut-before (nothing is passed on), cut (passed on, answer lost),
    hold-before and hold-after (the same, but the caller is kept waiting until `Proxy.release`), hold (kept waiting, then passed on as if nothing had
    been), delay (`seconds`), status (`status`, `after` as Retry-After; not passed on), late-status (passed on, then `status`), truncate (half the
    body), page (200 with HTML), body (207 with `body`; neither is passed on), drop-etag."""

    kind: str
    method: str = ""
    status: int = 503
    after: str = ""
    seconds: float = 1.0
    body: bytes = b""


@dataclass
class Proxy:
    """`address` stands for the server's. `calls`: (method, path, status the server gave, 0 for not asked). `held`: (method, path) of those kept
    waiting. `watch` is called with the method before each call."""

    address: str = ""
    faults: list[Fault] = field(default_factory=list)
    calls: list[tuple[str, str, int]] = field(default_factory=list)
    held: list[tuple[str, str]] = field(default_factory=list)
    watch: Callable[[str], None] | None = None
    _released: threading.Event = field(default_factory=threading.Event)

    def hold(self, method: str, path: str) -> None:
        self.held.append((method, path))
        self._released.wait(120)

    def release(self) -> None:
        """Lets go of all that is held."""
        self._released.set()
        self._released, self.held = threading.Event(), []

    def then(self, fault: Fault, times: int = 1) -> None:
        self.faults += [fault] * times

    def take(self, method: str) -> Fault | None:
        for place, fault in enumerate(self.faults):
            if not fault.method or method in fault.method.split():
                return self.faults.pop(place)
        return None

    def writes(self) -> int:
        """How many writing calls the server has carried out."""
        return sum(method in ("PUT", "DELETE", "MKCALENDAR", "PROPPATCH", "POST", "PATCH") and 200 <= status < 300 for method, _, status in self.calls)


@contextmanager
def proxy(upstream: str) -> Iterator[Proxy]:
    """A proxy in front of the server at `upstream`."""
    place, state = urlsplit(upstream), Proxy()

    def answer(method: str, target: str, headers: dict[str, str], content: bytes) -> Answer | None:
        if state.watch:
            state.watch(method)
        fault = state.take(method) or Fault("")
        if fault.kind == "delay":
            time.sleep(fault.seconds)
        if fault.kind in ("hold", "hold-before"):
            state.hold(method, target)
        if fault.kind in ("cut-before", "hold-before", "status", "page", "body"):
            state.calls.append((method, target, 0))
            return _instead(fault)
        status, kept, body = _pass(place.netloc, method, target, headers, content)
        state.calls.append((method, target, status))
        if fault.kind == "hold-after":
            state.hold(method, target)
        if fault.kind in ("cut", "hold-after"):
            return None
        if fault.kind == "late-status":
            return fault.status, {}, b""
        if fault.kind == "drop-etag":
            kept = {name: value for name, value in kept.items() if name.lower() != "etag"}
        return status, kept, body[: len(body) // 2] if fault.kind == "truncate" else body

    with serve(answer) as address:
        state.address = f"{address}/"
        yield state


def _instead(fault: Fault) -> Answer | None:
    """What is answered without asking the server."""
    match fault.kind:
        case "status":
            return fault.status, {"Retry-After": fault.after} if fault.after else {}, b"secret inner words"
        case "page":
            return 200, {"Content-Type": "text/html"}, b"<!doctype html><title>Maintenance</title><p>Back soon<br>"
        case "body":
            return 207, {"Content-Type": "application/xml"}, fault.body
    return None


def _pass(server: str, method: str, target: str, headers: dict[str, str], content: bytes) -> Answer:
    connection = http.client.HTTPConnection(server, timeout=30)
    try:
        connection.request(method, target, content or None, {name: value for name, value in headers.items() if name not in ("connection", "accept-encoding")})
        answer = connection.getresponse()
        kept = {name: value for name, value in answer.getheaders() if name.lower() not in ("transfer-encoding", "content-length", "connection")}
        return answer.status, kept, answer.read()
    except OSError:
        return 502, {}, b""
    finally:
        connection.close()
