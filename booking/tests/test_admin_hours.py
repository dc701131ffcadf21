"""Working hours in the admin: where and what for, public holidays, what is told about appointments, and what can't be deleted (catalogue P3)."""

from __future__ import annotations

from datetime import time

import pytest
from django.test import Client
from django.utils import timezone

from booking.actions import appointments
from booking.actions.customers import Guest
from booking.models import Location, Service, SpecialDay, WorkingHours
from booking.tests.pages import text_of
from booking.tests.salon import BERLIN, make_employee, make_service, soon
from booking.tests.test_admin_people import EVE, LIST, rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(client: Client, admin) -> Client:
    client.force_login(admin)
    return client


@pytest.mark.feature("P3")
def test_hours_get_place_and_services_and_the_calendar_its_holidays(staff):
    """Red when the inlines leave out location and services, or save_model the holidays."""
    employee, place = make_employee("Eve"), Location.objects.create(name="Mitte")
    massage = make_service(employee, name="Massage")
    employee.calendar.working_hours.all().delete()
    where = {"location": place.pk, "services": [massage.pk]}
    typed = EVE | {"holidays": "DE-BY", "holidays_closed": "on"} | rows("working_hours", {"weekday": 0, "start": "09:00", "end": "12:00", **where})
    typed |= rows("special_days", {"day": "2027-12-24", "start": "09:00", "end": "12:00", **where}) | rows("time_off")
    assert staff.post(f"{LIST}{employee.pk}/change/", typed).status_code == 302
    for row in (WorkingHours.objects.get(), SpecialDay.objects.get()):
        assert (row.location, list(row.services.all())) == (place, [massage])
    employee.calendar.refresh_from_db()
    assert (employee.calendar.holidays_country, employee.calendar.holidays_subdivision, employee.calendar.holidays_closed) == ("DE", "BY", True)
    page = staff.get(f"{LIST}{employee.pk}/change/").content.decode()
    assert '<option value="DE-BY" selected>' in page
    assert staff.post(f"{LIST}{employee.pk}/change/", typed | {"holidays": "DE-XX"}).status_code == 200


@pytest.mark.feature("P3")
def test_appointments_that_now_lie_outside_are_told_and_stay(staff):
    """Red when nothing looks for them before and after."""
    eve = make_employee("Eve")
    service = make_service(eve)
    booked = [appointments.book(service=service, start=soon(hour), guest=Guest("Clara", "c@example.org"), now=timezone.now()).appointment for hour in (10, 15)]
    kept = [{"id": row.pk, "calendar": eve.calendar_id, "weekday": row.weekday, "start": "09:00", "end": "12:00"} for row in eve.calendar.working_hours.all()]
    typed = EVE | {"timezone": "Europe/Berlin"} | rows("working_hours", *kept, initial=7) | rows("special_days") | rows("time_off")
    told = staff.post(f"{LIST}{eve.pk}/change/", typed, follow=True)
    assert "1 appointment now lies outside the working hours. It stays as it is:" in text_of(told)
    assert f'href="/admin/booking/appointment/{booked[1].pk}/change/"' in told.content.decode()
    assert "lies outside" not in text_of(staff.post(f"{LIST}{eve.pk}/change/", typed, follow=True))
    day = soon().astimezone(BERLIN).date()
    closed = staff.post("/admin/booking/closingday/add/", {"first_day": day, "last_day": day}, follow=True)
    # The other one was outside already.
    assert "1 appointment now lies outside the working hours." in text_of(closed)
    assert [one.is_live for one in (type(booked[0]).objects.all())] == [True, True]


def test_a_place_with_hours_and_a_service_that_hours_are_for_alone_can_not_be_deleted(staff):
    """Its hours would be everywhere, or for everything."""
    eve, place = make_employee("Eve"), Location.objects.create(name="Mitte")
    massage, cut = make_service(eve, name="Massage"), make_service(eve, name="Cut")
    hours = eve.calendar.working_hours.earliest("pk")
    hours.location = place
    hours.save()
    hours.services.set([massage])
    for url in (f"/admin/booking/location/{place.pk}/delete/", f"/admin/booking/service/{massage.pk}/delete/"):
        assert "Monday" in text_of(staff.get(url))
        staff.post(url, {"post": "yes"})
    assert (Location.objects.count(), Service.objects.count()) == (1, 2)
    hours.services.add(cut)
    assert staff.post(f"/admin/booking/service/{massage.pk}/delete/", {"post": "yes"}).status_code == 302
    assert list(hours.services.all()) == [cut]
    hours.services.add(make_service(eve, name="Massage"))
    both = {"action": "delete_selected", "_selected_action": [one.pk for one in Service.objects.all()], "post": "yes"}
    staff.post("/admin/booking/service/", both)
    assert Service.objects.count() == 2


def test_an_employee_with_such_hours_can_still_be_deleted(staff):
    eve = make_employee("Eve")
    eve.calendar.working_hours.earliest("pk").services.add(make_service(eve))
    SpecialDay.objects.create(calendar=eve.calendar, day="2030-01-01", start=time(9), end=time(10)).services.add(Service.objects.get())
    assert staff.post(f"{LIST}{eve.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not WorkingHours.objects.exists()


def test_staff_book_at_a_place(staff, customer):
    eve, other = make_employee("Eve"), Location.objects.create(name="Zehlendorf")
    place = Location.objects.create(name="Mitte")
    service = make_service(eve)
    service.locations.add(place)
    local = soon(10).astimezone(BERLIN)
    typed = {"service": service.pk, "customer": customer.pk, "language": "en", "timezone": "Europe/Berlin", "notes": ""}
    typed |= {"start_0": f"{local:%Y-%m-%d}", "start_1": f"{local:%H:%M:%S}"}
    refused = staff.post("/admin/booking/appointment/add/", {**typed, "location": other.pk})
    assert "The service isn't offered there." in text_of(refused)
    assert staff.post("/admin/booking/appointment/add/", {**typed, "location": place.pk}).status_code == 302
    assert service.appointments.get().location == place
