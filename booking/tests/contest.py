"""A shop of its own for contests: a fresh database, gunicorn with several workers, and processes that book at the same moment."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
from django.db import connection

ROOT = Path(__file__).resolve().parents[2]
WORKERS, THREADS = 4, 4
PROCESSES = 4

# Two appointments at the same time for one calendar: must never be found.
OVERLAPS = """
SELECT count(*) FROM booking_allocation a JOIN booking_allocation b ON a.calendar_id = b.calendar_id AND a.id < b.id AND a.start < b."end" AND b.start < a."end"
"""


class Shop:
    """Where contestants meet: `url` of the server, `environment` of every process, and the database by plain SQL."""

    def __init__(self, database: str, environment: dict[str, str]) -> None:
        self.database, self.environment, self.url = database, environment, ""

    def ask(self, query: str) -> int:
        """The single number that a query gives."""
        if self.database.startswith("sqlite"):
            with closing(sqlite3.connect(self.database.removeprefix("sqlite:///"))) as connection:
                return int(connection.execute(query).fetchone()[0])
        with psycopg.connect(self.database) as connection:
            row = connection.execute(query).fetchone()
            assert row is not None
            return int(row[0])

    def python(self, *arguments: str) -> str:
        """Runs a Python program of the project on this shop's database."""
        done = subprocess.run([sys.executable, *arguments], cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout


@contextmanager
def open_shop(folder: Path) -> Iterator[Shop]:
    """On the kind of database that the tests run on, as a copy of the tests' own, which is empty between tests."""
    with copied_database(folder) as database:
        environment = os.environ | {"DATABASE_URL": database, "THROTTLE_BOOK": "off", "CACHE_URL": "locmem://", "KALENDS_VAR_DIR": str(folder)}
        shop = Shop(database, environment)
        with serve(environment, folder / "server.log") as shop.url:
            yield shop


@contextmanager
def copied_database(folder: Path) -> Iterator[str]:
    """Copying takes a moment, migrating afresh ten seconds."""
    template = connection.settings_dict
    if connection.vendor == "sqlite":
        file = folder / "contest.sqlite3"
        with closing(sqlite3.connect(template["NAME"])) as source, closing(sqlite3.connect(file)) as copy:
            source.backup(copy)
        yield f"sqlite:///{file}"
        return
    connection.close()  # PostgreSQL copies only what nobody is connected to
    name = f"contest_{uuid.uuid4().hex[:12]}"
    login = f"{template['USER'] or 'postgres'}{':' + template['PASSWORD'] if template['PASSWORD'] else ''}"
    server = f"postgres://{login}@{template['HOST'] or '127.0.0.1'}:{template['PORT'] or 5432}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as own:
        own.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template["NAME"]}"')
        try:
            yield f"{server}/{name}"
        finally:
            own.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextmanager
def serve(environment: dict[str, str], log: Path, workers: int = WORKERS, threads: int = THREADS) -> Iterator[str]:
    """gunicorn on a free port, until the end of the block; gives its address."""
    with socket.socket() as listener, log.open("wb") as output:
        listener.bind(("127.0.0.1", 0))
        listener.listen(256)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        command = [sys.executable, "-m", "gunicorn", "config.wsgi", f"--bind=fd://{listener.fileno()}", f"--workers={workers}", "--worker-class=gthread"]
        command += [f"--threads={threads}", "--timeout=60", "--keep-alive=30", "--graceful-timeout=2", "--preload"]
        server = subprocess.Popen(command, cwd=ROOT, env=environment, pass_fds=[listener.fileno()], stdout=output, stderr=output)
        try:
            wait_until_ready(url, server, log)
            yield url
        finally:
            server.terminate()
            server.wait(timeout=30)


def wait_until_ready(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    import httpx

    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert server.poll() is None, log.read_text()
        try:
            if httpx.get(f"{url}/api/v1/services/", timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError(log.read_text())


class Contestants:
    """Processes with several threads each; each thread does one deed per round, all at the same moment."""

    def __init__(self, shop: Shop, processes: int = PROCESSES) -> None:
        command = [sys.executable, "-m", "booking.tests.contestant", shop.url, str(processes)]
        self.process = subprocess.Popen(command, cwd=ROOT, env=shop.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._line() == "ready"

    def round(self, deeds: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Results of deeds that all begin at once: {"status", "seconds", …}."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"start": time.time() + 0.1, "deeds": deeds}) + "\n")
        self.process.stdin.flush()
        results: list[dict[str, Any]] = json.loads(self._line())
        return results

    def __enter__(self) -> Contestants:
        return self

    def __exit__(self, *error: object) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(timeout=30)

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()
