"""How many appointments a second are booked over HTTP: `python -m benchmarks.booking [--json]`.

With one client and with sixteen, every row written (history, allocation, mails, outbox, idempotency key), PostgreSQL waiting for the disk;
beside what the same rows take as plain SQL. Then fifty clients for one slot, again and again.
"""

from __future__ import annotations

import http.client
import json
import os
import sys
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, time, timedelta
from itertools import count, islice
from statistics import median
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

import psycopg
from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.json import Json

from benchmarks.ground import fresh_database, serve, settle
from config.suite import Services

WORKERS = 2
BOOKINGS = 400
EMPLOYEES = 20
CUSTOMERS = 2000
CONTESTANTS = 50
CONTESTS = 20
GOALS = {"create_1": 100.0, "create_16": 160.0}  # appointments per second
LEAST_RATIO = 0.5
# The rows of one appointment, in the order of their foreign keys.
TABLES = {
    "booking_idempotencykey": {},
    "booking_customer": {},
    "booking_historicalcustomer": {"id": "booking_customer"},
    "booking_appointment": {},
    "booking_historicalappointment": {"id": "booking_appointment"},
    "booking_staffing": {"appointment_id": "booking_appointment"},
    "booking_allocation": {"holder_id": "booking_appointment"},
    "booking_attendance": {"appointment_id": "booking_appointment", "customer_id": "booking_customer"},
    "booking_historicalattendance": {"id": "booking_attendance", "appointment_id": "booking_appointment", "customer_id": "booking_customer"},
    "booking_message": {"attendance_id": "booking_attendance"},
    "integrations_outgoing": {"item_id": "booking_appointment"},
}

Wish = dict[str, Any]
Rows = dict[str, list[dict[str, Any]]]
local = threading.local()


def fill() -> Iterator[Wish]:
    """A shop with customers, whose employees each have a calendar connected; gives requests for times that are all free."""
    from booking.models import BusySource, Calendar, Customer, Employee, Service, WorkingHours
    from integrations.models import Account, Link

    Customer.objects.bulk_create(Customer(first_name="Carla", email=f"customer{number}@example.org") for number in range(CUSTOMERS))

    service = Service.objects.create(name="Consultation", duration=30, slot_step=30, min_notice=0, horizon=730)
    for number in range(EMPLOYEES):
        calendar = Calendar.objects.create(name=f"Employee {number}")
        WorkingHours.objects.bulk_create(WorkingHours(calendar=calendar, weekday=day, start=time(9), end=time(17)) for day in range(7))
        service.employees.add(Employee.objects.create(calendar=calendar, first_name=calendar.name, email=f"employee{number}@example.org"))
        source = BusySource.objects.create(calendar=calendar, label="calendar", state="ok", fetched_at=datetime.now(UTC), max_age=timedelta(days=9))
        account = Account.objects.create(provider="caldav", username=f"employee{number}", state=Account.State.CONNECTED)
        Link.objects.create(account=account, calendar=calendar, remote_id="/calendar/", remote_name="calendar", writes=True, source=source)
    return wishes(service.pk, list(service.employees.values_list("pk", flat=True)))


def wishes(service: int, employees: list[int]) -> Iterator[Wish]:
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    for day in count(3):
        for half in range(12):
            for employee in employees:
                start = midnight + timedelta(days=day, hours=9, minutes=30 * half)
                customer = {"first_name": "Carla", "last_name": uuid.uuid4().hex[:8], "email": f"{uuid.uuid4().hex[:12]}@example.org"}
                yield {"service": service, "employee": employee, "start": start.isoformat(), "customer": customer}


def booker(url: str) -> Callable[[Wish], int]:
    address = urlsplit(url).netloc

    def book(wish: Wish) -> int:
        if not hasattr(local, "http"):
            local.http = http.client.HTTPConnection(address, timeout=60)
        headers = {"Content-Type": "application/json", "Idempotency-Key": uuid.uuid4().hex}
        local.http.request("POST", "/api/v1/appointments/", json.dumps(wish), headers)
        answer = local.http.getresponse()
        body = answer.read()
        if answer.status not in (201, 409):
            raise RuntimeError(f"{answer.status}: {body[:300]!r}")
        return int(answer.status)

    return book


def rate(do: Callable[[Any], Any], work: list[Any], clients: int) -> tuple[float, float]:
    """(done per second, median milliseconds) with so many clients."""

    def timed(one: Any) -> float:
        begun = perf_counter()
        do(one)
        return perf_counter() - begun

    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(timed, work[: 4 * clients]))  # connections and caches
        begun = perf_counter()
        times = list(pool.map(timed, work[4 * clients :]))
        return len(times) / (perf_counter() - begun), median(times) * 1000


def newest_rows(database: str) -> Rows:
    """The rows that the last appointment consists of."""
    with psycopg.connect(database, row_factory=dict_row) as connection:
        found: Rows = {}
        for table, links in TABLES.items():
            key = "history_id" if "historical" in table else "id"
            query = sql.SQL("SELECT * FROM {} ORDER BY {} DESC LIMIT {}").format(
                sql.Identifier(table), sql.Identifier(key), sql.Literal(2 if table == "booking_message" else 1)
            )
            found[table] = connection.execute(query).fetchall()
            if not found[table]:
                raise RuntimeError(f"booking wrote nothing to {table}: {links}")
        return found


