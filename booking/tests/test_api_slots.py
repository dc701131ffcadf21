"""Free slots over HTTP: what is asked, how it is answered, what is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from booking.availability import find_slots
from booking.models import Allocation, BusySource, Service
from booking.tests.salon import BERLIN, make_employee, make_service, soon

SLOTS = "/api/v1/slots/"

pytestmark = pytest.mark.django_db


@pytest.fixture
def service() -> Service:
    return make_service(make_employee("Eve"), make_employee("Finn", hours=(9, 12)))


def day(offset: int = 7) -> str:
    return (datetime.now(BERLIN).date() + timedelta(days=offset)).isoformat()


def ask(client: Client, shown: Service, /, **query: str | int):
    asked: dict[str, str | int] = {"service": shown.pk, "from": day(), "to": day(), "timezone": "Europe/Berlin"}
    return client.get(SLOTS, asked | query)


def test_it_lists_one_entry_per_start_and_free_employee(client, service):
    """Red when spans_json leaves out the employees after the first of a start."""
    slots = ask(client, service).json()["slots"]
    eve, finn = service.employees.order_by("pk")
    assert {slot["employee"] for slot in slots} == {eve.pk, finn.pk}
    assert [slot["start"] for slot in slots] == sorted(slot["start"] for slot in slots)
    assert slots[0] == {"start": soon(9).astimezone(BERLIN).isoformat(), "end": soon(9, 30).astimezone(BERLIN).isoformat(), "employee": eve.pk}
    assert len(slots) == 16 + 6


def test_it_answers_what_the_availability_finds(client, service):
    """The JSON is put together by hand: it must say the same as the function that validates a booking."""
    found = find_slots(service=service, start=soon(0), end=soon(0, days=10), now=timezone.now())
    told = ask(client, service, to=day(9), timezone="America/New_York").json()["slots"]
    # Berlin's midnight is the evening before in New York: look at what both cover.
    told_instants = {(datetime.fromisoformat(slot["start"]), datetime.fromisoformat(slot["end"]), slot["employee"]) for slot in told}
    assert {(slot.start, slot.end, slot.employee_id) for slot in found} == told_instants


def test_both_days_are_included_in_the_zone_that_is_named(client, service):
    # Auckland is half a day ahead: its day holds the evening of Berlin's day before.
    slots = ask(client, service, timezone="Pacific/Auckland").json()["slots"]
    assert slots
    assert {slot["start"][:10] for slot in slots} == {day()}
    assert {slot["start"][:10] for slot in ask(client, service, to=day(8)).json()["slots"]} == {day(7), day(8)}


def test_it_tells_the_times_of_one_employee(client, service):
    finn = service.employees.get(first_name="Finn")
    slots = ask(client, service, employee=finn.pk).json()["slots"]
    assert [slot["employee"] for slot in slots] == [finn.pk] * 6


def test_a_blank_employee_is_anyone(client, service):
    assert ask(client, service, employee="").json() == ask(client, service).json()


def test_what_is_sold_is_not_offered(client, service):
    eve = service.employees.get(first_name="Eve")
    Allocation.objects.create(calendar=eve.calendar, start=soon(10, 15), end=soon(10, 20), kind="test", holder_id=1)
    starts = [slot["start"] for slot in ask(client, service, employee=eve.pk).json()["slots"]]
    assert soon(10).astimezone(BERLIN).isoformat() not in starts
    assert soon(10, 30).astimezone(BERLIN).isoformat() in starts


def test_unsure_times_are_marked(client, service):
    eve = service.employees.get(first_name="Eve")
    BusySource.objects.create(calendar=eve.calendar, label="lost", policy="mark", state="lost", max_age=timedelta(hours=1))
    slots = ask(client, service).json()["slots"]
    assert {slot.get("unsure", False) for slot in slots if slot["employee"] == eve.pk} == {True}
    assert all("unsure" not in slot for slot in slots if slot["employee"] != eve.pk)


@pytest.mark.parametrize(
    ("query", "field", "words"),
    [
        ({"service": ""}, "service", "required"),
        ({"service": "x"}, "service", "integer"),
        ({"service": 10**30}, "service", "less than"),
        ({"service": -1}, "service", "greater than"),
        ({"service": 999999}, "service", "no such service"),
        ({"employee": "x"}, "employee", "integer"),
        ({"employee": 999999}, "employee", "does not offer"),
        ({"from": ""}, "from", "required"),
        ({"from": "tomorrow"}, "from", "like 2027-03-01"),
        ({"from": "2027-02-30", "to": "2027-03-01"}, "from", "not a date"),
        ({"from": "20270301", "to": "2027-03-01"}, "from", "not a date"),
        ({"from": "0001-01-01"}, "from", "year"),
        ({"to": "9999-12-31"}, "to", "year"),
        ({"to": "1999-12-31"}, "to", "before the first"),
        ({"to": (date.today() + timedelta(days=7 + 62)).isoformat()}, "to", "62 days"),  # noqa: DTZ011
        ({"timezone": "Mars/Olympus"}, "timezone", "not a time zone"),
        ({"timezone": "../../etc/passwd"}, "timezone", "not a time zone"),
        ({"timezone": "<script>"}, "timezone", "not a time zone"),
    ],
)
def test_it_refuses_in_words(client, service, query, field, words):
    answer = ask(client, service, **query)
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/json"
    assert words in " ".join(answer.json()[field])


def test_sixty_two_days_are_allowed(client, service):
    assert ask(client, service, to=day(7 + 61)).status_code == 200


def test_a_service_that_is_not_offered_does_not_exist(client, service):
    Service.objects.update(is_active=False)
    assert ask(client, service).status_code == 400
    assert client.get(f"/api/v1/services/{service.pk}/").status_code == 404
    assert client.get("/api/v1/services/").json() == []


def test_the_next_slot_is_the_first_that_is_free(client, service):
    slot = client.get(f"{SLOTS}next/", {"service": service.pk, "timezone": "UTC"}).json()["slot"]
    first = find_slots(service=service, start=timezone.now(), end=timezone.now() + timedelta(days=3), now=timezone.now())[0]
    assert datetime.fromisoformat(slot["start"]) == first.start
    assert datetime.fromisoformat(slot["start"]).utcoffset() == timedelta(0)


def test_the_next_slot_is_null_when_nobody_works(client):
    assert client.get(f"{SLOTS}next/", {"service": make_service().pk}).json() == {"slot": None}


def test_the_number_of_queries_does_not_grow_with_the_employees(client, service, django_assert_max_num_queries):
    service.employees.add(*(make_employee(f"E{number}") for number in range(20)))
    with django_assert_max_num_queries(8):
        assert ask(client, service).status_code == 200


def test_services_tell_nothing_internal(client, service):
    employee = service.employees.first()
    employee.note, employee.phone = "on probation", "+49 30 123"
    employee.save()
    for answer in (client.get("/api/v1/services/"), client.get(f"/api/v1/services/{service.pk}/")):
        assert answer.status_code == 200
        assert "on probation" not in answer.content.decode()
        assert employee.email not in answer.content.decode()
        assert employee.phone not in answer.content.decode()
    entry = client.get(f"/api/v1/services/{service.pk}/").json()
    assert (entry["name"], entry["duration"], entry["price"]) == ("Haircut", 30, "35.00")
    assert [one["name"] for one in entry["employees"]] == ["Eve", "Finn"]


def test_a_number_too_big_for_the_database_is_not_found(client):
    assert client.get(f"/api/v1/services/{10**30}/").status_code == 404


def test_times_around_a_change_of_clocks_carry_their_own_offset(client, service):
    Service.objects.update(horizon=730)
    changes = [date(year, 10, 31) - timedelta(days=(date(year, 10, 31).weekday() + 1) % 7) for year in (datetime.now(UTC).year, datetime.now(UTC).year + 1)]
    sunday = next(change for change in changes if change > datetime.now(BERLIN).date() + timedelta(days=2))
    slots = ask(client, service, **{"from": (sunday - timedelta(days=1)).isoformat(), "to": sunday.isoformat()}).json()["slots"]
    assert {slot["start"][-6:] for slot in slots if slot["start"][:10] == sunday.isoformat()} == {"+01:00"}
    assert {slot["start"][-6:] for slot in slots if slot["start"][:10] != sunday.isoformat()} == {"+02:00"}
