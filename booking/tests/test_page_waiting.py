"""The waiting list on the pages: putting oneself on it where nothing is free, claiming and leaving by the link in the mail (catalogue P9)."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.signing import Signer
from django.urls import reverse
from django.utils import timezone

from booking.actions import attendances, waiting
from booking.links import manage_token, waiting_token
from booking.models import Appointment, Attendance, Message, Service, WaitingEntry
from booking.pages import stamp
from booking.pages.zone import write_instant
from booking.tests.mails import deliver, part
from booking.tests.pages import links_of, ripe_stamp, text_of
from booking.tests.salon import BERLIN, make_employee, make_service, soon
from booking.tests.test_waiting_list import book, day, wait

pytestmark = pytest.mark.django_db


@pytest.fixture
def service() -> Service:
    return make_service(make_employee("Eve", language="en", hours=(10, 11)), duration=60, slot_step=60, waiting_list=True)


def typed(**changes: str) -> dict[str, str]:
    who = {"first_name": "Clara", "last_name": "Kunde", "email": "clara@example.org", "phone": ""}
    return {**who, "first_day": day().isoformat(), "last_day": day().isoformat(), "stamp": ripe_stamp(), **changes}


def enter(client: Any, service: Service, **changes: str) -> Any:
    return client.post(reverse("booking:waiting_enter", args=[service.pk], query={"timezone": "Europe/Berlin"}), typed(**changes))


@pytest.mark.feature("P9")
def test_from_a_full_day_to_the_list_and_from_the_mail_to_the_appointment(client, service):
    """Red when the link is left out of _slots.html, and when `_claim` books nothing."""
    taken = book(service)
    times = client.get(reverse("booking:time", args=[service.pk]), {"date": day().isoformat(), "timezone": "Europe/Berlin"})
    assert "Nothing is free on" in text_of(times)
    form = client.get(next(link for link in links_of(times) if "/waiting/" in link))
    assert form.context["form"].initial["first_day"] == form.context["form"].initial["last_day"] == day()
    answer = enter(client, service)
    assert answer.url == reverse("booking:waiting_entered")
    assert "clara@example.org is on its way." in text_of(client.get(answer.url))
    deliver()

    attendances.cancel(attendance=taken, now=timezone.now())
    waiting.tell(now=timezone.now())
    mail = part(deliver()["clara@example.org"], "plain")
    (link,) = {one for one in re.findall(r"https?://\S+?(/waiting/\S+/)", mail) if "withdraw" not in one}
    page = client.get(link)
    assert "Something is free" in text_of(page)
    assert Appointment.objects.filter(status="approved").count() == 0  # looking books nothing
    assert page["Referrer-Policy"] == "strict-origin"
    sent = {"stamp": page.context["stamp"], "start": write_instant(soon())}
    done = client.post(link, sent)
    made = Attendance.objects.latest("pk")
    assert done.url == reverse("booking:manage", args=[manage_token(made)])
    assert "Your appointment is booked." in text_of(client.get(done.url))
    assert client.post(link, sent).url == done.url  # a second click
    assert Attendance.objects.filter(status="approved").count() == 1
    assert "has booked" in text_of(client.get(link))


def test_who_comes_second_is_told_clearly_and_stays_on_the_list(client, service):
    taken = book(service)
    clara, dora = wait(service), wait(service, "Dora")
    attendances.cancel(attendance=taken, now=timezone.now())
    waiting.tell(now=timezone.now())
    sent = {"stamp": ripe_stamp(), "start": write_instant(soon())}
    assert client.post(reverse("booking:waiting", args=[waiting_token(dora)]), sent).status_code == 302
    answer = client.post(reverse("booking:waiting", args=[waiting_token(clara)]), {**sent, "stamp": ripe_stamp()})
    assert answer.status_code == 409
    assert "Somebody else was faster, and this time is taken. You stay on the waiting list." in text_of(answer)
    clara.refresh_from_db()
    assert clara.is_waiting


def test_free_days_lead_to_the_times_and_nothing_typed_is_lost(client, service):
    answer = enter(client, service, phone="+49 30 5")
    assert answer.status_code == 409
    assert "There are free times on these days." in text_of(answer)
    assert 'value="+49 30 5"' in answer.content.decode()
    assert f"date={soon().astimezone(BERLIN).date().isoformat()}" in answer.context["times"]
    assert client.get(answer.context["times"]).context["picker"].times


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"email": "x"}, "email"), ({"first_name": "a\r\nb"}, "first_name"), ({"first_day": "never"}, "first_day"), ({"last_day": "2020-01-01"}, "last_day")],
)
def test_what_is_wrong_is_said_at_the_field(client, service, changes, field):
    book(service)
    answer = enter(client, service, **changes)
    assert answer.status_code == 400
    assert field in answer.context["form"].errors
    assert not WaitingEntry.objects.exists()


def test_a_machine_waits_for_nothing(client, service):
    book(service)
    assert enter(client, service, website="spam").status_code == 302
    assert enter(client, service, stamp=stamp.new()).status_code == 302
    assert enter(client, service, stamp="forged").status_code == 400
    assert not WaitingEntry.objects.exists()
    assert not Message.objects.filter(kind="waiting").exists()


def test_a_service_without_a_list_offers_none(client, service):
    book(service)
    Service.objects.update(waiting_list=False)
    times = client.get(reverse("booking:time", args=[service.pk]), {"date": day().isoformat()})
    assert not any("/waiting/" in link for link in links_of(times))
    assert enter(client, service).status_code == 404


def test_it_is_left_by_link_after_a_question(client, service):
    book(service)
    clara = wait(service)
    url = reverse("booking:waiting_withdraw", args=[waiting_token(clara)])
    question = client.get(url)
    assert "Leave the waiting list?" in text_of(question)
    answer = client.post(url, {"stamp": ripe_stamp()}, follow=True)
    assert "You are no longer on the waiting list." in text_of(answer)
    clara.refresh_from_db()
    assert clara.state == "withdrawn"
    assert client.post(reverse("booking:waiting", args=[waiting_token(clara)]), {"stamp": ripe_stamp(), "start": write_instant(soon())}).status_code == 409


def test_links_of_another_kind_or_forged_open_nothing(client, service):
    taken = book(service)
    clara = wait(service)
    for token in ("x", manage_token(taken), waiting_token(clara)[:-1], Signer(salt="kalends.manage").sign(clara.uuid.hex)):
        assert client.get(reverse("booking:waiting", args=[token])).status_code == 404
    assert client.get(reverse("booking:manage", args=[waiting_token(clara)])).status_code == 404
    assert client.get(reverse("booking:waiting", args=[waiting_token(clara)])).status_code == 200


def test_the_admin_lists_who_waits_and_takes_off(client, service, admin):
    book(service)
    clara = wait(service)
    client.force_login(admin)
    url = reverse("admin:booking_waitingentry_changelist")
    assert "Clara" in text_of(client.get(url))
    client.post(url, {"action": "withdraw", "_selected_action": [clara.pk]})
    clara.refresh_from_db()
    assert clara.state == "withdrawn"
    assert client.get(reverse("admin:booking_message_changelist")).status_code == 200
