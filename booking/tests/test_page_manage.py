"""The customer's own links: seeing, moving and cancelling a booking, and the list of all own ones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core.signing import Signer
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from booking.actions import appointments
from booking.actions.customers import Guest
from booking.links import manage_token, panel_token
from booking.models import Allocation, Appointment, Attendance, Customer, Message
from booking.pages.throttle import rate_of
from booking.pages.zone import write_instant
from booking.tests.pages import book, links_of, ripe_stamp, text_of
from booking.tests.salon import make_employee, make_service, soon

pytestmark = pytest.mark.django_db
# Throttles count by the minute: a test of them must not begin at its end.
NOON = datetime.now(UTC).replace(hour=12, minute=0, second=5, microsecond=0)


def url(name: str, attendance: Attendance) -> str:
    return reverse(f"booking:{name}", args=[manage_token(attendance)])


@pytest.mark.feature("P7")
def test_it_cancels_by_link_after_a_question(client):
    """Red when `by_customer=True` cancelling (`act` in pages/manage.py cancel) is taken out."""
    attendance = book(client, make_service(make_employee()), soon())
    page = client.get(url("manage", attendance))
    assert "Cancel the appointment" in text_of(page)
    question = client.get(url("manage_cancel", attendance))
    assert "Cancel this appointment?" in text_of(question)
    assert Appointment.objects.get().is_live

    answer = client.post(url("manage_cancel", attendance), {"stamp": question.context["stamp"]}, follow=True)

    assert "Your appointment has been cancelled." in text_of(answer)
    assert Appointment.objects.get().status == "cancelled"
    assert not Allocation.objects.exists()
    assert Message.objects.filter(kind="cancelled", recipient="clara@example.org").count() == 1
    # The link of the first mail has died with the change; a cancelled booking can't be revived or moved.
    assert client.get(url("manage", attendance)).status_code == 404
    attendance.refresh_from_db()
    assert "Choose another time" not in text_of(client.get(url("manage", attendance)))
    assert client.post(url("manage_reschedule", attendance), {"stamp": ripe_stamp(), "start": write_instant(soon(12))}).status_code == 409


@pytest.mark.feature("P7")
def test_it_moves_by_link_and_goes_on_at_the_new_link(client):
    """Red when `act` in pages/manage.py reschedule is taken out."""
    service = make_service(make_employee())
    attendance = book(client, service, soon())
    times = client.get(url("manage_reschedule", attendance), {"date": soon().date().isoformat(), "timezone": "Europe/Berlin"})
    offered = [one.start for one in times.context["picker"].times]
    # Its own time doesn't stand in its way, and isn't offered as a change.
    assert soon(10, 30) in offered
    assert soon() not in offered
    question = client.get(next(link for link in links_of(times) if "start=" in link and write_instant(soon(12)).replace(":", "%3A") in link))
    assert "Move the appointment here?" in text_of(question)
    assert Appointment.objects.get().start == soon()

    answer = client.post(url("manage_reschedule", attendance), {"stamp": question.context["stamp"], "start": write_instant(soon(12))})

    assert Appointment.objects.get().start == soon(12)
    assert answer.url == url("manage", Attendance.objects.get())
    assert answer.url != url("manage", attendance)
    assert "Your appointment has been moved." in text_of(client.get(answer.url))
    assert client.get(url("manage", attendance)).status_code == 404


def test_a_second_click_is_told_the_same_as_the_first(client):
    """Although the link has died with the first one."""
    attendance = book(client, make_service(make_employee()), soon())
    sent = {"stamp": ripe_stamp(), "start": write_instant(soon(12))}
    first, second = (client.post(url("manage_reschedule", attendance), sent) for _ in range(2))
    assert (first.status_code, first.url) == (second.status_code, second.url)
    assert Message.objects.filter(kind="rescheduled", recipient="clara@example.org").count() == 1
    # Another form of the dead link is nobody's.
    assert client.post(url("manage_reschedule", attendance), {**sent, "stamp": ripe_stamp()}).status_code == 404


@pytest.mark.feature("P7")
def test_each_has_its_own_minimum_notice_and_says_so(client):
    """Red when `may_cancel` and `_check_notice` are taken out."""
    service = make_service(make_employee(), reschedule_notice=48 * 60, cancel_notice=60)
    attendance = book(client, service, soon())
    with time_machine.travel(soon() - timedelta(hours=47), tick=False):
        page = text_of(client.get(url("manage", attendance)))
        assert "It is too late to move this appointment online: that is possible up to 2 days before." in page
        assert "Cancel the appointment" in page
        assert "can't be moved online any more" in text_of(client.get(url("manage_reschedule", attendance)))
        answer = client.post(url("manage_reschedule", attendance), {"stamp": ripe_stamp(), "start": write_instant(soon(12))})
        assert answer.status_code == 409
        assert "It is too late" in text_of(answer)
    with time_machine.travel(soon() - timedelta(minutes=59), tick=False):
        assert "It is too late to cancel online: that is possible up to 1 h before." in text_of(client.get(url("manage", attendance)))
        assert client.post(url("manage_cancel", attendance), {"stamp": ripe_stamp()}).status_code == 409
    assert Appointment.objects.get().start == soon()
    assert Appointment.objects.get().is_live


def test_it_offers_the_nearest_times_when_the_new_one_is_taken(client):
    service = make_service(make_employee())
    attendance = book(client, service, soon())
    book(Client(), service, soon(12), first_name="Dora")
    answer = client.post(url("manage_reschedule", attendance), {"stamp": ripe_stamp(), "start": write_instant(soon(12))})
    assert answer.status_code == 409
    assert "The nearest free times" in text_of(answer)
    assert soon(12, 30) in [slot.start for slot in answer.context["alternatives"]]
    attendance.refresh_from_db()
    assert attendance.appointment.start == soon()


def test_all_links_that_do_not_work_get_the_same_answer(client):
    """Forged, outdated, cut short, of another purpose, of something that never was, expired."""
    service = make_service(make_employee())
    attendance = book(client, service, soon())
    good = manage_token(attendance)
    old = Attendance(uuid=attendance.uuid, link_version=0)
    wrong = ["x", good[:-1], good + "A", good.replace(":", "."), manage_token(old), manage_token(Attendance()), panel_token(attendance.customer)]
    wrong += [Signer(salt="other").sign(f"{attendance.uuid.hex}.1"), attendance.uuid.hex, str(attendance.pk)]

    pages = set()
    for token in wrong:
        for name in ("manage", "manage_cancel", "manage_reschedule"):
            answer = client.get(reverse(f"booking:{name}", args=[token]))
            assert answer.status_code == 404
            assert answer["Referrer-Policy"] == "strict-origin"
            assert "no-store" in answer["Cache-Control"]
            pages.add(text_of(answer))
        client.cookies.clear()
        from django.core.cache import cache

        cache.clear()
    assert client.get(reverse("booking:panel", args=[good])).status_code == 404
    assert len(pages) == 1
    with time_machine.travel(soon() + timedelta(days=31), tick=False):
        assert client.get(reverse("booking:manage", args=[good])).status_code == 404


@time_machine.travel(NOON, tick=False)
def test_guessing_links_is_throttled_and_looking_at_the_own_one_is_not(client):
    attendance = book(client, make_service(make_employee()), soon())
    allowed, _seconds = rate_of("link")
    assert {client.get(url("manage", attendance)).status_code for _ in range(allowed + 5)} == {200}
    answers = [client.get(reverse("booking:manage", args=[f"guess{number}"])).status_code for number in range(allowed + 2)]
    assert answers == [404] * allowed + [429, 429]
    # Who guesses gets no answer at all for a while, right or wrong.
    assert client.get(url("manage", attendance)).status_code == 429
    assert Client(REMOTE_ADDR="192.0.2.1").get(url("manage", attendance)).status_code == 200


def test_looking_changes_nothing_however_often():
    """What mail scanners and prefetching browsers do."""
    client = Client()
    service = make_service(make_employee())
    attendance = book(client, service, soon())
    before = [list(model.objects.order_by("pk").values()) for model in (Appointment, Attendance, Customer, Message, Allocation)]
    crawler = Client()
    paths = [url(name, attendance) for name in ("manage", "manage_cancel", "manage_reschedule")]
    paths += [f"{url('manage_reschedule', attendance)}?start={write_instant(soon(12))}", reverse("booking:panel", args=[panel_token(attendance.customer)])]
    for path in paths * 2:
        assert crawler.get(path).status_code == 200
        assert crawler.head(path).status_code == 200
    assert [list(model.objects.order_by("pk").values()) for model in (Appointment, Attendance, Customer, Message, Allocation)] == before


def test_links_are_not_told_to_others_and_not_kept(client):
    attendance = book(client, make_service(make_employee()), soon())
    for path in (
        url("manage", attendance),
        url("manage_cancel", attendance),
        url("manage_reschedule", attendance),
        reverse("booking:panel", args=[panel_token(attendance.customer)]),
    ):
        answer = client.get(path)
        assert answer["Referrer-Policy"] == "strict-origin"
        assert "no-store" in answer["Cache-Control"]
        assert "noindex" in answer["X-Robots-Tag"]


def test_acting_needs_the_csrf_token():
    client = Client(enforce_csrf_checks=True)
    service = make_service(make_employee())
    attendance = appointments.book(service=service, start=soon(), guest=Guest("Clara", "clara@example.org"), now=timezone.now())
    for name in ("manage_cancel", "manage_reschedule"):
        assert client.post(url(name, attendance), {"stamp": ripe_stamp(), "start": write_instant(soon(12))}).status_code == 403
    assert Appointment.objects.get().start == soon()
    assert Appointment.objects.get().is_live


@pytest.mark.feature("P7")
def test_the_panel_lists_all_own_bookings_and_nobody_elses(client):
    """Red when the filter by customer is taken out of pages/panel.py."""
    service = make_service(make_employee())
    first = book(client, service, soon())
    second = book(client, service, soon(12), notes="")
    other = book(Client(), service, soon(14), email="dora@example.org", first_name="Dora")
    # The same address under another name is another person: who typed it may be a stranger.
    namesake = book(Client(), service, soon(15), first_name="Nora")
    assert first.customer == second.customer

    page = client.get(reverse("booking:panel", args=[panel_token(first.customer)]))

    links = links_of(page)
    assert {url("manage", first), url("manage", second)} <= set(links)
    assert not {url("manage", other), url("manage", namesake)} & set(links)
    assert "Dora" not in text_of(page)
    first.customer.link_version += 1
    dead = reverse("booking:panel", args=[panel_token(second.customer)])
    first.customer.save()
    assert client.get(dead).status_code == 404


def test_each_link_shows_its_own_booking_only(client):
    """Pairwise: nothing of any other booking is on the page of a link, and nothing that is for staff."""
    service = make_service(make_employee())
    names = ["Anna", "Berta", "Cora"]
    booked = [
        book(Client(), service, soon(10 + place), first_name=name, email=f"{name}@example.org", notes=f"note of {name}") for place, name in enumerate(names)
    ]
    for one in booked:
        one.appointment.internal_note = "for staff only"
        one.appointment.save()
        one.customer.note = "difficult"
        one.customer.save()
    for place, one in enumerate(booked):
        for path in (url("manage", one), url("manage_cancel", one), url("manage_reschedule", one), reverse("booking:panel", args=[panel_token(one.customer)])):
            page = text_of(client.get(path))
            for other in names[:place] + names[place + 1 :]:
                assert other not in page
            assert "for staff only" not in page
            assert "difficult" not in page


def test_past_appointments_are_shown_without_buttons(client):
    attendance = book(client, make_service(make_employee()), soon())
    with time_machine.travel(soon() + timedelta(days=1), tick=False):
        page = text_of(client.get(url("manage", attendance)))
        assert "has begun or is over" in page
        assert "Cancel the appointment" not in page
        panel = client.get(reverse("booking:panel", args=[panel_token(attendance.customer)]))
        assert "Past" in text_of(panel)
