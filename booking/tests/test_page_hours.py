"""The profile's page of working hours: who may change them, the week, special days, days off, holidays (catalogue P3)."""

from __future__ import annotations

from datetime import date, time, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from booking.actions import appointments
from booking.actions.customers import Guest
from booking.availability import find_slots
from booking.models import Location, SpecialDay, TimeOff, WorkingHours
from booking.tests.pages import links_of, text_of
from booking.tests.salon import BERLIN, make_service, weekday

pytestmark = pytest.mark.django_db

HOURS = "/profile/hours/"


def signed_in(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def seen_on(page: Any) -> str:
    return str(page.content.decode().split('name="seen" value="')[1].split('"')[0])


def typed(*rows: tuple[int, str, str], **more: Any) -> dict[str, Any]:
    """The form as a browser sends it: (weekday, from, until) each."""
    data: dict[str, Any] = {"rows": len(rows)}
    for number, (day, start, end) in enumerate(rows):
        data |= {f"row-{number}-number": day, f"row-{number}-start": start, f"row-{number}-end": end, f"row-{number}-location": ""}
    return {**data, **more}


def week_of(employee: Any) -> list[tuple[int, str]]:
    return [(row.weekday, f"{row.start:%H:%M}–{row.end:%H:%M}") for row in employee.calendar.working_hours.all()]


@pytest.mark.feature("P3")
def test_an_employee_sets_the_week_with_breaks_places_and_services(employee):
    """Red when set_week() leaves out the services, or hours() doesn't call it."""
    massage, cut = make_service(employee, name="Massage"), make_service(employee, name="Cut")
    place = Location.objects.create(name="Mitte")
    client = signed_in(employee.user)
    page = client.get(HOURS)
    assert "Monday 09:00–17:00" in text_of(page)
    assert "Sunday free" in text_of(page)
    rows = typed((0, "13:00", "18:00"), (0, "08:30", "12:00"), (5, "22:00", "00:00"), seen=seen_on(page))
    sent = client.post(HOURS, {**rows, "row-0-location": place.pk, "row-0-services": [massage.pk]}, follow=True)
    assert "The hours are saved." in text_of(sent)
    assert "Monday 08:30–12:00 13:00–18:00 Mitte" in text_of(sent)
    assert "Saturday 22:00–00:00" in text_of(sent)
    assert week_of(employee) == [(0, "08:30–12:00"), (0, "13:00–18:00"), (5, "22:00–00:00")]
    afternoon = WorkingHours.objects.get(start=time(13))
    assert (afternoon.location, list(afternoon.services.all())) == (place, [massage])
    monday = weekday(0)
    starts = {one.name: len(find_slots(service=one, start=monday, end=monday + timedelta(days=1), now=timezone.now())) for one in (massage, cut)}
    assert starts == {"Massage": 7 + 10, "Cut": 7}


@pytest.mark.feature("P3")
def test_rows_are_added_copied_and_removed_without_script_and_before_anything_is_saved(employee):
    """Red when change() does nothing, or saves."""
    client = signed_in(employee.user)
    before = week_of(employee)
    rows = typed((0, "09:00", "12:00"), (0, "13:00", "1x"), (1, "10:00", "11:00"), seen="s")
    added = client.post(HOURS, {**rows, "do": "add:6"})
    assert added.status_code == 200
    html = added.content.decode()
    assert 'name="rows" value="4"' in html
    assert 'name="row-3-number" value="6"' in html
    assert 'value="1x"' in html  # what was typed stays, right or wrong
    assert "Not saved yet." in text_of(added)
    removed = client.post(HOURS, {**rows, "do": "remove:1"}).content.decode()
    assert 'name="rows" value="2"' in removed
    assert "1x" not in removed
    copied = client.post(HOURS, {**typed((0, "09:00", "12:00"), (1, "10:00", "11:00"), seen="s"), "do": "copy", "copy_from": "0", "copy_to": ["1", "4"]})
    assert [copied.content.decode().count(f'value="{text}"') for text in ("09:00", "10:00")] == [3, 0]
    assert week_of(employee) == before
    for nonsense in ("add:9", "remove:77", "remove:-1", "copy", "fly", "add:" + "9" * 5000):
        assert client.post(HOURS, {**rows, "do": nonsense}).status_code == 200


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ((0, "12:00", "09:00"), "The end must be after the start."),
        ((0, "09:00", "09:00"), "The end must be after the start."),
        ((0, "09:00", ""), "Please enter a time like 09:00."),
        ((0, "", "09:00"), "Please enter a time like 09:00."),
        ((0, "noon", "13:00"), "Please enter a time like 09:00."),
        ((0, "14:00", "15:00"), "This overlaps another period of the day."),
    ],
)
def test_what_cannot_be_is_said_at_the_row_and_nothing_is_lost(employee, row, words):
    client = signed_in(employee.user)
    before = week_of(employee)
    answer = client.post(HOURS, typed((0, "13:00", "18:00"), row, seen=seen_on(client.get(HOURS))))
    assert answer.status_code == 400
    assert words in text_of(answer)
    assert 'value="13:00"' in answer.content.decode()
    assert week_of(employee) == before


