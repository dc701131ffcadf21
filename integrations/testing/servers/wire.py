"""The loopback door of a local server: HTTP/1.1 in, one function answers."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = tuple[int, dict[str, str], bytes]  # status, headers, body
Answerer = Callable[[str, str, dict[str, str], bytes], Answer | None]  # method, target, headers in lower case, body; None: the connection breaks


@contextmanager
def serve(answer: Answerer, port: int = 0, latency: float = 0) -> Iterator[str]:
    """Runs until the end of the block; gives the address, without a slash at its end. `latency`: seconds until it begins to answer."""

    class Door(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # one packet per answer: two would wait 40 ms for a delayed acknowledgement
        disable_nagle_algorithm = True

        def _pass(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            time.sleep(latency)
            found = answer(self.command, self.path, {name.lower(): value for name, value in self.headers.items()}, content)
            if found is None:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            status, headers, body = found
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if status != 204:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Silence: tests read what the servers count."""

    for method in ("GET", "PUT", "DELETE", "PATCH", "POST", "OPTIONS", "PROPFIND", "REPORT", "MKCALENDAR", "PROPPATCH"):
        setattr(Door, f"do_{method}", Door._pass)
    door = ThreadingHTTPServer(("127.0.0.1", port), Door)
    door.daemon_threads = True
    thread = threading.Thread(target=door.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{door.server_address[1]}"
    finally:
        door.shutdown()
        door.server_close()
        thread.join(5)
