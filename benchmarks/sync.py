"""How long it takes to read a calendar of 10,000 events for the first time, and ten changes of it: `python -m benchmarks.sync [--json]`.

From servers on the loopback that speak Google's and Graph's protocols and answer after 5 ms, in a process of their own: the memory measured is that of
a worker, which is also told with every provider's SDK loaded and nothing done.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from time import perf_counter, process_time
from typing import Any

from benchmarks.ground import fresh_database, settle

EVENTS = 10_000
CHANGES = 10
LATENCY = 0.005
PROVIDERS = ("google", "outlook")
PAGES = {"google": 2500, "outlook": 200}  # rows that the provider gives to a page
# Seconds and megabytes, on two cores.
GOALS = {"full": 120.0, "delta": 5.0, "memory": 300.0}

Figures = dict[str, dict[str, Any]]


def times(number: int) -> tuple[datetime, datetime]:
    """Twenty events a day, half an hour each, from tomorrow on for 500 days."""
    start = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1 + number // 20, minutes=30 * (number % 20 + 14))
    return start, start + timedelta(minutes=30)


def run_server(provider: str, wire: Any) -> None:
    """In a process of its own: a calendar with EVENTS events. Says its address and the calendar; then, whenever it hears a number, so many events change."""
    from integrations.testing.servers.google import google
    from integrations.testing.servers.graph import graph

    made: Any
    with google(latency=LATENCY) if provider == "google" else graph(latency=LATENCY) as made:
        made.page_size = PAGES[provider]
        put, change, calendar = (_google if provider == "google" else _outlook)(made)
        ids = [put(number) for number in range(EVENTS)]
        wire.send((made.address, calendar))
        while count := wire.recv():
            for one in ids[:count]:
                change(one)
            wire.send(made.requests)


def _google(server: Any) -> tuple[Callable[[int], str], Callable[[str], object], str]:
    place = server.store.add_calendar("Work", "Europe/Berlin")

    def put(number: int) -> str:
        when = {name: {"dateTime": at.isoformat(), "timeZone": "UTC"} for name, at in zip(("start", "end"), times(number), strict=True)}
        return str(server.store.insert(place, {"summary": f"Event {number}"} | when, "none")["id"])

    return put, lambda one: server.store.change(place, one, {"transparency": "transparent"}, "", "none"), place.id


def _outlook(server: Any) -> tuple[Callable[[int], str], Callable[[str], object], str]:
    place = next(iter(server.mailbox.calendars))

    def put(number: int) -> str:
        when = {name: {"dateTime": f"{at:%Y-%m-%dT%H:%M:%S}", "timeZone": "UTC"} for name, at in zip(("start", "end"), times(number), strict=True)}
        return str(server.mailbox.create(place, {"subject": f"Event {number}"} | when).id)

    return put, lambda one: server.mailbox.update(place, one, {"showAs": "free"}, ""), place


@contextmanager
def serve(provider: str) -> Iterator[tuple[Any, str, str]]:
    """The wire to a server in a process of its own, its address and its calendar."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=run_server, args=(provider, there), daemon=True)
    process.start()
    try:
        address, calendar = here.recv()
        yield here, address, calendar
    finally:
        here.send(0)
        process.join(20)
        process.kill()


