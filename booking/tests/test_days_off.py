"""Public holidays, the shop's closing days and special days: what closes a day, what wins, and how it is explained (catalogue P3)."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import translation

from booking import public_holidays
from booking.availability import explain
from booking.checks import holidays_are_known
from booking.models import Calendar, ClosingDay, Employee, Service, SpecialDay, TimeOff
from booking.tests.pages import text_of
from booking.tests.salon import make_employee, make_service

pytestmark = pytest.mark.django_db

CHRISTMAS, ORDINARY = date(2026, 12, 25), date(2026, 12, 22)
EPIPHANY = date(2027, 1, 6)  # a holiday in Bavaria, not in Berlin


@pytest.fixture(autouse=True)
def december():
    with time_machine.travel(datetime(2026, 12, 1, 6, tzinfo=UTC), tick=False):
        yield


@pytest.fixture
def employee() -> Employee:
    employee = make_employee("Eve")
    Calendar.objects.update(holidays_country="DE", holidays_subdivision="BY")
    employee.calendar.refresh_from_db()
    return employee


@pytest.fixture
def service(employee) -> Service:
    return make_service(employee)


def count(client: Client, service: Service, day: date) -> int:
    answer = client.get("/api/v1/slots/", {"service": str(service.pk), "from": str(day), "to": str(day), "timezone": "Europe/Berlin"})
    assert answer.status_code == 200
    return len(answer.json()["slots"])


@pytest.mark.feature("P3")
def test_a_public_holiday_is_closed_and_a_special_day_wins_over_it(client, service, employee):
    """Red when load_schedules leaves the holidays out, or puts them in place of special days."""
    assert (count(client, service, CHRISTMAS), count(client, service, ORDINARY)) == (0, 16)
    assert count(client, service, EPIPHANY) == 0
    special = SpecialDay.objects.create(calendar=employee.calendar, day=CHRISTMAS, start=time(10), end=time(11))
    assert count(client, service, CHRISTMAS) == 2
    special.delete()
    Calendar.objects.update(holidays_subdivision="BE")
    assert count(client, service, EPIPHANY) == 16
    Calendar.objects.update(holidays_closed=False)
    assert count(client, service, CHRISTMAS) == 16


@pytest.mark.feature("P3")
def test_the_holiday_is_explained_by_its_name_in_the_readers_language(service, employee):
    """Red when explain() takes it for a special day, or asks for the name in the country's language only."""
    start = datetime(2026, 12, 25, 9, tzinfo=UTC)

    def asked() -> list[tuple[str, str]]:
        found = explain(service=service, employee=employee, start=start, now=datetime.now(UTC))
        return [(reason.code, reason.sentence) for reason in found.reasons]

    assert asked() == [("holiday", "It is a public holiday: Christmas Day.")]
    with translation.override("de"):
        assert asked() == [("holiday", "Es ist ein Feiertag: Erster Weihnachtstag.")]
    SpecialDay.objects.create(calendar=employee.calendar, day=CHRISTMAS, start=time(12), end=time(13))
    assert [code for code, _ in asked()] == ["special_day"]


@pytest.mark.feature("P3")
def test_the_shops_closing_days_are_everybodys(client, service, employee, admin):
    """Red when the query leaves time off without a calendar out."""
    service.employees.add(make_employee("Finn"))
    assert count(client, service, ORDINARY) == 32
    client.force_login(admin)
    sent = client.post("/admin/booking/closingday/add/", {"first_day": "2019-12-20", "last_day": "2019-12-23", "label": "Stocktaking", "yearly": "on"})
    assert sent.status_code == 302
    assert TimeOff.objects.get().calendar is None
    assert ClosingDay.objects.count() == 1
    assert count(client, service, ORDINARY) == 0
    SpecialDay.objects.create(calendar=employee.calendar, day=ORDINARY, start=time(10), end=time(11))
    assert count(client, service, ORDINARY) == 0  # days off beat special days
    found = explain(service=service, employee=employee, start=datetime(2026, 12, 22, 9, tzinfo=UTC), now=datetime.now(UTC))
    assert [(reason.code, reason.rule) for reason in found.reasons] == [("closed", "Stocktaking, 2026-12-22")]
    refused = client.post("/admin/booking/closingday/add/", {"first_day": "2026-12-20", "last_day": "2026-12-19"})
    assert "The last day must not be before the first." in text_of(refused)


def test_own_time_off_is_nobody_elses_and_no_closing_day(client, service, employee):
    finn = make_employee("Finn")
    service.employees.add(finn)
    TimeOff.objects.create(calendar=employee.calendar, first_day=ORDINARY, last_day=ORDINARY)
    assert count(client, service, ORDINARY) == 16
    assert not ClosingDay.objects.exists()


def test_a_new_calendar_has_the_shops_holidays_and_an_unknown_place_is_refused(settings):
    settings.HOLIDAYS_COUNTRY, settings.HOLIDAYS_SUBDIVISION = "AT", "9"
    assert public_holidays.label(Calendar().holidays_country, Calendar().holidays_subdivision, "de") == "Österreich, Wien"
    assert holidays_are_known(None) == []
    settings.HOLIDAYS_SUBDIVISION = "BY"
    assert [one.id for one in holidays_are_known(None)] == ["booking.E001"]
    for country, state in (("XX", ""), ("DE", "XX"), ("", "BY"), ("de", "")):
        with pytest.raises(ValidationError):
            Calendar(name="Eve", holidays_country=country, holidays_subdivision=state).full_clean()
    Calendar(name="Eve", holidays_country="DE", holidays_subdivision="BY").full_clean()


def test_every_country_on_offer_has_a_name_and_codes_that_are_taken_back():
    for language in ("en", "de"):
        offered = public_holidays.choices(language)
        codes = [code for value, label in offered[1:] for code, _ in (label if isinstance(label, list) else [(value, label)])]
        assert len(codes) == len(set(codes)) > 800
        for code in codes:
            public_holidays.check(*public_holidays.parts(code))
    assert ("DE-BY", "Bayern") in dict(public_holidays.choices("de"))["Deutschland"]
