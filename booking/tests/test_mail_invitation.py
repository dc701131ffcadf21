"""The .ics in the mails, read again by another library: one entry per guest, whatever happens to it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import icalendar
import pytest
from django.utils import timezone

from booking.actions import appointments
from booking.models import Attendance
from booking.tests.mails import CLARA, booking, calendar_of, deliver
from booking.tests.salon import make_customer, make_employee, make_service, soon

pytestmark = pytest.mark.django_db

EVE, FINN = "eve@salon.example", "finn@salon.example"


def invitation(mail) -> tuple[str, Any]:
    """METHOD and the only VEVENT."""
    found = calendar_of(mail)
    assert found is not None
    calendar = icalendar.Calendar.from_ical(found.get_content())
    events = calendar.walk("VEVENT")
    assert len(events) == 1
    assert found.get_param("method") == calendar["METHOD"]
    assert found.get_filename() == "invite.ics"
    return str(calendar["METHOD"]), events[0]


def told(mail) -> tuple[str, str, int, str]:
    method, event = invitation(mail)
    return method, str(event["UID"]), int(event.get("SEQUENCE", 0)), str(event["STATUS"])


@pytest.mark.feature("P11")
def test_it_follows_the_appointment_from_booking_to_the_end():
    """Red when a move keeps SEQUENCE (calendars then ignore it) or the end is sent as a REQUEST."""
    attendance = booking(timezone="America/New_York")
    appointment, uid = attendance.appointment, attendance.appointment.uid
    mails = deliver()
    assert told(mails[CLARA]) == told(mails[EVE]) == ("REQUEST", uid, 0, "CONFIRMED")
    event = invitation(mails[CLARA])[1]
    assert event["DTSTART"].dt == appointment.start
    assert event["DTEND"].dt - event["DTSTART"].dt == timedelta(minutes=30)
    assert event["DTSTART"].params["TZID"] == "America/New_York"

    appointments.reschedule(appointment=appointment, start=soon(15), now=timezone.now())
    mails = deliver()
    assert told(mails[CLARA]) == told(mails[EVE]) == ("REQUEST", uid, 1, "CONFIRMED")
    assert invitation(mails[CLARA])[1]["DTSTART"].dt == soon(15)

    appointments.cancel(appointment=appointment, now=timezone.now())
    mails = deliver()
    assert told(mails[CLARA]) == told(mails[EVE]) == ("CANCEL", uid, 1, "CANCELLED")


def test_what_waits_for_approval_is_not_put_into_calendars_yet():
    attendance = booking(service=make_service(make_employee("Eve"), needs_approval=True))
    assert [calendar_of(mail) for mail in deliver().values()] == [None, None]
    appointments.approve(appointment=attendance.appointment, now=timezone.now())
    assert told(deliver()[CLARA])[0] == "REQUEST"


def test_a_rejected_request_is_withdrawn():
    attendance = booking(service=make_service(make_employee("Eve"), needs_approval=True))
    deliver()
    appointments.reject(appointment=attendance.appointment, now=timezone.now())
    assert told(deliver()[CLARA])[::3] == ("CANCEL", "CANCELLED")


def test_handing_over_takes_it_from_the_one_and_gives_it_to_the_other():
    eve, finn = make_employee("Eve", language="en"), make_employee("Finn", language="en")
    attendance = booking(service=make_service(eve, finn), employee=eve)
    deliver()
    appointments.reassign(appointment=attendance.appointment, employee=finn, now=timezone.now())
    mails = deliver()
    assert told(mails[EVE])[0] == "CANCEL"
    assert told(mails[FINN])[0] == told(mails[CLARA])[0] == "REQUEST"


def test_it_names_the_recipient_and_nobody_else():
    """Red when the appointment's customers are the attendees: guests would see each other."""
    attendance = booking()
    other = make_customer(first_name="Otto", email="otto@example.org")
    Attendance.objects.create(appointment=attendance.appointment, customer=other, price=0)
    for address, mail in deliver().items():
        event = invitation(mail)[1]
        assert str(event["ATTENDEE"]).lower() == f"mailto:{address}"
        assert not isinstance(event["ORGANIZER"], list)
        assert "otto" not in event.to_ical().decode().lower()


@pytest.mark.parametrize(
    "name", ["a\r\nATTENDEE:mailto:evil@example.org", "b\u2028ORGANIZER:mailto:x@y.z", 'c";ROLE=CHAIR:mailto:e@e.e', "d\rEND:VEVENT\rBEGIN:VEVENT", "\\n;,"]
)
def test_a_name_cannot_add_to_it(name):
    booking(first_name=name, last_name=name)
    for mail in deliver().values():
        event = invitation(mail)[1]
        assert not isinstance(event["ATTENDEE"], list)
        assert not isinstance(event["ORGANIZER"], list)
        assert event["ATTENDEE"].params["ROLE"] == "REQ-PARTICIPANT"


def test_an_address_that_cannot_be_an_attendee_still_gets_its_mail():
    booking(email='"clara k"@example.org')
    mails = deliver()
    assert calendar_of(mails['"clara k"@example.org']) is None
    assert calendar_of(mails[EVE]) is not None