def measure(provider: str, wire: Any, address: str, remote: str, database: str) -> Figures:
    """One employee whose calendar is read; the outbox and the booking pages have nothing to do."""
    from django.contrib.auth.models import User
    from django.test import override_settings

    from booking.models import Busy, Calendar, Employee, Service
    from integrations import choosing, connect, engine
    from integrations.models import Account, Link, Rule
    from integrations.testing.accounts import granted

    roots = {"google": ["GOOGLE_API_ROOT", "GOOGLE_OAUTH_ROOT"], "outlook": ["GRAPH_ROOT"]}[provider]
    token = {"google": "token-of-the-office", "outlook": "token-of-the-account"}[provider]
    with override_settings(**dict.fromkeys(roots, address), KALENDS_PRIVATE_HOSTS=[address.split("//")[1]]):
        user = User.objects.create_user(provider)
        calendar = Calendar.objects.create(name=provider, timezone="Europe/Berlin")
        employee = Employee.objects.create(user=user, calendar=calendar, first_name="Emma", last_name="Weber", email="emma@example.com")
        service = Service.objects.create(name="Haircut", duration=30, price=20, horizon=600)
        service.employees.add(employee)
        account = granted(user, provider, token, username="employee@example.com")
        if not connect.check(account.pk):
            raise RuntimeError(f"{provider}: {Account.objects.get(pk=account.pk).steps}")
        account.refresh_from_db()
        choosing.choose(account, calendar, reads={remote}, writes="")
        link = Link.objects.get(account=account)
        Rule.objects.create(scope=Rule.Scope.LINK, link=link, max_events=2 * EVENTS)
        Link.objects.filter(pk=link.pk).update(cursor="", listed_at=None)

        def pull() -> tuple[float, float]:
            """Seconds, and those of them in which this process worked."""
            began, worked = perf_counter(), process_time()
            engine.pull(link.pk)
            taken = perf_counter() - began, process_time() - worked
            link.refresh_from_db()
            if link.problem or link.pulled_at is None or link.truncated:
                raise RuntimeError(f"{provider}: the calendar was not read: {link.problem}")
            return taken

        full = pull()
        _expect(provider, Busy.objects.filter(source=link.source).count(), EVENTS)
        settle(database)
        peak = peak_memory()
        wire.send(CHANGES)
        wire.recv()
        delta = pull()
        _expect(provider, Busy.objects.filter(source=link.source).count(), EVENTS - CHANGES)
    return {f"full_{provider}": figure(*full, memory_mb=peak, events=EVENTS), f"delta_{provider}": figure(*delta, events=CHANGES)}


def _expect(provider: str, found: int, wanted: int) -> None:
    if found != wanted:
        raise RuntimeError(f"{provider}: {found} busy times instead of {wanted}")


def figure(seconds: float, worked: float, **more: float) -> dict[str, Any]:
    return {"seconds": round(seconds, 2), "cpu": round(worked, 2), **{name: round(value, 1) for name, value in more.items()}}


def peak_memory() -> float:
    """Megabytes that this process has held at most (getrusage(2): kilobytes)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


# Nobody answers there, but the SDKs are loaded until that is found out.
NOWHERE = dict.fromkeys(["GOOGLE_API_ROOT", "GOOGLE_OAUTH_ROOT", "GRAPH_ROOT"], "http://127.0.0.1:9") | {"KALENDS_PRIVATE_HOSTS": "127.0.0.1"}
LOADED = """
import django
django.setup()
from django.conf import settings
from config.celery import app
app.loader.import_default_modules()
def peak():  # not getrusage: there the process begins with what the one had that started it
    return round(int(open("/proc/self/status").read().partition("VmHWM:")[2].split()[0]) / 1024, 1)
before = peak()
from contextlib import suppress
from integrations import registry
from integrations.contract import ProviderError
from integrations.testing.accounts import Login
class Access(Login):
    def access_token(self, rejected=""):
        return "x"
for config in registry.providers().values():
    provider = config.provider(Access("http://127.0.0.1:9/", password="x"))
    with suppress(ProviderError):
        provider.identity()
print(before, peak())
"""


def worker_memory() -> tuple[float, float]:
    """Megabytes of a worker that has loaded the application, and of one that has also loaded every provider's SDK."""
    done = subprocess.run([sys.executable, "-c", LOADED], env=os.environ | NOWHERE, capture_output=True, text=True, check=True)
    before, after = done.stdout.split()[-2:]
    return float(before), float(after)


def table(figures: Figures) -> str:
    lines = [f"{'':16}{'seconds':>10}{'of it CPU':>10}{'goal':>10}{'memory':>12}{'goal':>10}{'events':>9}"]
    for name, found in figures.items():
        kind = name.partition("_")[0]
        missed = found.get("seconds", 0) > GOALS.get(kind, 0) or found.get("memory_mb", 0) > GOALS["memory"]
        lines.append(
            f"{name:16}{found.get('seconds', ''):>10}{found.get('cpu', ''):>10}{GOALS.get(kind, ''):>10}{found.get('memory_mb', ''):>9} MB{GOALS['memory']:>7} MB{found.get('events', ''):>9}"
            f"{'  missed' if missed and kind != 'worker' else ''}"
        )
    return "\n".join(lines)


def main(arguments: list[str]) -> None:
    figures: Figures = {}
    with fresh_database() as database:
        before, after = worker_memory()
        figures["worker_app"], figures["worker_sdks"] = {"memory_mb": before}, {"memory_mb": after}
        for provider in PROVIDERS:
            with serve(provider) as (wire, address, calendar):
                figures |= measure(provider, wire, address, calendar, database)
    print(table(figures))
    if "--json" in arguments:
        print(json.dumps(figures))


if __name__ == "__main__":
    main(sys.argv[1:])
