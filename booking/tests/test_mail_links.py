"""The links in the mails open the pages they promise, until the next mail replaces them."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.utils import timezone

from booking.actions import appointments
from booking.links import attendance_for
from booking.notifications.placeholders import values_for
from booking.tests.mails import CLARA, booking, deliver, part
from booking.tests.salon import soon

pytestmark = pytest.mark.django_db

HOST = "http://localhost:8000"


def links(mail, kind: str) -> list[str]:
    found = re.findall(r"http://localhost:8000(/[^\s\"<]+)", part(mail, kind))
    return list(dict.fromkeys(found))


def test_they_open_the_booking_and_all_bookings(client: Client):
    """Red when the mail's link is signed over anything but the attendance's present version."""
    booking()
    mail = deliver()[CLARA]
    assert links(mail, "plain") == links(mail, "html")
    assert len(links(mail, "plain")) == 2
    for link in links(mail, "plain"):
        answer = client.get(link)
        assert answer.status_code == 200
        assert b"Haircut" in answer.content


def test_a_move_ends_the_old_link_and_its_mail_brings_the_new_one(client: Client):
    attendance = booking()
    old = links(deliver()[CLARA], "plain")[0]
    appointments.reschedule(appointment=attendance.appointment, start=soon(15), now=timezone.now())
    new = links(deliver()[CLARA], "plain")[0]
    assert client.get(old).status_code == 404
    assert client.get(new).status_code == 200
    assert attendance_for(new.rstrip("/").rsplit("/", 1)[1]) == attendance


def test_the_placeholders_lead_to_moving_and_cancelling(client: Client):
    values = values_for(booking(), audience="customer", language="en", timezone="Europe/Berlin")
    for name in ("manage", "reschedule", "cancel"):
        assert client.get(str(values[f"appointment_{name}_url"]).removeprefix(HOST)).status_code == 200


def test_no_employee_gets_the_customers_links():
    booking()
    assert links(deliver()["eve@salon.example"], "html") == []
