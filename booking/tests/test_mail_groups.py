"""What people are told of an appointment that several share: each customer of the own places, the employee of all, once."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from booking.actions import appointments, attendances
from booking.actions.customers import Guest
from booking.models import Attendance, Service
from booking.tests.mails import calendar_of, deliver, part
from booking.tests.salon import make_employee, make_service, soon

pytestmark = pytest.mark.django_db

EVE, CLARA, DORA = "eve@salon.example", "clara@example.org", "dora@example.org"


@pytest.fixture
def yoga() -> Service:
    return make_service(make_employee("Eve", language="en"), name="Yoga", max_capacity=4)


def join(service: Service, name: str, *, persons: int = 1, hour: int = 10, language: str = "en") -> Attendance:
    guest = Guest(first_name=name, email=f"{name.lower()}@example.org", language=language)
    return appointments.book(service=service, start=soon(hour), guest=guest, now=timezone.now(), persons=persons)


def entries(mail: Any) -> list[tuple[str, str]]:
    """(METHOD, UID) of what it puts into a calendar."""
    texts = [one.get_content() for one in mail.walk() if one.get_content_type() == "text/calendar"]
    texts = [text if isinstance(text, str) else text.decode() for text in texts]
    return [tuple(next(line.partition(":")[2] for line in text.splitlines() if line.startswith(name)) for name in ("METHOD", "UID")) for text in texts]


def test_the_employee_hears_of_one_more_and_one_less_and_keeps_the_entry(yoga):
    """Red with the variants taken out of knowledge.wording: "a new appointment", then "will not take place"; with the check in invitation taken out the
    employee's entry is cancelled for all."""
    clara = join(yoga, "Clara", persons=2)
    first = deliver()
    assert first[EVE]["Subject"].startswith("New appointment: Yoga")
    assert "Persons:" in part(first[CLARA], "plain")
    dora = join(yoga, "Dora")
    second = deliver()
    assert second[EVE]["Subject"].startswith("One more: Yoga")
    assert "Dora, dora@example.org comes too." in part(second[EVE], "plain").replace("\u200b", "")
    assert "3" in next(line for line in part(second[EVE], "plain").splitlines() if line.startswith("Persons:"))
    assert CLARA not in second
    attendances.cancel(attendance=clara, now=timezone.now())
    third = deliver()
    assert third[EVE]["Subject"].startswith("One less: Yoga")
    assert "1" in next(line for line in part(third[EVE], "plain").splitlines() if line.startswith("Persons:"))
    assert calendar_of(third[EVE]) is None
    assert "given back" in part(third[CLARA], "plain")
    assert entries(third[CLARA]) == [("CANCEL", clara.appointment.uid)]
    attendances.cancel(attendance=dora, now=timezone.now())
    last = deliver()
    assert last[EVE]["Subject"].startswith("Cancelled: Yoga")
    assert entries(last[EVE]) == [("CANCEL", clara.appointment.uid)]


def test_no_customer_is_told_of_another(yoga):
    join(yoga, "Clara")
    join(yoga, "Dora")
    told = deliver()
    for address, other in ((CLARA, "Dora"), (DORA, "Clara")):
        assert other not in part(told[address], "plain") + part(told[address], "html")


def test_whoever_moves_alone_gives_up_the_old_entry_and_gets_the_new_one(yoga):
    """Red without `parting`: the old appointment stays in the customer's calendar."""
    clara, dora = join(yoga, "Clara"), join(yoga, "Dora")
    old = clara.appointment.uid
    deliver()
    attendances.reschedule(attendance=clara, start=soon(12), now=timezone.now())
    told = deliver()
    assert set(told) == {CLARA, EVE}
    assert entries(told[CLARA]) == [("REQUEST", clara.appointment.uid), ("CANCEL", old)]
    assert clara.appointment.uid != old
    assert entries(told[EVE]) == [("REQUEST", clara.appointment.uid)]
    assert told[EVE]["Subject"].startswith("Moved: Yoga")
    # Back where the others are: the same entry again.
    attendances.reschedule(attendance=clara, start=soon(10), now=timezone.now())
    told = deliver()
    assert (entries(told[CLARA])[0], clara.appointment.uid) == (("REQUEST", old), old)
    assert dora.appointment.uid == old


def test_moved_and_back_before_anybody_was_told_tells_nobody(yoga):
    clara, _dora = join(yoga, "Clara"), join(yoga, "Dora")
    deliver()
    for hour in (12, 10):
        attendances.reschedule(attendance=clara, start=soon(hour), now=timezone.now())
    assert deliver() == {}


def test_a_group_that_moves_is_told_to_each_customer_and_once_to_the_employee(yoga):
    clara = join(yoga, "Clara")
    join(yoga, "Dora")
    deliver()
    appointments.reschedule(appointment=clara.appointment, start=soon(12), now=timezone.now())
    deliver()
    attendances.cancel(attendance=Attendance.objects.get(customer__email=CLARA), now=timezone.now())
    deliver()
    # Now by Dora's booking: the old time is the one she heard by Clara's.
    appointments.reschedule(appointment=clara.appointment, start=soon(15), now=timezone.now())
    told = deliver()
    assert "12:00 PM" in next(line for line in part(told[EVE], "plain").splitlines() if line.startswith("Before:"))


def test_two_bookings_with_one_address_are_one_entry_until_the_last_is_cancelled(yoga):
    first, second = join(yoga, "Clara"), join(yoga, "Clara")
    deliver()
    attendances.cancel(attendance=first, now=timezone.now())
    assert entries(deliver()[CLARA]) == []
    attendances.cancel(attendance=second, now=timezone.now())
    assert entries(deliver()[CLARA]) == [("CANCEL", second.appointment.uid)]


def test_waiting_ones_are_told_when_enough_have_booked(yoga):
    yoga.min_capacity = 2
    yoga.save()
    join(yoga, "Clara", language="de")
    assert "Ihre Anfrage" in deliver()[CLARA]["Subject"]
    join(yoga, "Dora")
    told = deliver()
    assert "Bestätigt" in told[CLARA]["Subject"]
    assert told[DORA]["Subject"].startswith("Your appointment on")
