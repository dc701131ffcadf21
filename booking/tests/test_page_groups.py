"""Groups on the pages: how many come, how many places are left, and one of several who changes or cancels (catalogue P5)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.urls import reverse
from django.utils import timezone

from booking.actions import appointments
from booking.actions.customers import Guest
from booking.links import manage_token
from booking.models import Appointment, Attendance, Service
from booking.pages.zone import write_instant
from booking.tests.pages import book, details_url, links_of, ripe_stamp, send, text_of
from booking.tests.salon import make_employee, make_service, soon

pytestmark = pytest.mark.django_db


@pytest.fixture
def yoga() -> Service:
    return make_service(make_employee("Eve"), name="Yoga", duration=60, max_capacity=4, price=12, min_notice=0, cancel_notice=0, reschedule_notice=0)


def join(service: Service, name: str, **options: Any) -> Attendance:
    guest = Guest(first_name=name, email=f"{name.lower()}@example.org", language="en")
    return appointments.book(service=service, start=options.pop("start", soon()), guest=guest, now=timezone.now(), **options)


def times(client: Any, service: Service, **query: Any) -> Any:
    return client.get(reverse("booking:time", args=[service.pk]), {"date": soon().date().isoformat(), "timezone": "Europe/Berlin", **query})


@pytest.mark.feature("P5")
def test_a_customer_brings_others_as_far_as_places_are_left(client, yoga):
    """Red with `persons` taken out of the call of book in pages/book.py."""
    join(yoga, "Dora", persons=2)
    page = times(client, yoga)
    assert "10 a.m. 2 places left" in text_of(page)
    assert "11 a.m. 4 places left" in text_of(page)
    for_three = times(client, yoga, persons=3)
    assert "10 a.m." not in text_of(for_three)
    chosen = next(link for link in links_of(for_three) if "start=" in link)
    assert "persons=3" in chosen
    form = client.get(chosen)
    assert form.context["form"]["persons"].value() == 3

    made = book(client, yoga, soon(), persons="2")
    assert (made.persons, int(made.price), Appointment.objects.count()) == (2, 24, 1)
    shown = text_of(client.get(reverse("booking:booked")))
    assert "2 persons" in shown
    assert "10 a.m." not in text_of(times(client, yoga))


def test_too_many_are_told_how_many_places_are_left_and_nothing_typed_is_lost(client, yoga):
    join(yoga, "Dora", persons=2)
    page = client.get(details_url(yoga, soon(), persons="3"))
    assert "Only 2 places are left at this time." in text_of(page)
    answer = send(client, yoga, soon(), persons="3")
    assert answer.status_code == 409
    assert answer.context["form"].errors == {"persons": ["Only 2 places are left at this time."]}
    assert 'value="3"' in answer.content.decode()
    assert 'value="Clara"' in answer.content.decode()
    assert "Please ring twice." in text_of(answer)
    for wrong in ("0", "5", "-1", "many", ""):
        assert send(client, yoga, soon(), persons=wrong).status_code == 400
    again = send(client, yoga, soon(), persons="3", other="1")
    assert "persons=3" in again.url
    assert client.get(again.url).context["persons"] == 3


@pytest.mark.parametrize("persons", ["0", "99999999999", "x", "-3", "²"])
def test_an_address_that_makes_no_sense_is_about_one_person(client, yoga, persons):
    assert times(client, yoga, persons=persons).context["persons"] in (0, 1, 4)
    assert client.get(details_url(yoga, soon(), persons=persons)).status_code == 200


def test_a_full_time_offers_the_nearest_with_enough_places(client, yoga):
    join(yoga, "Dora", persons=4)
    page = client.get(details_url(yoga, soon(), persons="2"))
    assert "This time is no longer free." in text_of(page)
    assert all(slot.places_left >= 2 for slot in page.context["alternatives"])


def test_one_of_several_cancels_by_link_and_the_others_still_come(client, yoga):
    clara, dora = book(client, yoga, soon(), persons="1"), join(yoga, "Dora")
    question = client.get(reverse("booking:manage_cancel", args=[manage_token(clara)]))
    assert "Your places are then free for others." in text_of(question)
    answer = client.post(reverse("booking:manage_cancel", args=[manage_token(clara)]), {"stamp": ripe_stamp()}, follow=True)
    assert "Your appointment has been cancelled." in text_of(answer)
    assert "Choose another time" not in text_of(answer)
    dora.refresh_from_db()
    assert (dora.status, Appointment.objects.get().status) == ("approved", "approved")


def test_one_of_several_moves_by_link_and_is_alone_or_joins(client, yoga):
    """Red when the page ignores the appointment though others come: half past ten would be offered."""
    clara, dora = book(client, yoga, soon(), persons="2"), join(yoga, "Dora")
    join(yoga, "Emil", start=soon(12))
    url = reverse("booking:manage_reschedule", args=[manage_token(clara)])
    offered = {one.start: one.places_left for one in client.get(url, {"date": soon().date().isoformat(), "timezone": "Europe/Berlin"}).context["picker"].times}
    assert offered[soon(12)] == 3
    assert soon(10, 30) not in offered
    client.post(url, {"stamp": ripe_stamp(), "start": write_instant(soon(12))})
    clara.refresh_from_db()
    assert clara.appointment.attendances.count() == 2
    assert Appointment.objects.get(attendances=dora).start == soon()


@pytest.fixture
def diary(client: Any, yoga: Service, employee: Any) -> Any:
    yoga.employees.set([employee])
    client.force_login(employee.user)
    return client


def weekday_start() -> Any:
    start = soon()
    return start + timedelta(days=(7 - start.weekday()) % 7)


def test_staff_sees_who_comes_and_ends_one_booking_or_all(diary, yoga, employee):
    clara, dora = join(yoga, "Clara", persons=2, start=weekday_start()), join(yoga, "Dora", start=weekday_start())
    shown = text_of(diary.get(reverse("booking:profile")))
    assert "Clara (2)" in shown
    assert "3 of 4 places taken" in shown
    page = text_of(diary.get(reverse("booking:appointment", args=[clara.appointment_id])))
    assert "Cancel this booking : Clara" in page
    assert "Did not come" not in page
    question = diary.get(reverse("booking:attendance_cancel", args=[clara.pk]))
    assert "The appointment takes place with the others." in text_of(question)
    answer = diary.post(reverse("booking:attendance_cancel", args=[clara.pk]), {"reason": "called"}, follow=True)
    assert "The booking has been cancelled." in text_of(answer)
    assert "Clara" not in text_of(diary.get(reverse("booking:profile")))
    dora.refresh_from_db()
    assert dora.is_live


def test_staff_approves_and_rejects_one_request(diary, yoga):
    Service.objects.update(needs_approval=True)
    yoga.refresh_from_db()
    clara, dora = join(yoga, "Clara", start=weekday_start()), join(yoga, "Dora", start=weekday_start())
    assert "Clara is confirmed" in text_of(diary.post(reverse("booking:attendance_approve", args=[clara.pk]), follow=True))
    diary.post(reverse("booking:attendance_reject", args=[dora.pk]))
    assert list(Attendance.objects.order_by("pk").values_list("status", flat=True)) == ["approved", "rejected"]
    assert "Only a pending appointment can be approved." in text_of(diary.post(reverse("booking:attendance_approve", args=[dora.pk]), follow=True))


def test_who_did_not_come_is_noted_after_the_start_and_shown_on_the_record(diary, client, yoga, employee, admin):
    clara = join(yoga, "Clara", start=weekday_start())
    early = diary.post(reverse("booking:attendance_no_show", args=[clara.pk]), follow=True)
    assert "The appointment has not begun yet." in text_of(early)
    with time_machine.travel(weekday_start() + timedelta(minutes=10), tick=False):
        diary.force_login(employee.user)
        assert "Did not come" in text_of(diary.get(reverse("booking:appointment", args=[clara.appointment_id])))
        diary.post(reverse("booking:attendance_no_show", args=[clara.pk]))
        assert Attendance.objects.filter(no_show=True).exists()
        assert clara.history.first().history_user.username == "employee"
        later = join(yoga, "Clara", start=weekday_start() + timedelta(days=1))
        assert "did not come 1 time before" in text_of(diary.get(reverse("booking:appointment", args=[later.appointment_id])))
        diary.post(reverse("booking:attendance_no_show", args=[clara.pk]), {"came": "1"})
        assert not Attendance.objects.filter(no_show=True).exists()
        diary.post(reverse("booking:attendance_no_show", args=[clara.pk]))
    client.force_login(admin)
    record = text_of(client.get(reverse("admin:booking_customer_change", args=[clara.customer_id])))
    assert "Did not come: 1" in record


@pytest.mark.parametrize("name", ["attendance_approve", "attendance_reject", "attendance_cancel", "attendance_no_show"])
def test_a_colleague_sees_and_ends_nothing_of_others(client, yoga, colleague, name):
    clara = join(yoga, "Clara")
    client.force_login(colleague.user)
    assert client.post(reverse(f"booking:{name}", args=[clara.pk])).status_code == 404
    clara.refresh_from_db()
    assert clara.is_live


def test_the_admin_acts_on_single_bookings_and_books_for_several(client, yoga, admin):
    client.force_login(admin)
    clara = join(yoga, "Clara")
    berlin = timezone.localtime(soon(), timezone.get_default_timezone())
    typed = {"service": yoga.pk, "employee": "", "customer": clara.customer_id, "persons": "2", "notes": "", "language": "en", "timezone": "Europe/Berlin"}
    typed |= {"start_0": berlin.strftime("%Y-%m-%d"), "start_1": berlin.strftime("%H:%M:%S")}
    assert client.post(reverse("admin:booking_appointment_add"), typed).status_code == 302
    assert Attendance.objects.latest("pk").persons == 2
    url = reverse("admin:booking_attendance_changelist")
    answer = client.post(url, {"action": "cancel", "_selected_action": [clara.pk]}, follow=True)
    assert "1 booking changed." in text_of(answer)
    assert "has not begun yet" in text_of(client.post(url, {"action": "did_not_come", "_selected_action": [Attendance.objects.latest("pk").pk]}, follow=True))
    assert Appointment.objects.get().status == "approved"
