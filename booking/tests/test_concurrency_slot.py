"""Many want one time at the same moment: one gets it, the others are told so, nothing breaks.

Over several processes against gunicorn with several workers, on SQLite and on PostgreSQL.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from booking.tests.contest import OVERLAPS
from booking.tests.salon import soon

CLIENTS = 50
LONG = bool(os.environ.get("KALENDS_LONG"))
ROUNDS = 200 if LONG else 20

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("contest")]


def request(number: int, service: int, employee: int, start: str, **headers: str) -> dict[str, Any]:
    # Another address each time: who wins often would meet the cap on mails to one address.
    customer = {"first_name": f"Guest {number}", "last_name": "", "email": f"guest{number}.{start[:13]}@example.org"}
    body = {"service": service, "employee": employee, "start": start, "customer": customer}
    return {"door": "post", "body": body, "headers": headers}


def rounds(count: int) -> Iterator[Any]:
    """Ten o'clock of one day after the other, then eleven o'clock …"""
    for number in range(count):
        yield soon(10 + 2 * (number // 90), days=7 + number % 90)


def test_one_of_fifty_clients_gets_the_slot(shop, known, contestants):
    """Red without the lock: with allocation.lock() and the second look taken out and PostgreSQL's constraint dropped, several get 201;
    on SQLite with deferred transactions some get 500."""
    before = shop.ask("SELECT count(*) FROM booking_appointment")
    mails = shop.ask("SELECT count(*) FROM booking_message")
    slow = []
    for number, start in enumerate(rounds(ROUNDS)):
        results = contestants.round([request(client, known["services"][0], known["employee"], start.isoformat()) for client in range(CLIENTS)])
        assert Counter(result["status"] for result in results) == {201: 1, 409: CLIENTS - 1}, f"round {number}"
        assert all(len(result["body"]["slots"]) == 5 for result in results if result["status"] == 409)
        slow += [result["seconds"] for result in results]
    assert shop.ask("SELECT count(*) FROM booking_appointment") == before + ROUNDS
    assert shop.ask("SELECT count(*) FROM booking_message WHERE audience = 'customer'") <= mails + ROUNDS
    assert shop.ask(OVERLAPS) == 0
    slow.sort()
    print(f"{ROUNDS} rounds of {CLIENTS}: p50 {slow[len(slow) // 2]:.2f} s, p95 {slow[len(slow) * 95 // 100]:.2f} s")


def test_slots_of_other_lengths_contest_the_same_time(shop, known, contestants):
    """All that these clients want holds the half hour from 12:30 on, though they start at different times."""
    half, hour, long = known["services"]
    wanted = [(half, 0), (hour, 0), (hour, -30), (long, 0), (long, -30), (long, -60)]
    for number in range(ROUNDS // 4):
        start = soon(12, 30, days=7 + number)
        deeds = [
            request(client, service, known["employee"], (start + timedelta(minutes=offset)).isoformat())
            for client in range(CLIENTS)
            for service, offset in [wanted[client % len(wanted)]]
        ]
        statuses = Counter(result["status"] for result in contestants.round(deeds))
        assert statuses == {201: 1, 409: CLIENTS - 1}, f"round {number}"
    assert shop.ask(OVERLAPS) == 0


def test_one_door_of_all_wins(shop, known, contestants):
    """book, reschedule, move, reassign, reinstate, the admin's page and an event that is published, all at once. Red when one of them doesn't lock."""
    winners: Counter[str] = Counter()
    for number, deeds in enumerate(known["doors"]):
        results = contestants.round(deeds)
        won = [result["door"] for result in results if result["status"] == 201]
        assert len(won) == 1, f"round {number}: {results}"
        assert {result["status"] for result in results} == {201, 409}, f"round {number}: {results}"
        winners.update(won)
        assert shop.ask(OVERLAPS) == 0
    print(f"winners: {dict(winners)}")


def test_one_key_books_once_whoever_is_first(shop, known, contestants):
    """The same request with the same Idempotency-Key from all clients at once: one appointment, one answer. Red without the key's row."""
    before = shop.ask("SELECT count(*) FROM booking_appointment")
    for number in range(5):
        start = soon(16, days=7 + number).isoformat()
        deed = request(0, known["services"][0], known["employee"], start, **{"Idempotency-Key": f"key-{number}"})
        results = contestants.round([deed] * CLIENTS)
        assert Counter(result["status"] for result in results) == {201: CLIENTS}
        assert len({json.dumps(result["body"]) for result in results}) == 1
    assert shop.ask("SELECT count(*) FROM booking_appointment") == before + 5


def test_a_key_that_lost_is_free_for_another_try(shop, known, contestants):
    """Half ask with one key, half with another, for one time: one key wins for all its requests, the other is told 409."""
    start = soon(16, days=30).isoformat()
    deeds = [request(0, known["services"][0], known["employee"], start, **{"Idempotency-Key": f"half-{client % 2}"}) for client in range(20)]
    results = contestants.round(deeds)
    assert Counter(result["status"] for result in results) == {201: 10, 409: 10}
    assert shop.ask(OVERLAPS) == 0