def test_places_and_services_that_are_not_on_offer_are_refused(employee):
    client = signed_in(employee.user)
    stranger = make_service(name="Somebody else's")
    rows = typed((0, "13:00", "18:00"), seen=seen_on(client.get(HOURS)))
    for wrong in ({"row-0-location": "999"}, {"row-0-location": "x"}, {"row-0-services": ["x"]}, {"row-0-services": ["9" * 30]}, {"row-0-number": "7"}):
        assert client.post(HOURS, {**rows, **wrong}).status_code == 400, wrong
    assert week_of(employee)[0] == (0, "09:00–17:00")
    assert str(stranger) not in text_of(client.get(HOURS))


def test_hours_that_were_changed_meanwhile_are_not_overwritten_unseen(employee):
    """Red when set_week() doesn't compare."""
    client = signed_in(employee.user)
    old = seen_on(client.get(HOURS))
    employee.calendar.working_hours.filter(weekday=4).delete()
    before = week_of(employee)
    answer = client.post(HOURS, typed((0, "13:00", "18:00"), seen=old))
    assert answer.status_code == 409
    assert "Somebody has changed these hours meanwhile." in text_of(answer)
    assert week_of(employee) == before
    assert client.post(HOURS, typed((0, "13:00", "18:00"), seen=seen_on(answer))).status_code == 302
    assert week_of(employee) == [(0, "13:00–18:00")]


@pytest.mark.feature("P3")
def test_appointments_outside_the_new_hours_stay_and_are_told(employee):
    """Red when set_week() returns nothing, or cancels."""
    service = make_service(employee)
    start = weekday(15)
    guest = Guest("Clara", "clara@example.org")
    booked = [appointments.book(service=service, start=start - timedelta(hours=hours), guest=guest, now=timezone.now()) for hours in (0, 5)]
    client = signed_in(employee.user)
    sent = client.post(HOURS, typed((0, "09:00", "12:00"), seen=seen_on(client.get(HOURS))), follow=True)
    assert "1 appointment now lies outside of these hours. It stays as it is." in text_of(sent)
    assert "Booked outside of these hours" in text_of(sent)
    assert [reverse("booking:appointment", args=[one.appointment.pk]) in links_of(sent) for one in booked] == [True, False]
    booked[0].appointment.refresh_from_db()
    assert booked[0].appointment.status == "approved"
    # The next change has nothing to do with it.
    again = client.post(HOURS, typed((0, "08:00", "12:00"), seen=seen_on(sent)), follow=True)
    assert "now lies outside" not in text_of(again)


@pytest.mark.feature("P3")
def test_a_special_day_is_entered_changed_and_taken_back(employee):
    """Red when set_day() adds instead of replacing."""
    client = signed_in(employee.user)
    day = weekday().astimezone(BERLIN).date()
    address = f"{HOURS}day/?day={day}"
    assert 'value="09:00"' in client.get(address).content.decode()  # begins with the weekday's hours
    sent = client.post(address, typed((0, "20:00", "22:00"), day=day.isoformat()), follow=True)
    assert "The hours of this day are saved." in text_of(sent)
    assert "Other hours 20:00–22:00" in text_of(sent)
    client.post(address, typed((0, "10:00", "11:00"), (0, "12:00", "13:00"), day=day.isoformat()))
    assert [(row.day, row.start) for row in SpecialDay.objects.all()] == [(day, time(10)), (day, time(12))]
    assert 'value="10:00"' in client.get(address).content.decode()
    empty = client.post(address, typed(day=day.isoformat()))
    assert (empty.status_code, "enter it as a day off" in text_of(empty)) == (400, True)
    assert client.post(address, typed((0, "10:00", "11:00"), day="")).status_code == 400
    assert "like the others again" in text_of(client.post(address, {"delete": "1"}, follow=True))
    assert not SpecialDay.objects.exists()
    more = client.post(address, {**typed((0, "10:00", "11:00"), day="2031-05-01"), "do": "add:0"})
    assert 'value="2031-05-01"' in more.content.decode()


@pytest.mark.feature("P3")
def test_days_off_are_entered_once_or_every_year_and_removed(employee, colleague):
    """Red when off() forgets "every year"."""
    client = signed_in(employee.user)
    first = timezone.now().date().replace(month=6, day=1)
    sent = client.post(f"{HOURS}off/", {"first_day": first, "last_day": first + timedelta(days=6), "label": "Ski", "yearly": "on"}, follow=True)
    assert "Ski free every year" in text_of(sent)
    off = TimeOff.objects.get()
    assert (off.calendar, off.first_day, off.last_day, off.yearly) == (employee.calendar, first, first + timedelta(days=6), True)
    wrong = client.post(f"{HOURS}off/", {"first_day": "2027-06-02", "last_day": "2027-06-01", "label": "Typed"})
    assert (wrong.status_code, "must not be before the first" in text_of(wrong), 'value="Typed"' in wrong.content.decode()) == (400, True, True)
    assert client.post(f"{HOURS}off/", {"first_day": ""}).status_code == 400
    stranger = TimeOff.objects.create(calendar=colleague.calendar, first_day=first, last_day=first)
    shops = TimeOff.objects.create(first_day=date(2019, 12, 24), last_day=date(2019, 12, 26), yearly=True, label="Shop closed")
    for pk in (stranger.pk, shops.pk, 999, off.pk):
        assert client.post(f"{HOURS}off/{pk}/remove/").status_code == 302
    assert set(TimeOff.objects.all()) == {stranger, shops}
    assert "Shop closed for everybody every year" in text_of(client.get(HOURS))


