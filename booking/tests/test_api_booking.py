"""Booking over HTTP: what is answered, what is refused, what a customer can't decide."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from rest_framework import serializers

from booking.api import serializers as api
from booking.links import attendance_for
from booking.models import Allocation, Appointment, Attendance, Customer, Message, Service
from booking.tests.salon import BERLIN, make_customer, make_employee, make_service, soon, wish

URL = "/api/v1/appointments/"

pytestmark = pytest.mark.django_db


@pytest.fixture
def service() -> Service:
    return make_service(make_employee("Eve"), make_employee("Finn"))


def post(client: Client, body: Any, **headers: str):
    return client.post(URL, body if isinstance(body, (str, bytes)) else json.dumps(body), content_type="application/json", headers=headers)


def test_it_books_a_free_time(client, service):
    """Red when the view answers 201 without calling the action."""
    answer = post(client, wish(service, soon(10), notes="Left-handed scissors"))
    assert answer.status_code == 201
    told = answer.json()
    attendance = Attendance.objects.get()
    assert set(told) == {"id", "status", "start", "end", "employee", "location", "persons", "price", "manage_url"}
    assert told["id"] == str(attendance.uuid)
    assert told["status"] == "approved"
    assert told["start"] == soon(10).astimezone(BERLIN).isoformat()
    assert told["end"] == soon(10, 30).astimezone(BERLIN).isoformat()
    assert told["employee"] == attendance.appointment.employees.get().pk
    assert attendance_for(told["manage_url"].rstrip("/").rsplit("/", 1)[1]) == attendance
    assert attendance.notes == "Left-handed scissors"
    assert Message.objects.filter(recipient="carla@example.org").count() == 1
    assert answer["Cache-Control"] == "no-store"


def test_it_books_with_the_employee_who_is_named(client, service):
    finn = service.employees.get(first_name="Finn")
    assert post(client, wish(service, soon(10), employee=finn.pk)).json()["employee"] == finn.pk


def test_anyone_is_two_people_at_the_same_time(client, service):
    first, second, third = (post(client, wish(service, soon(10))) for _ in range(3))
    assert {first.json()["employee"], second.json()["employee"]} == {one.pk for one in service.employees.all()}
    assert third.status_code == 409


def test_a_service_with_approval_answers_pending(client, service):
    Service.objects.update(needs_approval=True)
    assert post(client, wish(service, soon(10))).json()["status"] == "pending"


def test_language_and_zone_of_the_mails_are_those_of_the_request(client, service):
    answer = post(client, wish(service, soon(10), timezone="America/New_York"), **{"Accept-Language": "de-AT,de;q=0.8"})
    attendance = Attendance.objects.get()
    assert (attendance.language, attendance.timezone) == ("de", "America/New_York")
    assert datetime.fromisoformat(answer.json()["start"]).utcoffset() in (timedelta(hours=-4), timedelta(hours=-5))


def test_a_taken_time_answers_with_what_is_free_near_it(client, service):
    eve = service.employees.get(first_name="Eve")
    assert post(client, wish(service, soon(10), employee=eve.pk)).status_code == 201
    answer = post(client, wish(service, soon(10), employee=eve.pk))
    assert answer.status_code == 409
    told = answer.json()
    assert told["code"] == "slot_taken"
    assert told["detail"]
    assert len(told["slots"]) == 5
    assert {slot["employee"] for slot in told["slots"]} == {eve.pk}
    assert post(client, wish(service, datetime.fromisoformat(told["slots"][0]["start"]), employee=eve.pk)).status_code == 201


@pytest.mark.parametrize(
    "start", [soon(3), soon(10, 7), soon(10) + timedelta(seconds=1), soon(10) + timedelta(microseconds=1), soon(10, days=-7), soon(10, days=400)]
)
def test_a_time_that_is_not_offered_is_refused(client, service, start):
    assert post(client, wish(service, start)).status_code == 409
    assert not Appointment.objects.exists()


def without(body: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key != name}


CUSTOMER = {"first_name": "Carla", "last_name": "Kundin", "email": "carla@example.org"}


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"service": 999999}, "service", "no such service"),
        ({"service": "1; DROP TABLE"}, "service", "integer"),
        ({"service": True}, "service", "integer"),
        ({"service": 1.0}, "service", "integer"),
        ({"service": None}, "service", "null"),
        ({"employee": 999999}, "employee", "does not offer"),
        ({"start": "2030-01-01T10:00:00"}, "start", "offset"),
        ({"start": "2030-01-01"}, "start", "offset"),
        ({"start": "soon"}, "start", "date and time"),
        ({"start": 1893456000}, "start", "date and time"),
        ({"start": "0001-01-01T00:00:00+14:00"}, "start", "year"),
        ({"start": "9999-12-31T23:59:59-12:00"}, "start", "year"),
        ({"customer": "Carla"}, "customer", "non_field_errors"),
        ({"customer": {}}, "customer", "email"),
        ({"customer": CUSTOMER | {"email": "no address"}}, "customer", "email"),
        ({"customer": CUSTOMER | {"email": "a@b.example\nBcc: all@example.org"}}, "customer", "email"),
        ({"customer": CUSTOMER | {"first_name": "Carla\r\nBcc: all@example.org"}}, "customer", "Line breaks"),
        ({"customer": CUSTOMER | {"last_name": "a\u2028b"}}, "customer", "Line breaks"),
        ({"customer": CUSTOMER | {"first_name": "a\u0000b"}}, "customer", "Line breaks"),
        ({"customer": CUSTOMER | {"first_name": "\ud800"}}, "customer", "Surrogate"),
        ({"customer": CUSTOMER | {"first_name": ""}}, "customer", "blank"),
        ({"customer": CUSTOMER | {"first_name": "x" * 151}}, "customer", "150"),
        ({"customer": CUSTOMER | {"phone": "1\n2"}}, "customer", "Line breaks"),
        ({"notes": "x" * 2001}, "notes", "2000"),
        ({"notes": "\x07"}, "notes", "Control"),
        ({"timezone": "Nowhere"}, "timezone", "time zone"),
        ({"employe": 1}, "employe", "not known"),
        ({"customer": CUSTOMER | {"note": "VIP"}}, "customer", "not known"),
    ],
)
def test_it_refuses_in_words(client, service, change, field, words):
    answer = post(client, wish(service, soon(10)) | change)
    assert answer.status_code == 400
    assert words in json.dumps(answer.json()[field])
    assert not Appointment.objects.exists()


@pytest.mark.parametrize("name", ["service", "start", "customer"])
def test_it_says_what_is_missing(client, service, name):
    answer = post(client, without(wish(service, soon(10)), name))
    assert (answer.status_code, answer.json()) == (400, {name: ["This field is required."]})


@pytest.mark.parametrize("body", ["", "[]", "1", "null", "{", '{"a": NaN}', b"\xff\xfe", "[" * 50_000, '{"a":' * 10_000, '"' + "x" * 70_000 + '"'])
def test_a_body_that_is_no_request_is_refused(client, service, body):
    answer = post(client, body)
    assert answer.status_code == 400
    assert answer.json()


def test_only_json_is_read(client, service):
    assert client.post(URL, {"service": service.pk}).status_code == 415
    assert client.get(URL).status_code == 405


def test_it_needs_no_csrf_token_because_no_cookie_counts(service, admin):
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin)
    assert post(client, wish(service, soon(10))).status_code == 201


def model_fields() -> set[str]:
    """Every column of every row that a booking writes, and every field that the API names anywhere."""
    names = {field.name for model in (Appointment, Attendance, Customer, Service, Allocation) for field in model._meta.get_fields()}
    for serializer in vars(api).values():
        if isinstance(serializer, type) and issubclass(serializer, serializers.Serializer) and serializer.__module__ == api.__name__:
            names |= set(serializer().fields)
    return names | {"is_staff", "owner", "user"}


FOREIGN: dict[str, Any] = {
    "price": "0.01",
    "status": "cancelled",
    "duration": 5,
    "end": "2031-01-01T00:00:00Z",
    "buffer_after": 0,
    "sequence": 99,
    "id": 7,
    "pk": 7,
}


@pytest.mark.parametrize("at", ["top", "customer"])
@pytest.mark.parametrize("name", sorted(model_fields()))
def test_a_customer_sets_nothing_beyond_the_form(client, service, admin, at, name):
    """Goes over every field that exists, so that a new one is covered on the day it is made. Red when Strict ignores the check and
    a serializer gains a model's field (tried with `price`)."""
    known = set(api.AppointmentRequest().fields if at == "top" else api.CustomerRequest().fields)
    if name in known:
        return
    plain = wish(service, soon(10))
    value = FOREIGN.get(name, "x")
    body = plain | {name: value} if at == "top" else plain | {"customer": plain["customer"] | {name: value}}
    for person in (None, admin):
        if person:
            client.force_login(person)
        answer = post(client, body)
        assert answer.status_code == 400
        assert "not known" in json.dumps(answer.json())
    assert not Appointment.objects.exists()
    assert not Customer.objects.exists()


