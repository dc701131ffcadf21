"""An employee moves the own appointments and hands them over, without a script."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from booking.actions import appointments, busy
from booking.actions.customers import Guest
from booking.models import Allocation, Message
from booking.pages.zone import write_instant
from booking.tests.pages import links_of, text_of
from booking.tests.salon import BERLIN, make_service, weekday

pytestmark = pytest.mark.django_db


@pytest.fixture
def service(employee, colleague):
    return make_service(employee, colleague)


def booked_at(service, employee, hour):
    guest = Guest("Clara", f"clara{hour}@example.org", "Kunde")
    return appointments.book(service=service, start=weekday(hour), guest=guest, now=timezone.now(), employee=employee).appointment


@pytest.fixture
def booked(service, employee):
    return booked_at(service, employee, 10)


@pytest.fixture
def path(booked):
    return reverse("booking:appointment_move", args=[booked.pk])


def signed_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def answer_yes(client, question):
    """Sends the form of a question page as a browser would, to the page's own address."""
    fields = {"start": write_instant(question.context["start"]), "seen": question.context["seen"], **({} if question.context["offered"] else {"anyway": "1"})}
    request = question.request
    return client.post(f"{request['PATH_INFO']}?{request['QUERY_STRING']}", fields, follow=True)


def who(appointment):
    return [one.pk for one in appointment.employees.all()]


@pytest.mark.feature("A15")
def test_it_moves_to_an_offered_time_and_tells_the_customer(booked, employee, path):
    """Seen red with the call of `reschedule` taken out of pages/move.py."""
    client = signed_in(employee.user)
    assert path in links_of(client.get(reverse("booking:appointment", args=[booked.pk])))
    assert path in links_of(client.get(reverse("booking:profile"), {"from": weekday().date().isoformat()}))
    times = client.get(path, {"date": weekday().date().isoformat()})
    offered = [one.start for one in times.context["picker"].times]
    assert weekday(10, 30) in offered
    assert weekday() not in offered
    question = client.get(next(link for link in links_of(times) if write_instant(weekday(12)).replace(":", "%3A") in link))
    assert "Move the appointment here?" in text_of(question)
    assert "not offered" not in text_of(question)

    answer = answer_yes(client, question)

    booked.refresh_from_db()
    assert (booked.start, who(booked)) == (weekday(12), [employee.pk])
    assert "The appointment has been moved." in text_of(answer)
    assert Message.objects.filter(kind="rescheduled", recipient="clara10@example.org", state="open").count() == 1
    assert answer.redirect_chain == [(reverse("booking:appointment", args=[booked.pk]), 302)]


@pytest.mark.feature("A15")
def test_it_hands_over_to_a_colleague_at_a_time_that_the_colleague_offers(booked, service, employee, colleague, path):
    """Red when the call of `reschedule` is taken out of pages/move.py."""
    booked_at(service, colleague, 12)
    client = signed_in(employee.user)
    times = client.get(path, {"employee": colleague.pk, "date": weekday().date().isoformat()})
    offered = [one.start for one in times.context["picker"].times]
    assert weekday() in offered  # the same time, by somebody else
    assert weekday(12) not in offered
    question = client.get(path, {"employee": colleague.pk, "start": write_instant(weekday())})
    assert "Hand over to Carl Vogel?" in text_of(question)

    answer = answer_yes(client, question)

    booked.refresh_from_db()
    assert (booked.start, who(booked)) == (weekday(), [colleague.pk])
    assert "Carl Vogel has the appointment now." in text_of(answer)
    # It is in a colleague's diary now.
    assert answer.redirect_chain == [(reverse("booking:profile"), 302)]
    assert client.get(path).status_code == 404
    assert set(Message.objects.filter(kind="rescheduled").values_list("recipient", flat=True)) >= {"clara10@example.org", colleague.email, employee.email}


def test_a_typed_time_may_lie_outside_the_hours_and_the_page_says_why_it_is_not_offered(booked, employee, path):
    client = signed_in(employee.user)
    question = client.get(path, {"at": f"{weekday(20).astimezone(BERLIN):%Y-%m-%dT%H:%M}"}, follow=True)
    assert "working hours" in text_of(question)
    answer_yes(client, question)
    booked.refresh_from_db()
    assert booked.start == weekday(20)
    refused = client.get(path, {"at": "nonsense"}, follow=True)
    assert "Please enter a date and a time." in text_of(refused)


