"""The profile: the own diary, the page of an appointment, and why a time is (not) free."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from booking.actions import appointments, busy
from booking.actions.customers import Guest
from booking.availability import find_slots
from booking.models import Appointment, Message
from booking.pages import menu
from booking.tests.pages import links_of, text_of
from booking.tests.salon import make_service, weekday

pytestmark = pytest.mark.django_db


@pytest.fixture
def service(employee, colleague):
    return make_service(employee, colleague, needs_approval=True)


@pytest.fixture
def booked(service, employee):
    return appointments.book(
        service=service,
        start=weekday(),
        guest=Guest("Clara", "clara@example.org", "Kunde", "+49 30 1"),
        now=timezone.now(),
        employee=employee,
        notes="ring twice",
    ).appointment


def signed_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def diary(client, **query):
    return client.get(reverse("booking:profile"), {"from": weekday().date().isoformat(), **query})


def test_it_lists_the_own_appointments_by_day_with_what_can_be_done(booked, employee):
    page = diary(signed_in(employee.user))
    assert "Clara Kunde" in text_of(page)
    links = links_of(page)
    assert reverse("booking:appointment", args=[booked.pk]) in links
    assert reverse("booking:appointment_reject", args=[booked.pk]) in links
    assert reverse("booking:appointment_approve", args=[booked.pk]) in page.content.decode()


def test_others_do_not_see_it_and_managers_do(booked, employee, colleague, outsider, manager, admin):
    """Every page of the appointment, for everybody of the cast."""
    names = ["appointment", "appointment_cancel", "appointment_reject"]
    posts = ["appointment_approve", "appointment_sync", "appointment_cancel", "appointment_reject"]
    for user in (colleague.user, outsider):
        client = signed_in(user)
        assert "Clara" not in text_of(diary(client))
        assert diary(client, employee=employee.pk).status_code == 404
        assert {client.get(reverse(f"booking:{name}", args=[booked.pk])).status_code for name in names} == {404}
        assert {client.post(reverse(f"booking:{name}", args=[booked.pk])).status_code for name in posts} == {404}
    booked.refresh_from_db()
    assert (booked.status, booked.sync_enabled) == ("pending", True)
    for user in (employee.user, manager, admin):
        client = signed_in(user)
        assert "Clara" in text_of(diary(client, employee=employee.pk))
        assert {client.get(reverse(f"booking:{name}", args=[booked.pk])).status_code for name in names} == {200}
    for name in names:
        assert Client().get(reverse(f"booking:{name}", args=[booked.pk])).status_code == 302


def test_it_approves_rejects_and_cancels(booked, employee, service):
    client = signed_in(employee.user)
    back = reverse("booking:profile") + "?from=2030-01-01"
    answer = client.post(reverse("booking:appointment_approve", args=[booked.pk]), {"next": back})
    booked.refresh_from_db()
    assert (booked.status, answer.headers["Location"]) == ("approved", back)
    assert "is confirmed" in text_of(client.get(back))

    question = client.get(reverse("booking:appointment_cancel", args=[booked.pk]))
    assert "Cancel this appointment?" in text_of(question)
    client.post(reverse("booking:appointment_cancel", args=[booked.pk]), {"reason": "ill"})
    booked.refresh_from_db()
    assert booked.status == "cancelled"
    assert "ill" in text_of(client.get(reverse("booking:appointment", args=[booked.pk])))
    assert Message.objects.filter(kind="cancelled", recipient="clara@example.org").exists()

    second = appointments.book(service=service, start=weekday(12), guest=Guest("Dora", "d@example.org"), now=timezone.now(), employee=employee).appointment
    client.post(reverse("booking:appointment_reject", args=[second.pk]))
    second.refresh_from_db()
    assert second.status == "rejected"
    again = client.post(reverse("booking:appointment_approve", args=[second.pk]), follow=True)
    assert "Only a pending appointment can be approved." in text_of(again)


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example",
        "https:evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "https://testserver@evil.example/",
    ],
)
def test_it_goes_back_to_own_addresses_only(booked, employee, target):
    answer = signed_in(employee.user).post(reverse("booking:appointment_approve", args=[booked.pk]), {"next": target})
    assert answer.headers["Location"] == reverse("booking:appointment", args=[booked.pk])
    assert signed_in(employee.user).post(reverse("set_language"), {"language": "de", "next": target}).headers["Location"] in ("/", "")


@pytest.mark.feature("E19")
def test_sync_is_switched_off_and_on_for_one_appointment_by_its_check_box(booked, employee):
    """Red when `changes={"sync_enabled": …}` is taken out of pages/diary.py."""
    client, path = signed_in(employee.user), reverse("booking:appointment", args=[booked.pk])
    assert 'id="sync_enabled" checked' in client.get(path).content.decode()
    client.post(reverse("booking:appointment_sync", args=[booked.pk]), {})
    assert not Appointment.objects.get().sync_enabled
    page = client.get(path)
    assert 'id="sync_enabled">' in page.content.decode()
    assert "sync with calendars: yes → no" in text_of(page)
    assert "employee" in text_of(page)
    assert "not synced" in text_of(diary(client))
    client.post(reverse("booking:appointment_sync", args=[booked.pk]), {"sync_enabled": "1"})
    assert Appointment.objects.get().sync_enabled


def test_the_history_of_the_record_tells_who_changed_what(booked, employee):
    appointments.move(appointment=booked, start=weekday(11), end=weekday(11, 30), now=timezone.now(), reason="moved in the calendar")
    page = text_of(signed_in(employee.user).get(reverse("booking:appointment", args=[booked.pk])))
    assert "moved in the calendar" in page
    assert "created" in page
    assert "start:" in page


def test_the_diary_needs_as_many_queries_for_many_appointments_as_for_one(booked, employee, service, django_assert_max_num_queries):
    client = signed_in(employee.user)
    diary(client)

    def queries() -> int:
        with django_assert_max_num_queries(40) as counted:
            diary(client)
        return len(counted)

    few = queries()
    for hour in range(11, 16):
        appointments.book(service=service, start=weekday(hour), guest=Guest(f"Guest{hour}", f"{hour}@example.org"), now=timezone.now(), employee=employee)
    assert queries() == few


def test_who_has_no_diary_is_told_so(outsider):
    page = signed_in(outsider).get(reverse("booking:profile"))
    assert "No diary belongs to this account" in text_of(page)


def test_tabs_of_other_apps_are_shown_to_whom_they_are_for(employee, monkeypatch):
    monkeypatch.setattr(menu, "_tabs", dict(menu._tabs))
    menu.register(menu.Tab("Everybody's", "account_email", position=1))
    menu.register(menu.Tab("Nobody's", "mfa_index", visible=lambda user: False))
    page = text_of(signed_in(employee.user).get(reverse("booking:profile")))
    assert "Everybody's" in page
    assert "Nobody's" not in page


@pytest.mark.feature("B5")
def test_it_says_why_a_time_is_or_is_not_free(service, employee):
    """Red when `explain` is given another instant (the zone is left out) in pages/why.py."""
    client = signed_in(employee.user)
    source = busy.add_source(calendar=employee.calendar, label="Private", max_age=timedelta(hours=1))
    busy.mark_read(source, at=timezone.now(), complete_until=None)
    busy.replace(source, "k", [busy.Span(weekday(12), weekday(13), "Dentist")])
    local = ZoneInfo(employee.calendar.timezone)

    def ask(at, user=client):
        return user.get(reverse("booking:why"), {"service": service.pk, "employee": employee.pk, "at": f"{at.astimezone(local):%Y-%m-%dT%H:%M}"})

    assert "This time can be booked." in text_of(ask(weekday(10)))
    taken = text_of(ask(weekday(12)))
    assert "This time can't be booked." in taken
    assert "Private" in taken
    assert "Dentist" in taken
    assert "working hours" in text_of(ask(weekday(20)))
    # It agrees with the list of slots at every quarter of the day.
    starts = {slot.start for slot in find_slots(service=service, start=weekday(0), end=weekday(23), now=timezone.now(), employees=[employee])}
    for quarter in range(8 * 4, 18 * 4):
        at = weekday(quarter // 4, quarter % 4 * 15)
        assert ask(at).context["explanation"].bookable == (at in starts)


def test_why_is_for_the_own_calendar_and_titles_are_for_its_owner(service, employee, colleague, manager, outsider):
    source = busy.add_source(calendar=employee.calendar, label="Private", max_age=timedelta(hours=1))
    busy.mark_read(source, at=timezone.now(), complete_until=None)
    busy.replace(source, "k", [busy.Span(weekday(12), weekday(13), "Dentist")])
    query = {"service": service.pk, "employee": employee.pk, "at": f"{weekday(12).astimezone(ZoneInfo('Europe/Berlin')):%Y-%m-%dT%H:%M}"}
    for user in (colleague.user, outsider):
        answer = signed_in(user).get(reverse("booking:why"), query)
        assert answer.status_code == 400
        assert "Dentist" not in text_of(answer)
    seen = text_of(signed_in(manager).get(reverse("booking:why"), query))
    assert "Private" in seen
    assert "Dentist" not in seen
    for nonsense in ("", "x", "2026-13-01T00:00", "9999-12-31T23:59", "2026-01-01T10:00+02:00"):
        assert signed_in(employee.user).get(reverse("booking:why"), {**query, "at": nonsense}).status_code == 400
