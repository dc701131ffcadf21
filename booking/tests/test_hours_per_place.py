"""Hours at a location or for some services only, and the customer's choice of a location (catalogue P3)."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from booking.actions import appointments
from booking.actions.customers import Guest
from booking.availability import explain
from booking.errors import SlotTaken
from booking.models import Appointment, Attendance, Location, Service, SpecialDay, WorkingHours
from booking.tests.pages import links_of, send, text_of
from booking.tests.salon import BERLIN, make_employee, make_service, soon, wish

SLOTS = "/api/v1/slots/"

pytestmark = pytest.mark.django_db


@pytest.fixture
def places() -> tuple[Location, Location]:
    return Location.objects.create(name="Mitte", address="Torstraße 1"), Location.objects.create(name="Zehlendorf", address="Teltower Damm 9")


@pytest.fixture
def service(places) -> Service:
    """At both places; Eve is at the first from 9 to 12 and at the second from 13 to 17, each day."""
    eve = make_employee("Eve", hours=(9, 12))
    eve.calendar.working_hours.update(location=places[0])
    WorkingHours.objects.bulk_create(WorkingHours(calendar=eve.calendar, weekday=day, start=time(13), end=time(17), location=places[1]) for day in range(7))
    service = make_service(eve)
    service.locations.set(places)
    return service


def listed(client: Client, service: Service, **query: int) -> list[tuple[str, int | None]]:
    day = soon().astimezone(BERLIN).date().isoformat()
    asked: dict[str, str | int] = {"service": service.pk, "from": day, "to": day, "timezone": "Europe/Berlin"}
    answer = client.get(SLOTS, {**asked, **query})
    assert answer.status_code == 200, answer.content
    return [(slot["start"][11:16], slot.get("location")) for slot in answer.json()["slots"]]


@pytest.mark.feature("P3")
def test_slots_belong_to_the_location_of_the_hours_and_so_do_bookings(client, service, places):
    """Red when rules_by_place takes a period whatever its location is, or book() leaves the location out."""
    mitte, zehlendorf = places
    assert listed(client, service, location=mitte.pk) == [(f"{9 + n // 2:02}:{30 * (n % 2):02}", mitte.pk) for n in range(6)]
    assert listed(client, service, location=zehlendorf.pk)[0] == ("13:00", zehlendorf.pk)
    assert {place for _, place in listed(client, service)} == {mitte.pk, zehlendorf.pk}
    taken = client.post("/api/v1/appointments/", wish(service, soon(14), location=mitte.pk), content_type="application/json")
    assert taken.status_code == 409
    assert {slot["location"] for slot in taken.json()["slots"]} == {mitte.pk}
    booked = client.post("/api/v1/appointments/", wish(service, soon(14), location=zehlendorf.pk), content_type="application/json")
    assert (booked.status_code, booked.json()["location"]) == (201, zehlendorf.pk)
    assert Appointment.objects.get().location == zehlendorf


def test_a_slot_is_at_one_location_from_start_to_end(client, service, places):
    """Eve changes place at 12 without a break: nobody is served at both."""
    service.employees.get().calendar.working_hours.filter(start=time(13)).update(start=time(12))
    Service.objects.update(duration=60)
    assert {("11:00", places[0].pk), ("12:00", places[1].pk)} <= set(listed(client, service))
    assert "11:30" not in [start for start, _ in listed(client, service)]
    # What is worked wherever counts at each place.
    service.employees.get().calendar.working_hours.filter(start=time(12)).update(location=None)
    assert ("11:30", places[0].pk) in listed(client, service, location=places[0].pk)


def test_hours_elsewhere_are_not_offered_where_the_service_takes_place_at_one(client, service, places):
    service.locations.set(places[:1])
    assert {place for _, place in listed(client, service)} == {places[0].pk}
    assert len(listed(client, service)) == 6
    service.locations.clear()
    assert len(listed(client, service)) == 6 + 8
    # Hours without a place are at the service's only one.
    service.employees.get().calendar.working_hours.update(location=None)
    service.locations.set(places[:1])
    assert {place for _, place in listed(client, service)} == {places[0].pk}


@pytest.mark.feature("P3")
def test_hours_for_some_services_are_not_offered_for_others(client, service):
    """Red when the query takes hours of other services too, or leaves a special day of theirs out."""
    eve = service.employees.get()
    other = make_service(eve, name="Massage")
    for period in eve.calendar.working_hours.filter(start=time(13)):
        period.services.add(other)
    assert max(start for start, _ in listed(client, service)) == "11:30"
    assert max(start for start, _ in listed(client, other)) == "16:30"
    # A special day for the other service replaces the weekday's hours all the same.
    special = SpecialDay.objects.create(calendar=eve.calendar, day=soon().astimezone(BERLIN).date(), start=time(10), end=time(11))
    special.services.add(other)
    assert listed(client, service) == []
    assert [start for start, _ in listed(client, other)] == ["10:00", "10:30"]
    found = explain(service=service, employee=eve, start=soon(10), now=timezone.now())
    assert [reason.code for reason in found.reasons] == ["other_service"]
    assert "Massage" in found.reasons[0].rule


def test_the_explanation_says_that_the_hours_are_elsewhere(service, places):
    eve = service.employees.get()
    asked = {"service": service, "employee": eve, "now": timezone.now()}
    found = explain(**asked, start=soon(14), location=places[0])
    assert [(reason.code, "Zehlendorf" in reason.rule) for reason in found.reasons] == [("other_location", True)]
    assert explain(**asked, start=soon(14), location=places[1]).bookable
    assert explain(**asked, start=soon(14)).bookable
    stranger = Location.objects.create(name="Potsdam")
    assert [reason.code for reason in explain(**asked, start=soon(14), location=stranger).reasons] == ["other_location"]


@pytest.mark.parametrize("wanted", [999999, "x", 0])
def test_a_location_that_the_service_is_not_at_is_refused_in_words(client, service, wanted):
    answer = client.get(SLOTS, {"service": service.pk, "from": "2027-03-01", "to": "2027-03-01", "location": wanted})
    assert answer.status_code == 400
    assert set(answer.json()) == {"location"}


@pytest.mark.feature("P3")
def test_the_pages_ask_where_and_keep_to_it(client, service, places):
    """Red when time() leaves the location out, or details() books without it."""
    mitte, zehlendorf = places
    first = client.get(f"/service/{service.pk}/")
    assert "Where?" in text_of(first)
    assert "Torstraße 1" in text_of(first)
    assert f"?location={mitte.pk}" in links_of(first)
    # A direct link to the times leads back to the question.
    assert client.get(f"/service/{service.pk}/time/")["Location"].startswith(f"/service/{service.pk}/")
    # There is one employee: straight on to the times, with the place.
    assert client.get(f"/service/{service.pk}/?location={mitte.pk}")["Location"] == f"/service/{service.pk}/time/?location={mitte.pk}"
    day = soon().astimezone(BERLIN).date()
    times = client.get(f"/service/{service.pk}/time/?location={zehlendorf.pk}&date={day}")
    assert "Zehlendorf" in text_of(times)
    assert "13:00" in text_of(times) or "1 p.m." in text_of(times)
    assert [link for link in links_of(times) if f"start={day}T08" in link or f"start={day}T07" in link] == []
    details = f"/service/{service.pk}/details/?location={zehlendorf.pk}"
    wrong = send(client, service, soon(9), address=details)
    assert wrong.status_code == 409
    assert send(client, service, soon(14), address=details).status_code == 302
    assert Appointment.objects.get().location == zehlendorf
    assert "Teltower Damm 9" in text_of(client.get("/booked/"))


def test_without_a_choice_nobody_is_asked_and_the_details_say_where(client, service, places):
    service.locations.clear()
    assert client.get(f"/service/{service.pk}/").status_code == 302
    shown = client.get(f"/service/{service.pk}/details/", {"start": soon(14).isoformat()})
    assert "Teltower Damm 9" in text_of(shown)


def test_only_those_who_work_there_are_offered(client, service, places):
    finn = make_employee("Finn", first_name="Finn")
    finn.calendar.working_hours.update(location=places[1])
    service.employees.add(finn)
    assert "Finn" in text_of(client.get(f"/service/{service.pk}/?location={places[1].pk}"))
    assert client.get(f"/service/{service.pk}/?location={places[0].pk}").status_code == 302  # Eve alone
    nowhere = Location.objects.create(name="Potsdam")
    service.locations.add(nowhere)
    page = client.get(f"/service/{service.pk}/?location={nowhere.pk}")
    assert "can't be booked online at “Potsdam”" in text_of(page)


@pytest.mark.feature("P3")
def test_a_move_keeps_the_place_that_was_chosen(client, service, places):
    """Red when reschedule() looks for any location."""
    attendance = booked(service, soon(10), places[0])
    with pytest.raises(SlotTaken):
        appointments.reschedule(appointment=attendance.appointment, start=soon(14), now=timezone.now())
    appointments.reschedule(appointment=attendance.appointment, start=soon(11), now=timezone.now())
    assert attendance.appointment.location == places[0]
    # Nobody has chosen: it follows the employee.
    service.locations.clear()
    appointments.reschedule(appointment=attendance.appointment, start=soon(14), now=timezone.now())
    assert Appointment.objects.get().location == places[1]


def booked(service: Service, start: datetime, location: Location) -> Attendance:
    return appointments.book(service=service, start=start, guest=Guest("Clara", "clara@example.org"), now=timezone.now(), location=location)


def test_it_asks_the_database_once_more_at_most_for_a_location(client, service, places, django_assert_max_num_queries):
    day = soon().astimezone(BERLIN).date()
    query = {"service": service.pk, "from": day, "to": day + timedelta(days=20)}
    with django_assert_max_num_queries(8) as plain:
        client.get(SLOTS, query)
    with django_assert_max_num_queries(len(plain) + 1):
        client.get(SLOTS, {**query, "location": places[0].pk})
