"""Approving and rejecting by the links in the employee's mail: looking changes nothing, the button acts once, and the link dies with the request."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.utils import timezone

from booking.actions import appointments
from booking.models import Attendance, Message
from booking.notifications.placeholders import allowed_in, values_for_calendar
from booking.tests.mails import CLARA, booking, deliver, part
from booking.tests.salon import make_employee, make_service, soon

pytestmark = pytest.mark.django_db

EVE, FINN = "eve@salon.example", "finn@salon.example"


@pytest.fixture
def request_made() -> Attendance:
    """Clara asks for a time with Eve, who has to approve it."""
    eve = make_employee("Eve", language="en")
    return booking(service=make_service(eve, make_employee("Finn", language="en"), needs_approval=True), employee=eve, notes="Please ring twice.")


def links(mail) -> dict[str, str]:
    found = re.findall(r"http://localhost:8000(/request/[^\s\"<]+/(approve|reject)/)", part(mail, "plain"))
    assert sorted(found) == sorted(set(re.findall(r"http://localhost:8000(/request/[^\s\"<]+/(approve|reject)/)", part(mail, "html"))))
    return {decision: path for path, decision in found}


def status_of(attendance: Attendance) -> str:
    attendance.appointment.refresh_from_db()
    return attendance.appointment.status


@pytest.mark.feature("P11")
@pytest.mark.parametrize(("decision", "status", "told"), [("approve", "approved", "is confirmed"), ("reject", "rejected", "could not accept")])
def test_the_employee_decides_by_the_link_in_the_mail_without_signing_in(client: Client, request_made, decision, status, told):
    """Red when the links are left out of the employee's text, or the page asks for a sign-in."""
    link = links(deliver()[EVE])[decision]
    page = client.get(link)
    assert page.status_code == 200
    assert b"Haircut" in page.content
    assert b"Clara Kunde" in page.content
    assert b"Please ring twice." in page.content
    assert client.post(link, {"reason": ""}).status_code == 200
    assert status_of(request_made) == status
    assert told in part(deliver()[CLARA], "plain")
    assert request_made.appointment.history.first().history_change_reason == "mail to Eve"


@pytest.mark.feature("P11")
def test_a_mail_scanner_that_opens_every_link_decides_nothing(client: Client, request_made):
    """Red when a GET of the page acts."""
    for link in links(deliver()[EVE]).values():
        for method in (client.get, client.head, client.get):
            assert method(link).status_code == 200
    assert status_of(request_made) == "pending"
    assert not Message.objects.filter(state="open").exists()


def test_the_form_needs_its_csrf_token(request_made):
    link = links(deliver()[EVE])["approve"]
    assert Client(enforce_csrf_checks=True).post(link).status_code == 403
    assert status_of(request_made) == "pending"


@pytest.mark.feature("P11")
def test_a_link_is_good_for_its_own_decision_and_employee_only(client: Client, request_made):
    """Red when both decisions are signed with the same salt."""
    deliver()
    paths = links(deliver_again()[EVE])
    swapped = paths["approve"].removesuffix("approve/") + "reject/"
    forged = paths["approve"].replace("/request/", "/request/0")
    for wrong in (swapped, forged, "/request/x/approve/"):
        assert client.post(wrong).status_code == 404
    manage = re.search(r"/booking/([^/]+)/", part(deliver_again()[CLARA], "plain"))
    assert manage
    assert client.post(f"/request/{manage[1]}/approve/").status_code == 404
    assert status_of(request_made) == "pending"


def deliver_again():
    Message.objects.update(state=Message.State.OPEN, context={})
    return deliver()


@pytest.mark.feature("P11")
def test_the_second_click_and_the_other_decision_are_told_how_it_was_answered(client: Client, request_made):
    """Red when the status isn't looked at before the action: the second decision then raises or undoes the first."""
    paths = links(deliver()[EVE])
    client.post(paths["approve"])
    for link in paths.values():
        for answer in (client.get(link), client.post(link)):
            assert answer.status_code == 410
            assert b"has been approved already" in answer.content
            assert b"Clara" not in answer.content
    assert status_of(request_made) == "approved"


@pytest.mark.parametrize("end", ["cancel", "reinstate", "move", "hand over"])
@pytest.mark.feature("P11")
def test_the_link_dies_when_the_request_is_no_longer_the_same(client: Client, request_made, end):
    """Red when the link's version isn't compared."""
    link = links(deliver()[EVE])["approve"]
    appointment, now = request_made.appointment, timezone.now()
    if end == "move":
        appointments.reschedule(appointment=appointment, start=soon(15), now=now)
    elif end == "hand over":
        appointments.reassign(appointment=appointment, employee=appointment.service.employees.get(first_name="Finn"), now=now)
    else:
        appointments.cancel(appointment=appointment, now=now)
        if end == "reinstate":
            appointments.reinstate(appointment=appointment, now=now)
    before = status_of(request_made)
    assert client.post(link).status_code == 410
    assert status_of(request_made) == before
    if end == "hand over":
        mails = deliver()
        assert links(mails[EVE]) == {}
        assert client.post(links(mails[FINN])["approve"]).status_code == 200
        assert status_of(request_made) == "approved"


def test_they_stand_in_mails_to_employees_only_and_never_in_calendars(request_made):
    """Red when the placeholders are allowed everywhere."""
    mails = deliver()
    assert links(mails[CLARA]) == {}
    for where in ("calendar", "customer", "registrant", "organizer", "event"):
        assert not [one.name for one in allowed_in(where) if one.name.endswith(("approve_url", "reject_url"))]
    assert not [name for name in values_for_calendar(request_made.appointment, "en") if "approve" in name]


def test_what_needs_no_approval_has_no_links_and_no_empty_buttons():
    booking()
    mail = deliver()[EVE]
    assert "/request/" not in part(mail, "plain")
    assert 'href=""' not in part(mail, "html")