@pytest.mark.parametrize("anyway", [{}, {"anyway": "1"}])
def test_another_appointment_is_never_moved_onto(booked, service, employee, path, anyway):
    """The answer says so, and shows what is free."""
    client = signed_in(employee.user)
    question = client.get(path, {"start": write_instant(weekday(12))})
    booked_at(service, employee, 12)
    answer = client.post(path, {"start": write_instant(weekday(12)), "seen": question.context["seen"], **anyway})
    assert answer.status_code == 409
    assert ("Another appointment is at this time." if anyway else "This time is not free.") in text_of(answer)
    assert weekday(12, 30) in [one.start for one in answer.context["picker"].times]
    booked.refresh_from_db()
    assert booked.start == weekday()
    assert Allocation.objects.filter(start=weekday()).count() == 1


def test_an_old_page_does_not_undo_what_happened_meanwhile(booked, employee, path):
    """Seen red without the comparison of `seen`."""
    client = signed_in(employee.user)
    question = client.get(path, {"start": write_instant(weekday(12))})
    appointments.reschedule(appointment=booked, start=weekday(14), now=timezone.now())
    answer = answer_yes(client, question)
    assert answer.status_code == 409
    assert "Somebody has moved this appointment meanwhile." in text_of(answer)
    booked.refresh_from_db()
    assert booked.start == weekday(14)


def test_a_cancelled_one_is_not_moved(booked, employee, path):
    client = signed_in(employee.user)
    question = client.get(path, {"start": write_instant(weekday(12))})
    appointments.cancel(appointment=booked, now=timezone.now())
    assert "has been cancelled" in text_of(answer_yes(client, question))
    booked.refresh_from_db()
    assert booked.start == weekday()


def test_only_who_may_see_it_may_move_it(booked, employee, colleague, outsider, manager, admin, path):
    """Seen red with any appointment of that id taken."""
    start = {"start": write_instant(weekday(12))}
    seen = signed_in(employee.user).get(path, start).context["seen"]
    for user in (colleague.user, outsider):
        client = signed_in(user)
        assert client.get(path).status_code == 404
        assert client.post(path, {**start, "seen": seen}).status_code == 404
    assert Client().post(path, {**start, "seen": seen}).status_code == 302
    booked.refresh_from_db()
    assert booked.start == weekday()
    for user in (manager, admin):
        assert signed_in(user).get(path).status_code == 200


def test_it_goes_only_to_who_offers_the_service(booked, service, employee, colleague, path):
    client = signed_in(employee.user)
    for changed in ({"is_active": False}, {"is_active": True}):
        if changed["is_active"]:
            service.employees.remove(colleague)
        type(colleague).objects.filter(pk=colleague.pk).update(**changed)
        page = client.get(path, {"employee": colleague.pk})
        assert page.context["chosen"] is None
        assert "Carl" not in text_of(page)


def test_what_keeps_a_colleague_busy_is_not_told(booked, employee, colleague, manager, path):
    """Seen red with the reasons of all."""
    source = busy.add_source(calendar=colleague.calendar, label="Carl's private calendar", max_age=timedelta(hours=1))
    busy.mark_read(source, at=timezone.now(), complete_until=None)
    busy.replace(source, "k", [busy.Span(weekday(12), weekday(13), "Dentist")])
    wish = {"employee": colleague.pk, "start": write_instant(weekday(12))}
    page = text_of(signed_in(employee.user).get(path, wish))
    assert "This time is not offered" in page
    assert "private calendar" not in page
    seen = text_of(signed_in(manager).get(path, wish))
    assert "private calendar" in seen
    assert "Dentist" not in seen


def test_who_sends_the_same_time_and_person_changes_nothing(booked, employee, path):
    """And nobody is told anything. Seen red without the look whether it is there already."""
    before = Message.objects.count()
    question = signed_in(employee.user).get(path, {"start": write_instant(weekday())})
    assert "there already" in text_of(answer_yes(signed_in(employee.user), question))
    assert Message.objects.count() == before