@pytest.mark.feature("P3")
def test_time_zone_and_public_holidays_are_chosen(employee):
    """Red when set_calendar() doesn't save one of them."""
    client = signed_in(employee.user)
    assert "Public holidays are days like others." in text_of(client.get(HOURS))
    sent = client.post(f"{HOURS}clock/", {"timezone": "America/New_York", "holidays": "DE-BY", "closed": "on"}, follow=True)
    assert "By the clock of America/New_York. Closed on the public holidays of Germany, Bayern." in text_of(sent)
    assert "Christmas Day" in text_of(sent)
    employee.calendar.refresh_from_db()
    calendar = employee.calendar
    assert (calendar.timezone, calendar.holidays_country, calendar.holidays_subdivision) == ("America/New_York", "DE", "BY")
    service = make_service(employee)
    first = find_slots(service=service, start=weekday(0), end=weekday(23), now=timezone.now())[0]
    assert first.start.astimezone(BERLIN).hour in (14, 15)  # nine in the morning there; the clocks don't change on the same days
    for wrong in ({"holidays": "DE-XX"}, {"timezone": "Mars/Olympus"}):
        assert client.post(f"{HOURS}clock/", {"timezone": "Europe/Berlin", "holidays": "", **wrong}).status_code == 400
    assert "Erster Weihnachtstag" in text_of(client.get(HOURS, headers={"Accept-Language": "de"}))


def test_employees_change_their_own_hours_managers_everybodys_and_nobody_else(employee, colleague, outsider, manager):
    """Red when of_employee() lets everybody write."""
    theirs = f"{HOURS}?employee={colleague.pk}"
    rows = typed((0, "13:00", "18:00"))
    assert signed_in(employee.user).get(theirs).status_code == 404
    assert signed_in(employee.user).post(theirs, rows).status_code == 404
    assert "No diary belongs to this account." in text_of(signed_in(outsider).get(HOURS))
    assert signed_in(outsider).post(HOURS, rows).status_code == 200
    assert Client().get(HOURS).status_code == 302
    boss = signed_in(manager)
    page = boss.get(theirs)
    assert "Working hours of Carl Vogel" in text_of(page)
    sent = boss.post(theirs, {**rows, "seen": seen_on(page)})
    assert (sent.status_code, sent["Location"]) == (302, theirs)
    assert week_of(colleague) == [(0, "13:00–18:00")]
    assert len(week_of(employee)) == 5


@pytest.mark.feature("P3")
def test_the_admin_can_keep_employees_from_changing_their_hours(employee):
    """Red when may_change_hours() asks for no permission."""
    Group.objects.get(name="employee").permissions.remove(Permission.objects.get(codename="change_own_hours"))
    client = signed_in(employee.user)
    page = client.get(HOURS)
    assert "Monday 09:00–17:00" in text_of(page)
    assert "Your hours are changed by the administration." in text_of(page)
    assert "<form id=" not in page.content.decode()
    off = TimeOff.objects.create(calendar=employee.calendar, first_day=date(2030, 1, 1), last_day=date(2030, 1, 1))
    assert client.post(HOURS, typed((0, "13:00", "18:00"))).status_code == 403
    assert client.post(f"{HOURS}off/", {"first_day": "2030-01-01"}).status_code == 403
    assert client.post(f"{HOURS}off/{off.pk}/remove/").status_code == 403
    assert {client.get(f"{HOURS}{page}/").status_code for page in ("day", "clock")} == {403}
    assert (len(week_of(employee)), TimeOff.objects.count()) == (5, 1)


def test_it_asks_the_database_as_often_for_many_hours_as_for_few(employee, django_assert_max_num_queries):
    client = signed_in(employee.user)

    def queries() -> int:
        with django_assert_max_num_queries(30) as counted:
            client.get(HOURS)
        return len(counted)

    few = queries()
    place = Location.objects.create(name="Mitte")
    services = [make_service(employee, name=f"S{number}") for number in range(5)]
    for day in range(7):
        for hour in (6, 18):
            WorkingHours.objects.create(calendar=employee.calendar, weekday=day, start=time(hour), end=time(hour + 1), location=place).services.set(
                services[:3]
            )
        SpecialDay.objects.create(calendar=employee.calendar, day=date(2030, 1, 1 + day), start=time(9), end=time(10)).services.set(services[:2])
        TimeOff.objects.create(calendar=employee.calendar, first_day=date(2030, 2, 1 + day), last_day=date(2030, 2, 1 + day))
    assert queries() <= few + 2  # the services' names, for the week and for special days
