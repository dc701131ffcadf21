"""Events by the API: what is listed, registering, and what is refused."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from booking.actions import events
from booking.links import registration_for
from booking.models import Event, Location, Message, Registration
from booking.tests.happening import make_event, register
from booking.tests.salon import BERLIN, make_employee, soon

URL = "/api/v1/events/"
CUSTOMER = {"first_name": "Carla", "last_name": "Kundin", "email": "carla@example.org"}

pytestmark = pytest.mark.django_db


@pytest.fixture
def event() -> Event:
    place = Location.objects.create(name="Studio")
    return make_event(make_employee("Eve", note="SECRET"), soon(18), soon(18, days=8), staff=[make_employee("Finn")], location=place, capacity=3)


def post(client, event: Event, key: str = "", **body: object):
    headers = {"Idempotency-Key": key} if key else {}
    body = {"customer": CUSTOMER, **body}
    return client.post(f"{URL}{event.pk}/registrations/", json.dumps(body), content_type="application/json", headers=headers)


def test_the_list_tells_all_that_a_page_needs_and_nothing_secret(client, event):
    register(event, places=2)
    events.cancel_period(period=event.periods.order_by("-start")[0], now=timezone.now())
    (told,) = client.get(URL).json()
    assert told == client.get(f"{URL}{event.pk}/").json()
    assert told["periods"][0] == {
        "start": soon(18).astimezone(BERLIN).isoformat(),
        "end": soon(20).astimezone(BERLIN).isoformat(),
        "is_cancelled": False,
    }
    assert told["periods"][1]["is_cancelled"]
    assert (told["capacity"], told["places_left"], told["registration"], told["status"]) == (3, 1, "open", "published")
    assert [one["name"] for one in told["staff"]] == ["Finn"]
    assert told["organizer"]["name"] == "Eve"
    assert told["url"].endswith("/event/perfume-evening/")
    text = json.dumps(told)
    for secret in ("SECRET", "clara@example.org", "salon.example"):
        assert secret not in text


def test_the_list_needs_as_many_queries_for_many_events_as_for_one(client, event, django_assert_num_queries):
    """Red when staff or periods are not fetched along."""
    with django_assert_num_queries(3):
        client.get(URL)
    eve = event.organizer
    for days in (9, 10, 11):
        register(make_event(eve, soon(18, days=days), soon(21, days=days), staff=[make_employee(f"Gil{days}")], slug=f"in-{days}"))
    with django_assert_num_queries(3):
        assert len(client.get(URL).json()) == 4


def test_drafts_are_unknown_and_cancelled_ones_are_off(client, event):
    draft = make_event(make_employee("Gil"), slug="draft", published=False)
    assert client.get(f"{URL}{draft.pk}/").status_code == 404
    assert post(client, draft).status_code == 404
    events.cancel(event=event, now=timezone.now())
    assert client.get(URL).json() == []
    assert client.get(f"{URL}{event.pk}/").json()["registration"] == "off"
    answer = post(client, event)
    assert (answer.status_code, answer.json()["code"]) == (409, "not_open")


def test_registering_answers_with_the_link_that_withdraws(client, event):
    answer = post(client, event, places=2, notes="By the window")
    assert answer.status_code == 201
    told, made = answer.json(), Registration.objects.get()
    assert told == {"id": str(made.uuid), "status": "registered", "event": event.pk, "places": 2, "manage_url": told["manage_url"]}
    assert registration_for(told["manage_url"].split("/")[-2]) == made
    assert Message.objects.count() == 2


def test_sold_out_and_closed_are_told_with_a_code(client, event):
    register(event, places=2)
    answer = post(client, event, places=2)
    assert answer.status_code == 409
    assert answer.json() == {"code": "sold_out", "detail": "Only 1 place is left.", "places_left": 1}
    assert post(client, event).status_code == 201
    assert post(client, event).json()["places_left"] == 0
    event.registration_opens = timezone.now() + timedelta(hours=1)
    event.save()
    assert post(client, event).json() == {"code": "not_open", "detail": "Registration has not begun yet."}
    assert post(client, event, places=6).status_code == 409


def test_more_places_than_one_may_have_are_refused(client, event):
    big = make_event(make_employee("Gil"), slug="big", capacity=50, places_each=2)
    answer = post(client, big, places=3)
    assert (answer.status_code, answer.json()["code"]) == (400, "wrong_state")


@pytest.mark.parametrize(
    "body",
    [
        {"places": 0},
        {"places": "x"},
        {"places": 1.5},
        {"places": True},
        {"places": 2**70},
        {"price": 0},
        {"status": "registered"},
        {"customer": {**CUSTOMER, "first_name": "a\r\nBcc: x@example.org"}},
        {"customer": {**CUSTOMER, "email": "nonsense"}},
        {"customer": None},
        {"notes": "\0"},
    ],
)
def test_what_a_customer_may_not_set_or_say_is_refused(client, event, body):
    assert post(client, event, **body).status_code == 400
    assert not Registration.objects.exists()


def test_the_same_key_registers_once(client, event):
    """Red when the key is not read: two registrations."""
    first, second = (post(client, event, key="a") for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert Registration.objects.count() == 1
    assert post(client, event, key="a", places=2).status_code == 422
    assert post(client, event, key="x" * 256).status_code == 400


def test_the_description_is_complete(client):
    paths = json.loads(client.get("/api/schema/", headers={"Accept": "application/vnd.oai.openapi+json"}).content)["paths"]
    assert set(paths["/api/v1/events/{id}/registrations/"]["post"]["responses"]) == {"201", "400", "404", "409", "422", "429"}
    parameters = paths["/api/v1/events/{id}/registrations/"]["post"]["parameters"]
    assert {one["name"] for one in parameters} == {"id", "Idempotency-Key"}
    assert {"/api/v1/events/", "/api/v1/events/{id}/"} <= set(paths)
