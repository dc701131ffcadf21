"""Many want the places of one appointment, or anyone, at the same moment: no place is given twice, none stays empty, and nobody is booked twice.

Over several processes against gunicorn with several workers, on SQLite and on PostgreSQL.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest

from booking.tests.contest import OVERLAPS
from booking.tests.salon import soon

CLIENTS = 40
TAKEN = """
SELECT coalesce(sum(t.persons), 0) FROM booking_attendance t JOIN booking_appointment a ON a.id = t.appointment_id
WHERE t.status = 'approved' AND a.service_id =
"""

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("contest")]


def wish(service: int, client: int, start: datetime, persons: int = 1, email: str = "") -> dict[str, Any]:
    customer = {"first_name": f"Guest {client}", "last_name": "", "email": email or f"guest{client}.{service}.{start:%d%H}@example.org"}
    return {"door": "post", "body": {"service": service, "start": start.isoformat(), "persons": persons, "customer": customer}}


@pytest.mark.feature("P5")
def test_forty_contend_for_five_places_and_exactly_five_come(shop, known, contestants):
    """Red without the lock: with allocation.lock() taken out, on PostgreSQL more than five persons come to one appointment."""
    yoga = known["yoga"]
    for number, persons in enumerate((1, 1, 2, 5)):
        start, taken = soon(10, days=7 + number), shop.ask(f"{TAKEN}{yoga}")
        results = contestants.round([wish(yoga, client, start, persons) for client in range(CLIENTS)])
        won = 5 // persons
        assert Counter(result["status"] for result in results) == {201: won, 409: CLIENTS - won}, number
        assert shop.ask(f"{TAKEN}{yoga}") == taken + won * persons
        assert shop.ask(f"SELECT count(*) FROM booking_appointment WHERE service_id = {yoga}") == number + 1
    assert shop.ask(OVERLAPS) == 0


def test_places_of_a_class_that_two_give_are_counted_once_and_all_are_confirmed(shop, known, contestants):
    results = contestants.round([wish(known["class"], client, soon(10, days=20)) for client in range(CLIENTS)])
    assert Counter(result["status"] for result in results) == {201: 5, 409: CLIENTS - 5}
    assert shop.ask(f"{TAKEN}{known['class']}") == 5
    assert shop.ask("SELECT count(*) FROM booking_attendance WHERE status = 'pending'") == 0
    assert shop.ask(OVERLAPS) == 0


@pytest.mark.feature("P4")
@pytest.mark.parametrize(("rule", "day"), [("turn", 30), ("fewest", 40), ("priority", 50), ("random", 60)])
def test_anyone_is_fair_and_books_nobody_twice(shop, known, contestants, rule, day):
    """Sixteen at once. Red without the lock: with allocation.lock() taken out, on PostgreSQL some are answered 409 though somebody is free, and the
    turns are uneven."""
    service = known["anyone"][rule]
    same = contestants.round([wish(service, client, soon(9, days=day)) for client in range(16)])
    assert Counter(result["status"] for result in same) == {201: 4, 409: 12}
    assert len({result["body"]["employee"] for result in same if result["status"] == 201}) == 4
    # Each another time of a day: whoever is chosen is free.
    spread = contestants.round([wish(service, client, soon(9, days=day + 1) + timedelta(minutes=30 * client)) for client in range(16)])
    assert Counter(result["status"] for result in spread) == {201: 16}
    shares = sorted(Counter(result["body"]["employee"] for result in spread).values())
    if rule in ("turn", "fewest"):
        assert shares == [4, 4, 4, 4]
    elif rule == "priority":
        assert shares == [16]
    assert shop.ask(OVERLAPS) == 0


def test_a_limit_holds_however_many_employees_there_are(shop, known, contestants):
    """Red without LOCK in actions/limits.py: on PostgreSQL one address books several at once, each with another employee."""
    starts = [soon(hour, days=100 + day) for day in range(4) for hour in (9, 11, 13, 15)]
    results = contestants.round([wish(known["limited"], client, start, email="same@example.org") for client, start in enumerate(starts)])
    assert Counter(result["status"] for result in results) == {201: 1, 409: 15}
    assert {result["body"]["code"] for result in results if result["status"] == 409} == {"limit_reached"}


@pytest.mark.feature("P9")
def test_all_who_wait_are_told_once_and_the_first_claim_wins(shop, known, contestants):
    """Red without the condition on the state in `tell`: some are told twice; without the lock in `claim` and the calendars' lock, several have booked."""
    entries, start = known["waiting"]["entries"], known["waiting"]["start"]
    told = contestants.round([{"door": "tell"} for _ in range(8)])
    assert {result["status"] for result in told} == {201}
    assert shop.ask("SELECT count(*) FROM booking_message WHERE kind = 'freed'") == len(entries)
    # Each of them clicks twice.
    results = contestants.round([{"door": "claim", "entry": entry, "start": start} for entry in entries for _ in range(2)])
    assert Counter(result["status"] for result in results) == {201: 1, 409: 2 * len(entries) - 1}
    assert {result["body"] for result in results if result["status"] == 409} <= {"slot_taken", "wrong_state"}
    assert shop.ask("SELECT count(*) FROM booking_waitingentry WHERE state = 'claimed'") == 1
    assert shop.ask("SELECT count(*) FROM booking_waitingentry WHERE state = 'told'") == len(entries) - 1
    assert shop.ask(OVERLAPS) == 0
