"""Who serves "anyone", and services that all serve together (catalogue P4)."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from booking.actions import appointments
from booking.actions.customers import Guest
from booking.availability import find_slots, next_slot
from booking.errors import SlotTaken
from booking.models import Allocation, Appointment, Employee, Service, SpecialDay
from booking.tests.pages import book, send, text_of
from booking.tests.salon import BERLIN, make_employee, make_service, soon, wish

pytestmark = pytest.mark.django_db


@pytest.fixture
def three() -> list[Employee]:
    return [make_employee(name, position=place) for place, name in enumerate(("Eve", "Finn", "Gina"))]


def served(client: Any, service: Service, *hours: int, days: int = 7) -> list[str]:
    """Whom the API gives for each of these hours."""
    names = {one.pk: one.first_name for one in Employee.objects.all()}
    return [
        names[client.post("/api/v1/appointments/", json.dumps(wish(service, soon(hour, days=days))), content_type="application/json").json()["employee"]]
        for hour in hours
    ]


@pytest.mark.feature("P4")
def test_in_turn_gives_each_the_same_also_when_one_is_away(client, three):
    """Red when TURN falls through to the order of the list."""
    service = make_service(*three, assignment="turn")
    assert served(client, service, 9, 10, 11, 12) == ["Eve", "Finn", "Gina", "Eve"]
    # A turn counts whatever day it is for, and a cancelled one too.
    appointments.cancel(appointment=Appointment.objects.latest("pk"), now=timezone.now())
    assert served(client, service, 9, 10, days=8) == ["Finn", "Gina"]
    three[0].is_active = False
    three[0].save()
    assert Counter(served(client, service, 9, 10, 11, 12, days=9)) == {"Finn": 2, "Gina": 2}
    # What they do beside it is nobody's turn here.
    other = make_service(three[1], name="Colour")
    served(client, other, 15)
    assert served(client, service, 9, days=10) == ["Finn"]


@pytest.mark.feature("P4")
def test_by_priority_gives_the_first_who_is_free(client, three):
    """Red when PRIORITY counts the day's appointments as FEWEST does."""
    service = make_service(*three, assignment="priority")
    assert served(client, service, 10, 10, 10, 11, 12) == ["Eve", "Finn", "Gina", "Eve", "Eve"]


@pytest.mark.feature("P4")
def test_fewest_evens_out_a_day(client, three):
    """Red when FEWEST falls through to the order of the list."""
    service = make_service(*three)
    assert sorted(served(client, service, 9, 10, 11)) == ["Eve", "Finn", "Gina"]


