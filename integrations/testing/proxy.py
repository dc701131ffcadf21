"""A proxy on the loopback that passes HTTP on and breaks, on demand, the next call: cut, delay, refuse, truncate."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


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
    target = urlsplit(upstream)
    state = Proxy()

    class Door(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # one packet per answer: two would wait 40 ms for a delayed acknowledgement
        disable_nagle_algorithm = True

        def _pass(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if state.watch:
                state.watch(self.command)
            fault = state.take(self.command)
            kind = fault.kind if fault else ""
            if kind == "delay" and fault:
                time.sleep(fault.seconds)
            if kind in ("hold", "hold-before"):
                state.hold(self.command, self.path)
            if kind in ("cut-before", "hold-before", "status", "page", "body"):
                state.calls.append((self.command, self.path, 0))
                if kind == "status" and fault:
                    self._answer(fault.status, {"Retry-After": fault.after} if fault.after else {}, b"secret inner words")
                elif kind == "page":
                    self._answer(200, {"Content-Type": "text/html"}, b"<!doctype html><title>Maintenance</title><p>Back soon<br>")
                elif kind == "body" and fault:
                    self._answer(207, {"Content-Type": "application/xml"}, fault.body)
                else:
                    self._cut()
                return
            status, headers, answer = self._ask(body)
            state.calls.append((self.command, self.path, status))
            if kind == "hold-after":
                state.hold(self.command, self.path)
            if kind in ("cut", "hold-after"):
                self._cut()
            elif kind == "late-status" and fault:
                self._answer(fault.status, {}, b"")
            elif kind == "truncate":
                self._answer(status, headers, answer[: len(answer) // 2])
            else:
                if kind == "drop-etag":
                    headers = {name: value for name, value in headers.items() if name.lower() != "etag"}
                self._answer(status, headers, answer)

        def _ask(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
            connection = http.client.HTTPConnection(str(target.hostname), target.port, timeout=30)
            headers = {name: value for name, value in self.headers.items() if name.lower() not in ("connection", "accept-encoding")}
            try:
                connection.request(self.command, self.path, body or None, headers)
                answer = connection.getresponse()
                kept = {name: value for name, value in answer.getheaders() if name.lower() not in ("transfer-encoding", "content-length", "connection")}
                return answer.status, kept, answer.read()
            except OSError:
                return 502, {}, b""
            finally:
                connection.close()

        def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if status != 204:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if status != 204 and self.command != "HEAD":
                self.wfile.write(body)

        def _cut(self) -> None:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Silence: tests read `calls`."""

    for method in ("GET", "PUT", "DELETE", "PROPFIND", "REPORT", "MKCALENDAR", "OPTIONS", "PROPPATCH", "POST", "PATCH"):
        setattr(Door, f"do_{method}", Door._pass)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    server.daemon_threads = True
    state.address = f"http://127.0.0.1:{server.server_address[1]}/"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
