"""The outbox against a real mail server: nothing is lost, nothing goes twice, whatever breaks."""

from __future__ import annotations

import time
from collections import Counter
from datetime import timedelta

import kombu.exceptions
import pytest
from celery import Celery, current_app
from django.db import transaction
from django.utils import timezone

from booking import tasks
from booking.actions import appointments
from booking.models import Attendance, Message
from booking.notifications import sending
from booking.tests.mails import CLARA, at_once, booking, states
from booking.tests.mailserver import MailServer, running
from booking.tests.salon import make_employee, make_service, soon
from config.settings.background import transport_options

pytestmark = pytest.mark.django_db(transaction=True)

EVE = "eve@salon.example"
SOON = timedelta(seconds=1)


@pytest.fixture
def server(settings):
    with running() as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", server.port, 2
        yield server


def test_each_mail_goes_once_though_many_drains_run_at_once(server: MailServer):
    """Red when the claim is a read and a save instead of one conditional UPDATE."""
    server.pause = 0.02
    service = make_service(make_employee("Eve"))
    for hour in range(10, 16):
        booking(service=service, start=soon(hour), email=f"guest{hour}@example.org")
    now = timezone.now() + SOON
    at_once(4, lambda: sending.send_due(now))
    sending.send_due(now)
    assert Counter(mail["Message-ID"] for mail in server.mails).most_common(1)[0][1] == 1
    assert len(server.mails) == 12
    assert {state for _, _, state in states()} == {"sent"}
    assert all(len(envelope) == 1 for envelope in server.envelopes)


def test_a_task_that_is_delivered_twice_sends_once(server: MailServer):
    booking()
    tasks.send_messages()
    tasks.send_messages()
    assert sorted(mail["To"] for mail in server.mails) == [CLARA, EVE]


def test_a_mail_server_that_is_away_delays_the_mail_and_loses_none(server: MailServer):
    """Red when the row is marked as sent before the server has taken the mail."""
    server.answer = lambda recipients: "451 come back later"
    booking()
    now = timezone.now() + SOON
    assert sending.send_due(now) == 0
    message = Message.objects.get(recipient=CLARA)
    assert (message.state, message.attempts, message.claimed_until) == ("open", 1, None)
    assert "come back later" in message.error
    assert sending.send_due(now + timedelta(seconds=30)) == 0
    assert message.attempts == 1
    server.answer = lambda recipients: None
    assert sending.send_due(now + timedelta(minutes=2)) == 2
    message.refresh_from_db()
    assert (message.state, message.error) == ("sent", "")
    assert message.sent_at is not None


def test_it_gives_up_visibly_and_can_be_told_to_try_again(server: MailServer):
    server.answer = lambda recipients: "550 no such person" if CLARA in recipients else None
    booking()
    now = timezone.now()
    for _ in range(len(sending.WAITS) + 3):
        now += timedelta(days=1)
        sending.send_due(now)
    message = Message.objects.get(recipient=CLARA)
    assert (message.state, message.attempts) == ("failed", len(sending.WAITS) + 1)
    assert "no such person" in message.error
    assert [mail["To"] for mail in server.mails] == [EVE]
    server.answer = lambda recipients: None
    assert sending.retry(Message.objects.all(), now=now) == 1
    assert sending.send_due(now) == 1
    assert [mail["To"] for mail in server.mails] == [EVE, CLARA]


def test_one_mail_that_cannot_be_sent_does_not_hold_up_the_others(server: MailServer):
    server.answer = lambda recipients: "" if CLARA in recipients else None  # hangs up
    booking()
    assert sending.send_due(timezone.now() + SOON) == 1
    assert [mail["To"] for mail in server.mails] == [EVE]


def test_a_server_that_hangs_is_left_after_the_time_out(server: MailServer, settings):
    settings.EMAIL_TIMEOUT = 0.2
    server.pause = 1
    booking()
    assert sending.send_due(timezone.now() + SOON) == 0
    assert states() == [("booked", "customer", "open"), ("booked", "employee", "open")]


def test_a_worker_that_dies_is_replaced_after_its_lease(server: MailServer):
    """Red when a claim never ends."""
    booking()
    now = timezone.now() + SOON
    Message.objects.update(claimed_until=now + sending.LEASE, attempts=1)
    assert sending.send_due(now + timedelta(minutes=1)) == 0
    assert sending.send_due(now + sending.LEASE) == 2


def test_a_lost_answer_repeats_the_mail_with_the_same_id(server: MailServer):
    """The one case that can't be told apart: the server took the mail and died before it said so."""
    server.hang_up_after_taking = True
    attendance = booking()
    now = timezone.now() + SOON
    sending.send_due(now)
    server.hang_up_after_taking = False
    sending.send_due(now + timedelta(minutes=5))
    ids = [mail["Message-ID"] for mail in server.mails if mail["To"] == CLARA]
    assert len(ids) == 2
    assert len(set(ids)) == 1
    assert Attendance.objects.get() == attendance


def test_it_refuses_to_send_inside_a_transaction(server: MailServer):
    """Red when durable=True is taken out: a slow mail server would hold locks."""
    booking()
    with pytest.raises(RuntimeError), transaction.atomic():
        sending.send_due(timezone.now() + SOON)
    assert server.mails == []


def test_news_of_one_booking_waits_for_the_news_before_it(server: MailServer):
    attendance = booking()
    now = timezone.now() + SOON
    first = Message.objects.get(recipient=CLARA)
    Message.objects.filter(pk=first.pk).update(claimed_until=now + sending.LEASE)
    appointments.reschedule(appointment=attendance.appointment, start=soon(15), now=timezone.now())
    sending.send_due(now)
    assert [mail["To"] for mail in server.mails] == [EVE]


def test_a_booking_stands_and_is_answered_though_the_broker_is_away(caplog):
    """Red when the wake-up is rung inside the transaction or its failure is let through."""
    house = current_app._get_current_object()
    deaf = Celery("deaf", broker="redis://127.0.0.1:1/0")
    deaf.conf.broker_transport_options = transport_options("redis://127.0.0.1:1/0", 3600)
    deaf.set_current()
    try:
        with pytest.raises(kombu.exceptions.OperationalError):
            tasks.send_messages.apply_async(retry=False)
        began = time.monotonic()
        attendance = booking()
    finally:
        house.set_current()
    assert time.monotonic() - began < 3
    assert Attendance.objects.get() == attendance
    assert states() == [("booked", "customer", "open"), ("booked", "employee", "open")]
    assert "the sweep will find what is waiting" in caplog.text


def test_nobody_is_told_of_a_booking_that_was_rolled_back(server: MailServer):
    with transaction.atomic():
        booking()
        transaction.set_rollback(True)
    assert states() == []
    assert sending.send_due(timezone.now() + SOON) == 0
    assert server.mails == []