def test_the_form_has_only_what_a_customer_may_say():
    """A field more here is a decision: see what it lets a stranger set."""
    asked = {"service", "employee", "location", "persons", "start", "customer", "notes", "timezone", "extras", "answers"}
    assert set(api.AppointmentRequest().fields) == asked
    assert set(api.CustomerRequest().fields) == {"first_name", "last_name", "email", "phone"}


def test_price_and_length_are_the_services(client, service):
    Service.objects.update(price=Decimal("12.50"), duration=60, buffer_after=10)
    post(client, wish(service, soon(10)))
    attendance = Attendance.objects.get()
    assert attendance.price == Decimal("12.50")
    assert attendance.appointment.end - attendance.appointment.start == timedelta(hours=1)
    assert attendance.appointment.buffer_after == 10


def test_a_known_address_changes_and_reveals_nothing(client, service):
    known = make_customer(first_name="Carla", last_name="Kundin", phone="+49 30 1", note="pays late")
    new = post(client, wish(service, soon(10), customer=CUSTOMER | {"email": "new@example.org"}))
    same = post(client, wish(service, soon(11), customer=CUSTOMER | {"phone": "+49 30 2"}))
    assert set(new.json()) == set(same.json())
    known.refresh_from_db()
    assert (known.phone, known.note) == ("+49 30 1", "pays late")
    assert "30 1" not in same.content.decode()


