"""Where the values come from, and who is told what."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from booking.models import Attendance, Category, Location
from booking.notifications.placeholders import allowed_in, fill, values_for, values_for_calendar
from booking.tests.mails import booking
from booking.tests.salon import make_customer, make_employee, make_service, soon

pytestmark = pytest.mark.django_db


@pytest.fixture
def attendance() -> Attendance:
    employee = make_employee("Eve", last_name="Weber", phone="+49 1", note="SECRET-STAFF")
    place = Location.objects.create(name="Studio", address="Lindenstraße 1")
    service = make_service(employee, category=Category.objects.create(name="Hair"), duration=90)
    service.locations.add(place)
    made = booking(service=service, employee=employee, notes="Left-handed", phone="+49 30 9")
    made.customer.note = "SECRET-CUSTOMER"
    made.customer.save()
    made.appointment.internal_note = "SECRET-APPOINTMENT"
    made.appointment.save()
    return made


def beside(attendance: Attendance) -> Attendance:
    """Somebody else comes too."""
    other = make_customer(first_name="Otto", last_name="Anders", email="otto@example.org", phone="555")
    return Attendance.objects.create(appointment=attendance.appointment, customer=other, price="20.00", notes="Otto's note")


def mail_values(attendance: Attendance, audience: str = "customer", **options):
    return values_for(attendance, audience=audience, **{"language": "en", "timezone": "Europe/Berlin", **options})


def test_every_placeholder_that_is_offered_has_a_value(attendance):
    assert list(mail_values(attendance)) == [one.name for one in allowed_in("customer")]
    assert list(mail_values(attendance, "employee")) == [one.name for one in allowed_in("employee")]
    assert list(values_for_calendar(attendance.appointment, "en")) == [one.name for one in allowed_in("calendar")]


def test_they_say_what_is_booked(attendance):
    shown = fill(
        "%customer_full_name%|%employee_full_name%|%category_name%|%service_name%|%service_duration%|%booking_price%|%location_address%|%booking_notes%",
        mail_values(attendance),
    )
    assert shown == "Clara Kunde|Eve Weber|Hair|Haircut|1 h 30 min|35.00\xa0€|Lindenstraße 1|Left-handed"
    assert fill("%booking_price%", mail_values(attendance, language="de")) == "35,00\xa0€"


def test_times_are_told_in_the_zone_of_the_reader(attendance):
    attendance.appointment.start = datetime.fromisoformat("2026-07-01T22:30:00+00:00")
    template = "%appointment_date:d MMM% %appointment_start_time% %time_zone%"
    assert fill(template, mail_values(attendance, timezone="America/New_York")) == "1 Jul 6:30 PM America/New_York"
    assert fill(template, mail_values(attendance, timezone="Asia/Kolkata", language="de")) == "2 Jul 04:00 Asia/Kolkata"


def test_a_zone_that_is_none_still_tells_a_true_time(attendance, settings):
    settings.TIME_ZONE = "Europe/Berlin"
    assert fill("%appointment_start_time% %time_zone%", mail_values(attendance, timezone="Mars/Crater")) == "10:00 AM Europe/Berlin"


def test_the_old_time_is_there_only_when_it_was_moved(attendance):
    template = "[%appointment_previous_date:d MMM% %appointment_previous_start_time%]"
    assert fill(template, mail_values(attendance)) == "[ ]"
    old = datetime.fromisoformat("2026-07-01T08:00:00+00:00")
    assert fill(template, mail_values(attendance, previous=(old, old + timedelta(hours=1)))) == "[1 Jul 10:00 AM]"


def test_a_customer_is_told_of_nobody_else_and_of_no_internal_note(attendance):
    """Red when the list of guests is taken for customers too."""
    beside(attendance)
    shown = repr([fill(f"%{name}%", mail_values(attendance)) for name in mail_values(attendance)])
    assert "Otto" not in shown
    assert "otto@" not in shown
    assert "SECRET" not in shown


def test_an_employee_is_told_of_all_who_come(attendance):
    beside(attendance)
    values = mail_values(attendance, "employee")
    assert values["customer_full_name"] == "Clara Kunde, Otto Anders"
    assert values["booked_customer"] == "Clara Kunde, +49 30 9, clara@example.org"
    assert values["customer_note"] == "SECRET-CUSTOMER"
    assert values["number_of_persons"] == "2"
    assert not [name for name, value in values.items() if name.startswith("appointment_") and name.endswith("_url") and value]


def test_a_calendar_lists_its_customers_and_holds_no_link_with_a_token(attendance):
    other = beside(attendance)
    values = values_for_calendar(attendance.appointment, "de")
    assert fill("%service_name%: %customer_full_name%", values) == "Haircut: Clara Kunde, Otto Anders"
    everything = repr([fill(f"%{name}%", values) for name in values])
    assert "http" not in everything
    assert "SECRET-CUSTOMER" not in everything
    assert "SECRET-STAFF" not in everything
    other.status = "cancelled"
    other.save()
    assert values_for_calendar(attendance.appointment, "de")["customer_full_name"] == "Clara Kunde"


def test_calendar_times_are_those_of_the_employees_calendar(attendance):
    calendar = attendance.appointment.employees.get().calendar
    calendar.timezone = "America/New_York"
    calendar.save()
    assert fill("%appointment_start_time%", values_for_calendar(attendance.appointment, "en")) in ("4:00 AM", "5:00 AM")
    assert soon(10) > timezone.now()
