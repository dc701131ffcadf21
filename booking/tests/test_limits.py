"""How often one customer may book a service."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from booking.actions import appointments, attendances
from booking.actions.customers import Guest
from booking.actions.limits import most_around
from booking.errors import LimitReached
from booking.models import Appointment, Attendance, Service
from booking.tests.pages import send
from booking.tests.salon import make_employee, make_service, soon, wish


@pytest.fixture
def service(db: None) -> Service:
    return make_service(make_employee("Eve"), make_employee("Finn"), max_per_customer=2, limit_days=7, cancel_notice=0, reschedule_notice=0)


def post(client: Any, service: Service, start: Any, email: str = "carla@example.org") -> Any:
    body = wish(service, start, customer={"first_name": "Carla", "last_name": "", "email": email})
    return client.post("/api/v1/appointments/", json.dumps(body), content_type="application/json")


def test_one_address_books_so_often_within_so_many_days(client, service):
    """Red without check_limit in book: the third is booked."""
    assert post(client, service, soon(10, days=7)).status_code == 201
    assert post(client, service, soon(10, days=9), "CARLA@example.org").status_code == 201
    for days in (7, 8, 3, 13):
        refused = post(client, service, soon(12, days=days), "Carla@Example.org")
        assert (refused.status_code, refused.json()["code"]) == (409, "limit_reached"), days
        assert "2 times within 7 days" in refused.json()["detail"]
    assert post(client, service, soon(12, days=16)).status_code == 201
    assert post(client, service, soon(12), "dora@example.org").status_code == 201
    appointments.cancel(appointment=Appointment.objects.get(start=soon(10, days=9)), now=timezone.now())
    assert post(client, service, soon(12, days=8)).status_code == 201


def test_the_page_says_so_and_loses_nothing(client, service):
    for hour in (9, 10):
        post(client, service, soon(hour), "clara@example.org")
    answer = send(client, service, soon(12))
    assert answer.status_code == 409
    assert "2 times within 7 days" in answer.context["problem"]
    assert "Please ring twice." in answer.content.decode()


def test_moving_does_not_count_itself_and_staff_is_not_limited(service):
    guest = Guest(first_name="Carla", email="carla@example.org")

    def book(start: Any, *, public: bool = True) -> Attendance:
        return appointments.book(service=service, start=start, guest=guest, now=timezone.now(), public=public)

    first, later = book(soon(9)), book(soon(10))
    far = book(soon(10, days=20))
    attendances.reschedule(attendance=first, start=soon(12), now=timezone.now(), by_customer=True)
    far.refresh_from_db()
    with pytest.raises(LimitReached):
        attendances.reschedule(attendance=far, start=soon(14), now=timezone.now(), by_customer=True)
    attendances.reschedule(attendance=later, start=soon(14), now=timezone.now())
    book(soon(15), public=False)


@given(st.lists(st.integers(-20, 20), max_size=8), st.integers(1, 10))
def test_the_fullest_span_around_a_day_is_found(days, length):
    base = soon(0, days=100)
    starts = [base + timedelta(days=day) for day in days]
    brute = max(sum(first <= day < first + length for day in days) for first in range(-length + 1, 1))
    assert most_around(base, starts, timedelta(days=length)) == brute
