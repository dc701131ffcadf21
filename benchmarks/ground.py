"""Where figures are taken: a fresh PostgreSQL database, and gunicorn before it. Both are gone afterwards."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import psycopg
from psycopg import sql

from config.keys import make_keys
from config.suite import Services

ROOT = Path(__file__).resolve().parents[1]
# Figures are about the work, not about how much of it one address may ask for.
UNTHROTTLED = {f"THROTTLE_{scope}": "1000000/min" for scope in ("READ", "SLOTS", "BOOK", "LINK")}


@contextmanager
def fresh_database() -> Iterator[str]:
    """The address of an empty database with all tables, on the server that the tests use; Django is set up for it."""
    server = Services.from_environment().postgres
    if not server:
        sys.exit("PostgreSQL doesn't answer; set TEST_DATABASE_URL, for example postgres://postgres@127.0.0.1:5432/kalends.")
    server = server.rsplit("/", 1)[0]
    name = f"kalends_bench_{uuid.uuid4().hex[:12]}"
    with tempfile.TemporaryDirectory() as folder, psycopg.connect(f"{server}/postgres", autocommit=True) as own:
        own.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            os.environ.update(
                make_keys(),
                DATABASE_URL=f"{server}/{name}",
                CACHE_URL="locmem://",
                KALENDS_VAR_DIR=folder,
                ALLOWED_HOSTS="127.0.0.1",
                SITE_URL="http://127.0.0.1",
                DJANGO_SETTINGS_MODULE="config.settings",
                **UNTHROTTLED,
            )
            import django
            from django.core.management import call_command
            from django.db import connection

            django.setup()
            call_command("migrate", verbosity=0)
            yield f"{server}/{name}"
            connection.close()
        finally:
            own.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def settle(database: str) -> None:
    """What the server does by itself after a while: statistics and the visibility map."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


@contextmanager
def serve(*, workers: int) -> Iterator[str]:
    """The address of gunicorn with so many workers, with the settings of this process's environment."""
    with socket.socket() as listener, tempfile.TemporaryFile() as log:
        listener.bind(("127.0.0.1", 0))
        listener.listen(256)
        command = [sys.executable, "-m", "gunicorn", "config.wsgi", "--preload", "--workers", str(workers), "--bind", f"fd://{listener.fileno()}"]
        process = subprocess.Popen(command, cwd=ROOT, pass_fds=[listener.fileno()], stdout=log, stderr=log)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        try:
            _wait_for(url, process)
            yield url
        finally:
            process.terminate()
            process.wait(timeout=20)


def _wait_for(url: str, process: subprocess.Popen[bytes], seconds: float = 60) -> None:
    """Any answer will do; the socket is open before gunicorn runs, so only time-outs and exits tell."""
    until = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < until:
        try:
            urlopen(f"{url}/api/v1/services/", timeout=seconds).close()
        except URLError:
            time.sleep(0.2)
        else:
            return
    raise RuntimeError(f"gunicorn doesn't answer at {url} (exit code {process.poll()})")
