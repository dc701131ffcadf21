"""`python -m integrations.testing.servers.standalone google …`: a local server as a process of its own, with pages for people, that keeps its data."""

from __future__ import annotations

import argparse
import logging
import os
import pickle
import signal
import sys
import threading
from collections.abc import Mapping
from contextlib import AbstractContextManager
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from integrations.testing.servers.google import GoogleServer, google
from integrations.testing.servers.google_diary import GoogleDiary
from integrations.testing.servers.graph import GraphServer, graph
from integrations.testing.servers.graph_diary import GraphDiary
from integrations.testing.servers.week import Week
from integrations.testing.servers.wire import Answer

logger = logging.getLogger(__name__)

PAGE_SIZE = 250
KEPT = {
    "oauth": ("people", "grants", "access", "ended"),
    "store": ("calendars", "mails", "epoch", "etag"),
    "channels": ("live", "used"),
    "mailbox": ("calendars", "events", "transactions", "writes", "mails", "versions"),
    "subscriptions": ("live",),
    "server": ("tokens",),
    "numbers": ("last",),
}


class Memory:
    """What a server must not forget, in one file, which is written after each change. Only its owner may read it: it holds tokens."""

    def __init__(self, server: GoogleServer | GraphServer, path: Path) -> None:
        self.server, self.path = server, path

    def _parts(self) -> dict[tuple[str, str], Any]:
        server = self.server
        if isinstance(server, GoogleServer):
            parts: dict[tuple[str, str], Any] = {("store", email): one.store for email, one in server.accounts.items()}
            return parts | {("oauth", ""): server.oauth, ("channels", ""): server.channels}
        parts = {("mailbox", email): one.mailbox for email, one in server.accounts.items()}
        return parts | {("oauth", ""): server.oauth, ("subscriptions", ""): server.subscriptions, ("server", ""): server, ("numbers", ""): server.numbers}

    def save(self) -> None:
        """Whole or not at all."""
        with self.server.lock, self.server.oauth.lock:
            found = {key: {name: getattr(part, name) for name in KEPT[key[0]]} for key, part in self._parts().items()}
            text = pickle.dumps(found)
        fresh = self.path.with_suffix(".new")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(text)
        fresh.replace(self.path)

    def load(self) -> None:
        """Nothing at the first start. Accounts that are new since then stay as they are. Raises SystemExit with the reason."""
        if not self.path.exists():
            return
        try:
            found: dict[tuple[str, str], dict[str, Any]] = pickle.loads(self.path.read_bytes())  # noqa: S301 - our own file, which only its owner may write
        except (pickle.UnpicklingError, EOFError, AttributeError, ImportError, IndexError, ValueError) as error:
            raise SystemExit(f"{self.path} is damaged or of another version. Move it away to start anew (in the demo: make demo-reset).") from error
        parts = self._parts()
        for key, values in found.items():
            for name, value in values.items() if key in parts else ():
                setattr(parts[key], name, {**getattr(parts[key], name), **value} if name == "people" else value)


class Tryout:
    """The server's own answers, and its pages for people. Only for who comes by a name of this machine: another one could lead a browser here."""

    def __init__(self, server: GoogleServer | GraphServer, week: Week, memory: Memory) -> None:
        self.server, self.week, self.memory = server, week, memory
        self._lock = threading.Lock()

    def answer(self, verb: str, target: str, headers: dict[str, str], content: bytes) -> Answer | None:
        if urlsplit(f"//{headers.get('host', '')}").hostname not in ("127.0.0.1", "localhost"):
            return 421, {"Content-Type": "text/plain"}, b"This server is for this machine only."
        found = self.week.answer(verb, target, headers, content) or self.server.answer(verb, target, headers, content)
        if verb != "GET":
            with self._lock:
                self.memory.save()
        return found


def run(server: GoogleServer | GraphServer, door: AbstractContextManager[Any], memory: Memory) -> None:
    """Until it is asked to end."""
    end = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: end.set())
    with door:
        logger.info("Listening at %s", server.address)
        end.wait()
        memory.save()


def main(arguments: list[str], environment: Mapping[str, str]) -> None:
    parser = argparse.ArgumentParser(description="The client's secret is taken from the variable TRYOUT_CLIENT_SECRET.")
    parser.add_argument("kind", choices=["google", "outlook"])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--state", type=Path, required=True, help="file that keeps what was done")
    parser.add_argument("--client", required=True, help="client ID")
    parser.add_argument("--redirect", required=True, help="where people are sent back to")
    parser.add_argument("--home", required=True, help="the application that is tried")
    parser.add_argument("--person", action="append", required=True, help="Name <address>; the first is used where none is chosen")
    parser.add_argument("--zone", type=ZoneInfo, default=ZoneInfo("Europe/Berlin"))
    given = parser.parse_args(arguments)
    people = [parseaddr(one) for one in given.person]
    server = (GoogleServer if given.kind == "google" else GraphServer)(people[0][1], PAGE_SIZE, people[0][0])
    server.oauth.access.clear()  # the tokens of tests
    for name, email in people[1:]:
        server.add_person(email, name)
    server.oauth.brand = f"{given.kind.title()} (try-out)"
    server.oauth.register(given.redirect, app=given.client, secret=environment["TRYOUT_CLIENT_SECRET"])
    memory = Memory(server, given.state)
    memory.load()
    if isinstance(server, GoogleServer):
        tryout = Tryout(server, Week(GoogleDiary(server, given.zone), server.oauth.brand, given.zone, given.home), memory)
        run(server, google(server, given.port, tryout.answer), memory)
    else:
        tryout = Tryout(server, Week(GraphDiary(server, given.zone), server.oauth.brand, given.zone, given.home), memory)
        run(server, graph(server, given.port, tryout.answer), memory)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    main(sys.argv[1:], os.environ)