@pytest.mark.feature("P4")
def test_at_random_gives_everybody_some(three):
    """Red when RANDOM falls through to the order of the list. That one of three gets none of fifty happens once in two hundred million."""
    service, guest = make_service(*three, assignment="random"), Guest(first_name="Clara", email="clara@example.org")
    for number in range(50):
        appointments.book(service=service, start=soon(9 + number % 7, days=7 + number // 7), guest=guest, now=timezone.now())
    seen = Counter(Employee.objects.filter(staffings__isnull=False).values_list("staffings__employee__first_name", flat=True))
    assert set(seen) == {"Eve", "Finn", "Gina"}


@pytest.fixture
def duo(three: list[Employee]) -> Service:
    return make_service(*three[:2], name="Duo massage", duration=60, collective=True)


@pytest.mark.feature("P4")
def test_a_collective_is_offered_when_all_are_free_and_takes_all_of_them(client, duo, three):
    """Red with `together` taken out of find_spans' search: ten o'clock is offered though Finn is not free."""
    appointments.book(service=make_service(three[1]), start=soon(10), guest=Guest(first_name="Emil", email="emil@example.org"), now=timezone.now())
    day = soon().astimezone(BERLIN).date()
    SpecialDay.objects.create(calendar=three[0].calendar, day=day, start=soon(9, 30).astimezone(BERLIN).time(), end=soon(14).astimezone(BERLIN).time())
    offered = [slot.start for slot in find_slots(service=duo, start=soon(0), end=soon(23), now=timezone.now())]
    assert offered == [soon(10, 30), soon(11), soon(11, 30), soon(12), soon(12, 30), soon(13)]
    # Named or not, it needs both, and the first is told as organiser.
    told = client.post("/api/v1/appointments/", json.dumps(wish(duo, soon(11), employee=three[1].pk)), content_type="application/json").json()
    assert told["employee"] == three[0].pk
    appointment = Appointment.objects.latest("pk")
    assert [one.employee for one in appointment.staffings.order_by("pk")] == three[:2]
    assert Allocation.objects.filter(kind="appointment", holder_id=appointment.pk).count() == 2
    with pytest.raises(SlotTaken):
        appointments.book(service=make_service(three[1]), start=soon(11, 30), guest=Guest(first_name="Emil", email="emil@example.org"), now=timezone.now())
    appointments.cancel(appointment=appointment, now=timezone.now())
    assert not Allocation.objects.filter(holder_id=appointment.pk).exists()
    assert [slot.start for slot in (next_slot(service=duo, now=soon(9)),) if slot] == [soon(10, 30)]


def test_a_collective_skips_the_choice_of_an_employee(client, duo):
    page = client.get(reverse("booking:service", args=[duo.pk]))
    assert page.url == reverse("booking:time", args=[duo.pk])
    times = client.get(page.url, {"date": soon().date().isoformat(), "timezone": "Europe/Berlin"})
    assert "Eve, Finn" in text_of(times)
    assert "With whom?" not in text_of(times)
    made = book(client, duo, soon(11))
    assert made.appointment.employees.count() == 2
    assert "Eve, Finn" in text_of(client.get(reverse("booking:booked")))
    assert send(client, duo, soon(11)).status_code == 409


def test_a_collective_is_moved_to_where_all_are_free(duo, three):
    guest = Guest(first_name="Clara", email="clara@example.org")
    made = appointments.book(service=duo, start=soon(11), guest=guest, now=timezone.now())
    appointments.book(service=make_service(three[1]), start=soon(14), guest=guest, now=timezone.now())
    with pytest.raises(SlotTaken):
        appointments.reschedule(appointment=made.appointment, start=soon(14), now=timezone.now())
    appointments.reschedule(appointment=made.appointment, start=soon(15), now=timezone.now())
    assert Allocation.objects.filter(holder_id=made.appointment_id, start=soon(15)).count() == 2


def test_a_collective_group_has_its_places_once(duo, three):
    Service.objects.update(max_capacity=3)
    duo.refresh_from_db()
    guests = [Guest(first_name=name, email=f"{name}@example.org") for name in ("clara", "dora")]
    for guest in guests:
        appointments.book(service=duo, start=soon(11), guest=guest, now=timezone.now())
    assert [slot.places_left for slot in find_slots(service=duo, start=soon(11), end=soon(11, 1), now=timezone.now())] == [1]
    assert Appointment.objects.get().attendances.count() == 2


def test_what_staff_gave_to_two_is_moved_to_where_both_are_free(three):
    """Red when moving asks only one of them."""
    service, guest = make_service(*three), Guest(first_name="Clara", email="clara@example.org")
    made = appointments.book(service=service, start=soon(11), guest=guest, now=timezone.now(), employee=three[0])
    appointments.set_staff(appointment=made.appointment, employees=three[:2], now=timezone.now())
    day = soon().astimezone(BERLIN).date()
    SpecialDay.objects.create(calendar=three[1].calendar, day=day, start=soon(9).astimezone(BERLIN).time(), end=soon(13).astimezone(BERLIN).time())
    with pytest.raises(SlotTaken):
        appointments.reschedule(appointment=made.appointment, start=soon(14), now=timezone.now())
    appointments.reschedule(appointment=made.appointment, start=soon(12), now=timezone.now())
    assert Allocation.objects.filter(holder_id=made.appointment_id, start=soon(12)).count() == 2
