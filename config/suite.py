"""Runs the whole test suite: `python -m config.suite`, with `--long` the long matrices too.

First everything on SQLite, then on PostgreSQL what depends on the database. What the machine lacks is skipped
and said loudly at the end; with KALENDS_INSIST=1 a lack is a failure.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import redis
from psycopg.sql import SQL, Identifier

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
LOCAL_POSTGRES = "postgres://postgres@127.0.0.1:5432/kalends"
LOCAL_REDIS = "redis://127.0.0.1:6379/9"
MEMORY, LEAST_MEMORY = Path("/dev/shm"), 2**30  # bytes  # noqa: S108 - pytest makes a folder there that only this user may enter
ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Services:
    """Addresses of what tests may use beside SQLite; empty where the machine has none."""

    postgres: str = ""
    redis: str = ""
    chromium: str = ""

    @classmethod
    def from_environment(cls) -> Services:
        return cls(
            postgres=_found("TEST_DATABASE_URL", LOCAL_POSTGRES, answers_postgres),
            redis=_found("TEST_REDIS_URL", LOCAL_REDIS, answers_redis),
            chromium=find_chromium(),
        )

    def missing(self) -> list[str]:
        lacks = [
            (self.postgres, "PostgreSQL does not answer: the pass on PostgreSQL was SKIPPED (set TEST_DATABASE_URL)."),
            (self.redis, "Redis does not answer: the tests that need it were SKIPPED (set TEST_REDIS_URL)."),
            (self.chromium, "No chromium found: the browser tests were SKIPPED (install chromium or set CHROMIUM)."),
        ]
        return [text for found, text in lacks if not found]


def answers_postgres(url: str) -> bool:
    # The maintenance database: the one named in the address need not exist, only its test_… twin is made.
    server = url.rsplit("/", 1)[0] + "/postgres"
    try:
        psycopg.connect(server, connect_timeout=3).close()
    except psycopg.OperationalError:
        return False
    return True


def answers_redis(url: str) -> bool:
    try:
        redis.Redis.from_url(url, socket_connect_timeout=3).ping()
    except redis.RedisError:
        return False
    return True


def find_chromium() -> str:
    wanted = os.environ.get("CHROMIUM", "")
    for name in (wanted,) if wanted else BROWSERS:
        if path := shutil.which(name):
            return path
    return ""


def _found(variable: str, local: str, answers: Callable[[str], bool]) -> str:
    url = os.environ.get(variable, "").strip() or local
    return url if answers(url) else ""


def in_memory() -> dict[str, str]:
    """Where tests keep their files: a CalDAV server waits for the disk at each request."""
    return {"PYTEST_DEBUG_TEMPROOT": str(MEMORY)} if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > LEAST_MEMORY else {}


def bytecode() -> dict[str, str]:
    """Where compiled files are kept although the shell wants none beside the sources: else each of a hundred processes compiles all of them anew."""
    return {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(ROOT / "var" / "bytecode")} if os.environ.get("PYTHONDONTWRITEBYTECODE") else {}


@contextmanager
def migrated(postgres: str) -> Iterator[tuple[str, str]]:
    """Names of databases that are migrated once, the one of SQLite and the one of PostgreSQL: each worker has a copy of its own (conftest.py), made in a
    moment, while migrating takes five seconds."""
    with ExitStack() as stack:
        file = Path(stack.enter_context(TemporaryDirectory(dir=in_memory().get("PYTEST_DEBUG_TEMPROOT")))) / "migrated.sqlite3"
        urls, name = [f"sqlite:///{file}"], ""
        if postgres:
            server, _, wanted = postgres.rpartition("/")
            name = f"migrated_{wanted}"
            own = stack.enter_context(psycopg.connect(f"{server}/postgres", autocommit=True))
            drop = SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(name))
            own.execute(drop)
            own.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
            stack.callback(own.execute, drop)
            urls.append(f"{server}/{name}")
        environment = os.environ | bytecode() | {"DJANGO_SETTINGS_MODULE": "config.testing"}
        command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
        running = [subprocess.Popen(command, cwd=ROOT, env=environment | {"DATABASE_URL": url}) for url in urls]
        if sum(one.wait() for one in running):
            raise SystemExit("The test databases could not be migrated.")
        yield str(file), name


def run(name: str, arguments: list[str], **environment: str) -> bool:
    """One pass of pytest; True when it passed."""
    print(f"\n=== {name} ===", flush=True)
    started = time.monotonic()
    # One more than there are cores, since many tests wait for a server or a browser.
    workers = os.environ.get("KALENDS_TEST_WORKERS") or str((os.cpu_count() or 1) + 1)
    command = [sys.executable, "-m", "pytest", "-q", "-n", workers, "--dist", "loadgroup", *arguments]
    passed = subprocess.run(command, env=in_memory() | os.environ | bytecode() | environment, check=False).returncode == 0
    print(f"=== {name}: {'passed' if passed else 'FAILED'} in {time.monotonic() - started:.0f} s ===", flush=True)
    return passed


def main(arguments: list[str]) -> int:
    services = Services.from_environment()
    missing = services.missing()
    insist = os.environ.get("KALENDS_INSIST") == "1"
    if insist and missing:
        print("KALENDS_INSIST=1, but:", *missing, sep="\n  ")
        return 1
    environment = {"KALENDS_LONG": "1"} if "--long" in arguments else {}
    with migrated(services.postgres) as (file, name):
        passed = run("SQLite", [], **environment, MIGRATED=file)
        if services.postgres:
            # What does not touch this database, and what a browser shows, is the same on both. No test pulls the plug of the database's machine.
            environment |= {"DATABASE_URL": services.postgres, "PGOPTIONS": "-c synchronous_commit=off", "MIGRATED": name}
            passed &= run("PostgreSQL", ["-m", "not browser and not pure and not once"], **environment)
    for text in missing:
        print(f"!!! {text}")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
