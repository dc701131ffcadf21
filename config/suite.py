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
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg
import redis

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
LOCAL_POSTGRES = "postgres://postgres@127.0.0.1:5432/kalends"
LOCAL_REDIS = "redis://127.0.0.1:6379/9"
MEMORY, LEAST_MEMORY = Path("/dev/shm"), 2**30  # bytes  # noqa: S108 - pytest makes a folder there that only this user may enter


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


def run(name: str, arguments: list[str], **environment: str) -> bool:
    """One pass of pytest; True when it passed."""
    print(f"\n=== {name} ===", flush=True)
    started = time.monotonic()
    # One more than there are cores, since many tests wait for a server or a browser.
    workers = os.environ.get("KALENDS_TEST_WORKERS") or str((os.cpu_count() or 1) + 1)
    command = [sys.executable, "-m", "pytest", "-q", "-n", workers, "--dist", "loadgroup", *arguments]
    passed = subprocess.run(command, env=in_memory() | os.environ | environment, check=False).returncode == 0
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
    passed = run("SQLite", [], **environment)
    if services.postgres:
        # What does not touch this database, and what a browser shows, is the same on both. No test pulls the plug of the database's machine.
        environment |= {"DATABASE_URL": services.postgres, "PGOPTIONS": "-c synchronous_commit=off"}
        passed &= run("PostgreSQL", ["-m", "not browser and not pure and not once"], **environment)
    for text in missing:
        print(f"!!! {text}")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
