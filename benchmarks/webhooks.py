"""How fast calls of calendar services are answered, and how soon a change there is here: `python -m benchmarks.webhooks [--json]`.

Fifty calls a second while the service itself hangs; then two hundred within one second, and single changes, on a local server that speaks Google's protocol.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from math import ceil
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

from benchmarks.ground import ROOT, fresh_database, serve, settle

WORKERS = 2
LINKS = 20
RATE, SECONDS = 50, 30  # calls a second, and for how long
BURST = 200
CHANGES = 20
# Milliseconds, readings, lost marks.
GOALS = {"hung_p99": 1000, "hung_median": 50, "hung_lost": 0, "burst_surplus": 0, "change_p95": 3000}

local = threading.local()


def calls(url: str, subscriptions: list[tuple[int, str, str]]) -> Callable[[int], float]:
    """Makes the n-th call, of the subscriptions in turn; returns when it was answered."""
    address = urlsplit(url).netloc

    def call(number: int) -> float:
        link, name, token = subscriptions[number % len(subscriptions)]
        if not hasattr(local, "http") or local.http.host != address:
            local.http = http.client.HTTPConnection(address, timeout=60)
        headers = {"X-Goog-Channel-ID": name, "X-Goog-Channel-Token": token, "X-Goog-Resource-State": "exists", "Content-Length": "0"}
        local.http.request("POST", f"/hooks/google/{link}/", headers=headers)
        answer = local.http.getresponse()
        answer.read()
        if answer.status != 202:
            raise RuntimeError(f"a call was answered with {answer.status}")
        return perf_counter()

    return call


def at_rate(call: Callable[[int], float], number: int, rate: float) -> list[float]:
    """Milliseconds from when each call was to be made until its answer, sorted: who waits in line waits too."""
    begun = perf_counter() + 0.2

    def one(place: int) -> float:
        planned = begun + place / rate
        time.sleep(max(0.0, planned - perf_counter()))
        return (call(place) - planned) * 1000

    with ThreadPoolExecutor(16) as pool:
        return sorted(pool.map(one, range(number)))


def percentile(times: list[float], share: float) -> float:
    return times[ceil(share * len(times)) - 1]


@contextmanager
def hanging() -> Iterator[str]:
    """A service that takes every connection and never answers."""
    held, over = [], threading.Event()
    with socket.create_server(("127.0.0.1", 0), backlog=256) as door:
        door.settimeout(0.2)

        def take() -> None:
            while not over.is_set():
                try:
                    held.append(door.accept()[0])
                except TimeoutError:
                    continue

        thread = threading.Thread(target=take, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{door.getsockname()[1]}"
        over.set()
        thread.join()
    for one in held:
        one.close()


@contextmanager
def worker(root: str, url: str, folder: Path) -> Iterator[None]:
    """A Celery worker for which Google is at `root` and we are at `url`."""
    log = folder / "worker.log"
    command = [sys.executable, "-m", "celery", "-A", "config", "worker", "--concurrency", "4", "--without-gossip", "--without-mingle", "-l", "INFO"]
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=os.environ | {"GOOGLE_API_ROOT": root, "PUSH_ADDRESS": url}, stdout=out, stderr=out)
        try:
            until = time.monotonic() + 60
            while b" ready." not in log.read_bytes():
                if process.poll() is not None or time.monotonic() > until:
                    raise RuntimeError(log.read_text()[-2000:])
                time.sleep(0.1)
            yield
        finally:
            process.kill()  # it may hang in a call
            process.wait()


def listened(number: int) -> list[tuple[int, str, str]]:
    """Links with a subscription each: (id of the link, id and token of the subscription)."""
    from booking.models import Calendar
    from integrations.models import Account, Link, Subscription
    from integrations.models.subscription import digest
    from integrations.testing.accounts import granted

    later = datetime.now(UTC) + timedelta(days=5)
    account = granted(None, "google", "token", state=Account.State.CONNECTED)
    made = []
    for place in range(number):
        link = Link.objects.create(account=account, calendar=Calendar.objects.create(name=f"Calendar {place}"), remote_id=f"c{place}", remote_name="calendar")
        values = {"remote_id": f"channel-{place}", "secret": digest(f"token-{place}"), "expires_at": later, "due_at": later}
        Subscription.objects.create(account=account, link=link, **values)
        made.append((link.pk, f"channel-{place}", f"token-{place}"))
    return made


def hung(url: str, folder: Path) -> dict[str, float]:
    from integrations.models import Link

    known = listened(LINKS)
    call = calls(url, known)
    with hanging() as root, worker(root, url, folder):
        at_rate(call, 4 * WORKERS, RATE)  # connections and prepared statements
        times = at_rate(call, RATE * SECONDS, RATE)
        ids = [link for link, *_ in known]
        lost = Link.objects.filter(pk__in=ids, lease="").exclude(subscriptions__told="changed").count()
    return {"hung_median": median(times), "hung_p99": percentile(times, 0.99), "hung_max": times[-1], "hung_lost": lost}


def prompt(url: str, folder: Path) -> dict[str, float]:
    from django.conf import settings

    from booking.models import Busy, Calendar
    from integrations import choosing, connect
    from integrations.models import Link, Subscription
    from integrations.testing.accounts import granted
    from integrations.testing.servers.google import OFFICE, google

    with google() as server, worker(server.address, url, folder):
        settings.GOOGLE_API_ROOT, settings.PUSH_ADDRESS = server.address, url
        remote = server.store.add_calendar("Work", "Europe/Berlin").id
        account = granted(None, "google", OFFICE)
        connect.check(account.pk)
        account.refresh_from_db()
        choosing.choose(account, Calendar.objects.create(name="Emma"), reads={remote}, writes="")
        link = Link.objects.get(account=account)
        _until(lambda: Subscription.objects.filter(link=link, told="").exclude(remote_id="").exists())
        _until(lambda: Link.objects.filter(pk=link.pk, pulled_at__isnull=False, lease="").exists())
        (channel,) = server.channels.live.values()
        start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=3)

        def enter(number: int) -> float:
            """Enters an event there; returns the milliseconds until it is known here."""
            times = {name: {"dateTime": (start + timedelta(hours=number, minutes=more)).isoformat()} for name, more in (("start", 0), ("end", 30))}
            begun = perf_counter()
            _insert(server, remote, times)
            _until(lambda: Busy.objects.filter(source=link.source).count() == number + 1)
            return (perf_counter() - begun) * 1000

        taken = []
        for number in range(CHANGES):
            time.sleep(1.5)  # the calendar has rested
            taken.append(enter(number))
        time.sleep(1.5)
        before = server.calls.count("calendar.events.list")
        begun = perf_counter()
        times = at_rate(calls(url, [(link.pk, channel.id, channel.token)]), BURST, BURST)
        took = perf_counter() - begun
        enter(CHANGES)
        _until(lambda: not Subscription.objects.filter(link=link).exclude(told="").exists())
        readings = server.calls.count("calendar.events.list") - before
    taken.sort()
    return {
        "change_median": median(taken),
        "change_p95": percentile(taken, 0.95),
        "burst_seconds": took,
        "burst_readings": readings,
        # Beyond the first and one for each second that the calls took: two when they can be made within one.
        "burst_surplus": max(0, readings - 1 - ceil(took)),
        "burst_p99": percentile(times, 0.99),
    }


def _insert(server: Any, calendar: str, row: dict[str, Any]) -> None:
    """As a person does, with a client of her own."""
    from integrations.testing.servers.google import PERSON

    connection = http.client.HTTPConnection(urlsplit(server.address).netloc, timeout=30)
    headers = {"Authorization": f"Bearer {PERSON}", "Content-Type": "application/json"}
    connection.request("POST", f"/calendar/v3/calendars/{calendar}/events", json.dumps(row), headers)
    answer = connection.getresponse()
    if answer.status != 200:
        raise RuntimeError(answer.read())
    connection.close()


def _until(holds: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise RuntimeError("it does not happen")
        time.sleep(0.005)


def measure(database: str) -> dict[str, float]:
    folder = Path(os.environ["KALENDS_VAR_DIR"])
    settle(database)
    with serve(workers=WORKERS) as url:
        found = hung(url, folder)
        return found | prompt(url, folder)


def table(figures: dict[str, float]) -> str:
    rows = [f"{name:16}{value:>10.1f}{GOALS.get(name, ''):>10}{'  missed' if value > GOALS.get(name, value) else ''}" for name, value in figures.items()]
    return "\n".join([f"{'':16}{'found':>10}{'goal':>10}", *rows])


def main(arguments: list[str]) -> None:
    with fresh_database() as database:
        figures = {name: round(value, 1) for name, value in measure(database).items()}
    print(table(figures))
    if "--json" in arguments:
        print(json.dumps(figures))


if __name__ == "__main__":
    main(sys.argv[1:])
