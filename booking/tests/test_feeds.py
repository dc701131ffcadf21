"""Calendars to subscribe to, calendar files, and the ways to put a booking into one's own calendar."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

from booking import ical
from booking.actions import appointments
from booking.actions.customers import Guest
from booking.actions.people import renew_feed
from booking.links import diary_url, feed_url, manage_token
from booking.models import Attendance, Customer, Employee
from booking.tests.pages import text_of
from booking.tests.salon import make_employee, make_service, soon

pytestmark = pytest.mark.django_db

CLARA = Guest("Clara", "clara@example.org", "Kunde", "+49 30 901820")


def book(service, start, guest: Guest = CLARA) -> Attendance:
    return appointments.book(service=service, start=start, guest=guest, now=timezone.now())


def path_of(url: str) -> str:
    return urlsplit(url).path


def entries(answer) -> dict[str, ical.Entry]:
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/calendar; charset=utf-8"
    return {one.uid: one for one in ical.read(answer.content)}


@pytest.mark.feature("P12")
def test_a_customer_subscribes_to_all_own_bookings_and_to_nobody_elses(client):
    """Red when `same_person` is left out of the feed, and when it takes all customers."""
    service = make_service(make_employee("Eve"))
    mine = book(service, soon(10))
    same_mailbox = book(service, soon(11), Guest("Clara", "CLARA@example.org", "Kunde"))
    other = book(service, soon(12), Guest("Otto", "otto@example.org"))
    found = entries(client.get(path_of(feed_url(mine.customer))))
    assert set(found) == {mine.appointment.uid, same_mailbox.appointment.uid}
    assert other.appointment.uid not in found
    entry = found[mine.appointment.uid]
    assert (entry.start, entry.end, entry.summary.split(" – ")[0]) == (mine.appointment.start, mine.appointment.end, "Haircut")
    assert "/booking/" not in client.get(path_of(feed_url(mine.customer))).content.decode(), "a calendar is shared: no link that can cancel"


@pytest.mark.feature("P12")
def test_the_feed_follows_moves_and_cancellations_and_says_when_nothing_has_changed(client):
    """Red when the ETag is made of anything that changes with each answer."""
    service = make_service(make_employee("Eve"))
    mine, gone = book(service, soon(10)), book(service, soon(12))
    address = path_of(feed_url(mine.customer))
    first = client.get(address)
    assert client.get(address, headers={"If-None-Match": first["ETag"]}).status_code == 304
    appointments.move(appointment=mine.appointment, start=soon(14), end=soon(15), now=timezone.now())
    appointments.cancel(appointment=gone.appointment, now=timezone.now())
    second = client.get(address, headers={"If-None-Match": first["ETag"]})
    found = entries(second)
    assert set(found) == {mine.appointment.uid}
    assert found[mine.appointment.uid].start == soon(14)
    assert found[mine.appointment.uid].sequence == 1


@pytest.mark.feature("P12")
def test_an_employees_diary_has_the_own_appointments_with_who_comes_until_the_address_is_renewed(client, employee: Employee, colleague: Employee):
    """Red when the version is not compared, and when the feed isn't limited to the employee."""
    service = make_service(employee, colleague, needs_approval=True)
    start = soon(10)
    start += timedelta(days=(7 - start.weekday()) % 7)
    mine = appointments.book(service=service, start=start, guest=CLARA, now=timezone.now(), employee=employee)
    appointments.book(service=service, start=start, guest=CLARA, now=timezone.now(), employee=colleague)
    found = entries(client.get(path_of(diary_url(employee))))
    assert {uid: (one.summary, one.status) for uid, one in found.items()} == {mine.appointment.uid: ("Haircut – Clara Kunde", "tentative")}

    client.force_login(employee.user)
    page = reverse("booking:own_diary")
    assert diary_url(employee) in client.get(page).content.decode()
    old = diary_url(employee)
    assert client.post(page).status_code == 302
    employee.refresh_from_db()
    assert client.get(path_of(old)).status_code == 404
    assert client.get(path_of(diary_url(employee))).status_code == 200


def test_the_diary_is_closed_once_the_account_is(client, employee: Employee):
    User.objects.filter(employee=employee).update(is_active=False)
    assert client.get(path_of(diary_url(employee))).status_code == 404


def test_a_feed_opens_nothing_else_and_a_link_opens_no_feed(client):
    mine = book(make_service(make_employee("Eve")), soon(10))
    token = path_of(feed_url(mine.customer)).split("/")[2]
    assert client.get(reverse("booking:panel", args=[token])).status_code == 404
    assert client.get(reverse("booking:feed", args=[manage_token(mine)])).status_code == 404
    Customer.objects.filter(pk=mine.customer_id).update(link_version=2)
    assert client.get(path_of(feed_url(mine.customer))).status_code == 404


@pytest.mark.parametrize("bookings", [1, 6])
def test_a_feed_takes_as_many_queries_for_six_bookings_as_for_one(client, django_assert_num_queries, bookings):
    service = make_service(make_employee("Eve"))
    made = [book(service, soon(10 + number)) for number in range(bookings)]
    address = path_of(feed_url(made[0].customer))
    with django_assert_num_queries(5):
        client.get(address)


@pytest.mark.feature("P12")
def test_the_confirmation_and_the_link_offer_file_google_and_outlook(client):
    """Red when the targets are left out of the pages' context."""
    service = make_service(make_employee("Eve"), name="Cut & colour")
    mine = book(service, soon(10))
    page = client.get(reverse("booking:manage", args=[manage_token(mine)]))
    assert "Put it into your calendar" in text_of(page)
    google, outlook = (one.url for one in page.context["calendar_targets"])
    asked = parse_qs(urlsplit(google).query)
    assert urlsplit(google).hostname == "calendar.google.com"
    assert asked["text"][0].startswith("Cut & colour – ")
    assert asked["dates"] == [f"{mine.appointment.start:%Y%m%dT%H%M%SZ}/{mine.appointment.end:%Y%m%dT%H%M%SZ}"]
    assert parse_qs(urlsplit(outlook).query)["startdt"] == [f"{mine.appointment.start:%Y-%m-%dT%H:%M:%SZ}"]
    file = client.get(page.context["calendar_file"])
    assert "attachment" in file["Content-Disposition"]
    assert list(entries(file)) == [mine.appointment.uid]
    appointments.cancel(appointment=mine.appointment, now=timezone.now())
    mine.refresh_from_db()
    assert "Put it into your calendar" not in text_of(client.get(reverse("booking:manage", args=[manage_token(mine)])))
    assert client.get(reverse("booking:appointment_entry", args=[manage_token(mine)])).status_code == 404


def test_renewing_is_no_change_of_the_employee(employee: Employee):
    before = employee.history.count()
    renew_feed(employee)
    assert employee.history.count() == before
