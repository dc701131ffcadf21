"""Real Celery workers as processes of their own, on the tests' database, and a way to kill them as a power cut would."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import redis
from django.db import connection

FAST = {"SWEEP_SECONDS": "1", "POLL_SECONDS": "2", "RETRY_SECONDS": "1", "LEASE_SECONDS": "5"}
PATIENCE = 60  # seconds until what must happen has happened, on a busy machine


def database_url() -> str:
    """The database of the running test, for other processes."""
    entry = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{entry['NAME']}"
    password = f":{entry['PASSWORD']}" if entry["PASSWORD"] else ""
    return f"postgres://{entry['USER']}{password}@{entry['HOST']}:{entry['PORT'] or 5432}/{entry['NAME']}"


def wait_until(holds: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.05)


@dataclass
class Plant:
    """Workers that talk to one broker and to the calendar servers behind `hosts`."""

    folder: Path
    broker: str
    hosts: str
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)
    more: dict[str, str] = field(default_factory=dict)  # of the workers' environment
    app: str = "config"  # where Celery finds the application

    def environment(self, **extra: str) -> dict[str, str]:
        wanted = {
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "KALENDS_TESTING": "1",
            "KALENDS_VAR_DIR": str(self.folder),
            "DATABASE_URL": database_url(),
            "CELERY_BROKER_URL": self.broker,
            "KALENDS_PRIVATE_HOSTS": self.hosts,
        }
        return os.environ | wanted | FAST | self.more | extra

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """A worker with the clock inside, as the embedded set-up has it, or `celery` with other arguments; returns when it is ready."""
        command = arguments or ("worker", "--beat", "--concurrency", "4", "--without-gossip", "--without-mingle", "--without-heartbeat")
        log = self.folder / f"celery-{len(self.running)}.log"
        schedule = ["-l", "INFO"]
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "celery", "-A", self.app, *command, *schedule], env=self.environment(), stdout=out, stderr=out, start_new_session=True
            )
        self.running.append(process)
        sign = b" ready." if "worker" in command else b"beat: Starting"
        wait_until(lambda: sign in log.read_bytes() or process.poll() is not None, "celery is up")
        assert process.poll() is None, log.read_text()[-3000:]
        return process

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """kill -9 of the worker, its children and its clock."""
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)

    def stop(self, process: subprocess.Popen[bytes]) -> None:
        """As an operator stops it: what runs is finished."""
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                self.kill(process)

    def end(self) -> None:
        for process in self.running:
            if process.poll() is None:
                self.kill(process)

    def run(self, script: str, *arguments: str, **extra: str) -> str:
        """A script in a process of its own; what it prints."""
        done = subprocess.run([sys.executable, "-c", script, *arguments], env=self.environment(**extra), capture_output=True, timeout=PATIENCE, check=False)
        assert done.returncode == 0, done.stderr.decode()[-3000:]
        return done.stdout.decode()


def talking(process: subprocess.Popen[bytes], port: int) -> list[int]:
    """The children of a worker that have a connection to that port of the loopback (Linux: proc(5))."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    inodes = {f"socket:[{row[9]}]" for row in rows if row[2].endswith(f":{port:04X}") and row[3] == "01"}
    return [int(pid) for pid in children if inodes & {os.readlink(place) for place in Path(f"/proc/{pid}/fd").iterdir() if place.is_symlink()}]


@contextmanager
def plant(folder: Path, broker: str, hosts: str) -> Iterator[Plant]:
    made = Plant(folder, broker, hosts)
    try:
        yield made
    finally:
        made.end()


def sweep_each_second() -> None:
    """The interval is a row that an admin edits; migrate has written the default."""
    from django_celery_beat.models import IntervalSchedule, PeriodicTask

    second, _ = IntervalSchedule.objects.get_or_create(every=1, period=IntervalSchedule.SECONDS)
    PeriodicTask.objects.filter(task="integrations.tasks.sweep").update(interval=second)


@contextmanager
def empty_redis(server: str) -> Iterator[str]:
    """The address of a Redis database that nobody uses, emptied afterwards."""
    for number in range(15, 9, -1):
        url = f"{server.rsplit('/', 1)[0]}/{number}"
        store = redis.Redis.from_url(url)
        if store.set("kalends-test", os.getpid(), nx=True, ex=600):
            if store.dbsize() == 1:
                try:
                    yield url
                finally:
                    store.flushdb()
                return
            store.delete("kalends-test")
    raise RuntimeError("no empty Redis database among 10 to 15")
