"""How long it takes to list a month of slots and to find the next one: `python -m benchmarks.availability [--json]`.

In this process and over HTTP, for 1, 10 and 100 employees, beside the time that reading and sweeping the same rows takes by itself.
"""

from __future__ import annotations

import gc
import http.client
import json
import sys
from collections.abc import Callable
from datetime import date, timedelta
from statistics import median
from time import perf_counter
from typing import Any
from urllib.parse import urlencode, urlsplit

import psycopg

from benchmarks import reference
from benchmarks.ground import fresh_database, serve, settle

SIZES = (1, 10, 100)
ROUNDS = 30
WORKERS = 2
# Milliseconds on two cores.
GOALS = {"month_1": 3, "month_10": 12, "month_100": 60, "next_100": 15, "http_month_1": 5, "http_month_10": 25, "http_month_100": 120}
RATIO = 2.5

Figures = dict[str, dict[str, Any]]


def timed(*calls: Callable[[], object], warm: int = 3) -> list[float]:
    """The median milliseconds of each call. They take turns, so that a slow moment of the machine meets all of them."""
    times: list[list[float]] = [[] for _ in calls]
    for call in calls * warm:
        call()
    gc.collect()
    for _ in range(ROUNDS):
        for call, taken in zip(calls, times, strict=True):
            started = perf_counter()
            call()
            taken.append((perf_counter() - started) * 1000)
    return [median(taken) for taken in times]


def measure(database: str) -> Figures:
    """All figures, over a database filled by this."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext
    from django.utils import timezone

    from benchmarks.dataset import fill
    from booking.availability import find_slots, next_slot

    now = timezone.now()
    data = fill(today=date.today(), now=now, sizes=SIZES)  # noqa: DTZ011
    settle(database)
    figures: Figures = {}
    with psycopg.connect(database, autocommit=True) as plain:
        for size, service in data.services.items():
            calendars = [employee.calendar_id for employee in data.employees[:size]]

            def month(service: Any = service) -> list[Any]:
                return find_slots(service=service, start=data.start, end=data.end, now=now)

            def least(calendars: list[int] = calendars) -> object:
                return reference.free_intervals(plain, calendars, data.start, data.end)

            with CaptureQueriesContext(connection) as queries:
                slots = month()
            ours, theirs = timed(month, least)
            figures[f"month_{size}"] = figure(ours, ratio=ours / theirs, reference_ms=theirs, queries=len(queries), slots=len(slots))

        # At the start of the first working day, so that what is taken has to be looked at.
        service, first = data.services[max(SIZES)], data.start + timedelta(hours=7)
        with CaptureQueriesContext(connection) as queries:
            assert next_slot(service=service, now=first) is not None
        ours, theirs = timed(lambda: next_slot(service=service, now=first), least)
        figures[f"next_{max(SIZES)}"] = figure(ours, ratio=ours / theirs, reference_ms=theirs, queries=len(queries))

    connection.close()
    with serve(workers=WORKERS) as url:
        for size, service in data.services.items():
            days = {"from": data.start.date(), "to": data.end.date() - timedelta(days=1), "timezone": "Europe/Berlin"}
            figures[f"http_month_{size}"] = over_http(url, f"/api/v1/slots/?{urlencode({'service': service.pk, **days})}", figures[f"month_{size}"]["slots"])
    return figures


def over_http(url: str, path: str, expected: int) -> dict[str, Any]:
    """One client on one kept connection; the answer is read whole, and looked at once."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)

    def ask() -> bytes:
        connection.request("GET", path, headers={"Accept": "application/json"})
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"GET {path} answered {answer.status}: {body[:200]!r}")
        return body

    slots = len(json.loads(ask())["slots"])
    if slots != expected:
        raise RuntimeError(f"GET {path} gave {slots} slots instead of {expected}")
    (taken,) = timed(ask, warm=10 * WORKERS)  # each worker has its own connections and prepared statements
    return figure(taken, slots=slots)


def figure(median_ms: float, **more: float) -> dict[str, Any]:
    return {"median_ms": round(median_ms, 2), **{name: round(value, 2) for name, value in more.items()}}


def table(figures: Figures) -> str:
    lines = [f"{'':16}{'median':>10}{'goal':>10}{'reference':>12}{'ratio':>8}{'queries':>9}{'slots':>8}"]
    for name, found in figures.items():
        missed = found["median_ms"] > GOALS[name] or found.get("ratio", 0) > RATIO
        lines.append(
            f"{name:16}{found['median_ms']:>7.2f} ms{GOALS[name]:>7} ms{found.get('reference_ms', ''):>12}{found.get('ratio', ''):>8}"
            f"{found.get('queries', ''):>9}{found.get('slots', ''):>8}{'  missed' if missed else ''}"
        )
    return "\n".join(lines)


def main(arguments: list[str]) -> None:
    with fresh_database() as database:
        figures = measure(database)
    print(table(figures))
    if "--json" in arguments:
        print(json.dumps(figures))


if __name__ == "__main__":
    main(sys.argv[1:])