def test_too_many_mails_to_one_address_answer_429(client, service, settings):
    """Red when the public door doesn't ask for the cap."""
    settings.MAIL_CAP_PER_ADDRESS = 1
    assert post(client, wish(service, soon(10))).status_code == 201
    answer = post(client, wish(service, soon(11), customer=CUSTOMER | {"email": CUSTOMER["email"].upper()}))
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many")
    assert Attendance.objects.count() == 1


def test_booking_takes_few_statements(client, service):
    """Of a customer who is known, with an Idempotency-Key; BEGIN, COMMIT and savepoints apart. SQLite writes each row by a statement of its own."""
    employee = service.employees.first().pk
    post(client, wish(service, soon(9), employee=employee), **{"Idempotency-Key": "fills caches"})
    with CaptureQueriesContext(connection) as queries:
        assert post(client, wish(service, soon(11), employee=employee), **{"Idempotency-Key": "statements"}).status_code == 201
    asked = [query["sql"] for query in queries if query["sql"].split()[0] not in ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")]
    assert len(asked) <= (12 if connection.vendor == "postgresql" else 16), "\n".join(asked)


def test_it_says_409_when_the_service_is_booked_out_for_good(client):
    lonely = make_service()
    answer = post(client, wish(lonely, soon(10)))
    assert (answer.status_code, answer.json()["slots"]) == (409, [])
