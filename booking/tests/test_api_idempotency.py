"""A request that is sent twice is carried out once."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from booking.actions import appointments, idempotency
from booking.actions.customers import Guest
from booking.links import attendance_for
from booking.models import Appointment, Attendance, Customer, IdempotencyKey, Service
from booking.tests.salon import make_employee, make_service, soon, wish

URL = "/api/v1/appointments/"

pytestmark = pytest.mark.django_db


@pytest.fixture
def service() -> Service:
    return make_service(make_employee("Eve"))


def post(client: Client, body: object, key: str):
    return client.post(URL, json.dumps(body), content_type="application/json", headers={"Idempotency-Key": key})


def test_the_same_key_gets_the_same_answer(client, service):
    """Red when the key is not saved: the second request then gets 409."""
    first = post(client, wish(service, soon(10)), "a")
    second = post(client, wish(service, soon(10)), "a")
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert Appointment.objects.count() == Customer.objects.count() == 1


def test_the_order_of_the_names_does_not_matter(client, service):
    body = wish(service, soon(10))
    assert post(client, body, "a").json() == post(client, dict(reversed(body.items())), "a").json()


def test_another_body_with_the_same_key_is_refused(client, service):
    post(client, wish(service, soon(10)), "a")
    answer = post(client, wish(service, soon(11)), "a")
    assert answer.status_code == 422
    assert answer.json()["code"] == "idempotency_mismatch"
    assert Appointment.objects.count() == 1


def test_a_refused_request_leaves_the_key_free(client, service):
    assert post(client, wish(service, soon(3)), "a").status_code == 409
    assert not IdempotencyKey.objects.exists()
    assert post(client, wish(service, soon(10)), "a").status_code == 201


def test_a_failure_half_way_keeps_neither_the_key_nor_the_booking(service):
    """One transaction: red when the key is written in one of its own."""

    def book_and_fail() -> idempotency.Answer:
        appointments.book(service=service, start=soon(10), guest=Guest(first_name="C", email="c@example.org"), now=timezone.now())
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        idempotency.once(key="k", request_hash="h", do=book_and_fail)
    assert not IdempotencyKey.objects.exists()
    assert not Appointment.objects.exists()


def test_a_key_is_forgotten_after_a_day(client, service):
    post(client, wish(service, soon(10)), "a")
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(hours=23))
    assert post(client, wish(service, soon(10)), "a").status_code == 201
    assert idempotency.purge() == 0
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(hours=24))
    assert post(client, wish(service, soon(11)), "a").status_code == 201
    assert Appointment.objects.count() == 2
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(hours=24))
    assert idempotency.purge() == 1


def test_an_old_answer_does_not_give_back_a_link_that_has_died(client, service):
    """The manage link of a moved appointment must not come to life again for whoever has the old request."""
    first = post(client, wish(service, soon(10)), "a").json()
    appointments.reschedule(appointment=Appointment.objects.get(), start=soon(12), now=timezone.now())
    second = post(client, wish(service, soon(10)), "a").json()
    assert second == first
    assert attendance_for(second["manage_url"].rstrip("/").rsplit("/", 1)[1]) is None


def test_the_table_holds_no_link(client, service):
    link = post(client, wish(service, soon(10)), "secret-key").json()["manage_url"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM booking_idempotencykey")
        rows = repr(cursor.fetchall())
    assert link.rstrip("/").rsplit("/", 1)[1] not in rows
    assert "secret-key" not in rows
    assert str(Attendance.objects.get().uuid) in rows


def test_a_key_that_is_too_long_is_refused(client, service):
    answer = post(client, wish(service, soon(10)), "x" * 256)
    assert (answer.status_code, list(answer.json())) == (400, ["Idempotency-Key"])
