"""Many register for the last places of an event at the same moment: no place is given twice, none stays empty.

Over several processes against gunicorn with several workers, on SQLite and on PostgreSQL.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from booking.tests.contest_setup import CAPACITIES

CLIENTS = 50
TAKEN = "SELECT coalesce(sum(places), 0) FROM booking_registration WHERE status = 'registered' AND event_id = "

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("contest")]


def wish(event: int, client: int, places: int, **headers: str) -> dict[str, Any]:
    customer = {"first_name": f"Guest {client}", "last_name": "", "email": f"guest{client}.{event}@example.org"}
    return {"door": "post", "path": f"/api/v1/events/{event}/registrations/", "body": {"customer": customer, "places": places}, "headers": headers}


def test_fifty_contend_for_the_places_and_none_is_given_twice(shop, known, contestants):
    """Red without the lock: with select_for_update() taken out of actions.events.held, more places are sold than there are on PostgreSQL;
    on SQLite with transaction_mode DEFERRED some get 500."""
    for event, capacity in zip(known["events"], CAPACITIES, strict=True):
        places = 1 if capacity < 20 else 2
        results = contestants.round([wish(event, client, places) for client in range(CLIENTS)])
        won = capacity // places
        assert Counter(result["status"] for result in results) == {201: won, 409: CLIENTS - won}, event
        assert {result["body"]["code"] for result in results if result["status"] == 409} == {"sold_out"}
        assert shop.ask(f"{TAKEN}{event}") == won * places
        assert shop.ask(f"SELECT count(*) FROM booking_message m JOIN booking_registration r ON r.id = m.registration_id WHERE r.event_id = {event}") == 2 * won
    # Forty are taken of the last one's forty-one: one more place for whoever is first, by one key from everybody.
    results = contestants.round([wish(known["events"][-1], 99, 1, **{"Idempotency-Key": "one"}) for _ in range(CLIENTS)])
    assert Counter(result["status"] for result in results) == {201: CLIENTS}
    assert len({json.dumps(result["body"]) for result in results}) == 1
    assert shop.ask(f"{TAKEN}{known['events'][-1]}") == 41