def writer(database: str, rows: Rows) -> Callable[[int], None]:
    """Writes the same rows by plain SQL, one transaction each: the least that booking can cost."""

    def write(number: int) -> None:
        if not hasattr(local, "sql"):
            local.sql = psycopg.connect(database)
        made: dict[str, int] = {}
        with local.sql.transaction():
            for table, links in TABLES.items():
                key = "history_id" if "historical" in table else "id"
                for row in rows[table]:
                    values = {name: Json(value) if isinstance(value, (dict, list)) else value for name, value in row.items() if name != key}
                    values |= {name: made[other] for name, other in links.items()}
                    if "uuid" in values:
                        values["uuid"] = uuid.uuid4()
                    if table == "booking_idempotencykey":
                        values["key"] = uuid.uuid4().hex
                    if table == "booking_allocation":
                        values |= {name: row[name] + timedelta(days=1000, hours=number) for name in ("start", "end")}
                    made[table] = insert(local.sql, table, values, key)

    return write


def insert(connection: psycopg.Connection, table: str, values: dict[str, Any], key: str) -> int:
    query = sql.SQL("INSERT INTO {} ({}) VALUES ({}) RETURNING {}").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, values)),
        sql.SQL(", ").join(map(sql.Placeholder, values)),
        sql.Identifier(key),
    )
    row = connection.execute(query, values).fetchone()
    if row is None:
        raise RuntimeError(f"nothing was written to {table}")
    return int(row[0])


def statements(free: Iterator[Wish]) -> int:
    """How many a booking takes, BEGIN and COMMIT apart."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    client = Client(headers={"host": "127.0.0.1"})
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            answer = client.post("/api/v1/appointments/", next(free), content_type="application/json", headers={"Idempotency-Key": uuid.uuid4().hex})
        if answer.status_code != 201:
            raise RuntimeError(answer.content)
    return sum(query["sql"].split()[0] not in {"BEGIN", "COMMIT", "SAVEPOINT", "RELEASE"} for query in queries)


def measure(database: str) -> dict[str, dict[str, Any]]:
    from django.db import connection

    free = fill()
    settle(database)
    with psycopg.connect(database) as own:
        durable = {name: own.execute(f"SHOW {name}").fetchone() for name in ("fsync", "synchronous_commit")}
    if any(value != ("on",) for value in durable.values()):
        sys.exit(f"PostgreSQL must wait for the disk, or the figures are worth nothing: {durable}")
    figures: dict[str, dict[str, Any]] = {}
    asked = statements(free)
    connection.close()
    with serve(workers=WORKERS) as url:
        book = booker(url)
        for clients in (1, 16):
            done, middle = rate(book, list(islice(free, BOOKINGS + 4 * clients)), clients)
            rows = newest_rows(database)
            reference, _ = rate(writer(database, rows), list(range(clients * 10**5, clients * 10**5 + BOOKINGS)), clients)
            figures[f"create_{clients}"] = {
                "per_second": round(done, 1),
                "median_ms": round(middle, 2),
                "reference_per_second": round(reference, 1),
                "ratio": round(done / reference, 2),
                "queries": asked,
            }
        figures["contest"] = contest(book, free)
    return figures


def contest(book: Callable[[Wish], int], free: Iterator[Wish]) -> dict[str, Any]:
    """Fifty clients for one slot: how long the slowest twentieth waits, and whether ever another than one won."""
    wrong, times = 0, []
    with ThreadPoolExecutor(CONTESTANTS) as pool:
        for _ in range(CONTESTS):
            wish, begun = next(free), perf_counter()
            results = list(pool.map(lambda _, wish=wish, begun=begun: (book(wish), perf_counter() - begun), range(CONTESTANTS)))
            wrong += Counter(status for status, _ in results) != {201: 1, 409: CONTESTANTS - 1}
            times += [seconds for _, seconds in results]
    times.sort()
    return {"rounds": CONTESTS, "wrong": wrong, "median_ms": round(median(times) * 1000, 1), "p95_ms": round(times[len(times) * 95 // 100] * 1000, 1)}


def table(figures: dict[str, dict[str, Any]]) -> str:
    lines = [f"{'':12}{'per second':>12}{'goal':>8}{'plain SQL':>12}{'ratio':>8}{'queries':>9}"]
    for name, goal in GOALS.items():
        found = figures[name]
        missed = "  missed" if found["per_second"] < goal or found["ratio"] < LEAST_RATIO else ""
        lines.append(f"{name:12}{found['per_second']:>12}{goal:>8.0f}{found['reference_per_second']:>12}{found['ratio']:>8}{found['queries']:>9}{missed}")
    found = figures["contest"]
    lines.append(f"{CONTESTANTS} clients for one slot, {found['rounds']} rounds: {found['wrong']} wrong, p95 {found['p95_ms']} ms")
    return "\n".join(lines)


def main(arguments: list[str]) -> None:
    if broker := Services.from_environment().redis:
        os.environ["CELERY_BROKER_URL"] = broker
    with fresh_database() as database:
        figures = measure(database)
    print(table(figures))
    if "--json" in arguments:
        print(json.dumps(figures))


if __name__ == "__main__":
    main(sys.argv[1:])
