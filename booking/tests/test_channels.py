"""A channel beside e-mail, as docs/add-a-channel.md has it: told of everything once, never in the way of the mails or of a booking."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from django.core import mail
from django.utils import timezone

from booking import tasks
from booking.actions import appointments
from booking.models import Message, Reminder
from booking.notifications import channels, reminders, sending
from booking.notifications.rendering import message_id, words
from booking.tests.mails import CLARA, SECOND, booking, deliver, part
from booking.tests.salon import make_employee, make_service, soon

pytestmark = pytest.mark.django_db

CLARAS, DANAS = "+49301", "+49302"


@dataclass
class Sms:
    """The gateway is what is faked: it takes texts, or does what it is told to."""

    name: str = "sms"
    label: str = "SMS"
    taken: list[tuple[str, str]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    asked: int = 0
    trouble: dict[str, Exception] = field(default_factory=dict)

    def recipients(self, mail: Message) -> Iterable[tuple[Message.Audience, str]]:
        phone = mail.about.customer.phone
        return [(Message.Audience.CUSTOMER, phone)] if mail.audience == Message.Audience.CUSTOMER and phone.startswith("+") else []

    def send(self, message: Message) -> None:
        self.asked += 1
        if message.recipient in self.trouble:
            raise self.trouble[message.recipient]
        self.taken.append((message.recipient, words(message).subject))
        self.keys.append(message_id(message))


@pytest.fixture
def sms() -> Iterator[Sms]:
    channel = Sms()
    channels.register(channel)
    yield channel
    channels.unregister("sms")


def run(now: datetime | None = None) -> None:
    """Every task twice."""
    now = now or timezone.now() + SECOND
    for _ in range(2):
        sending.send_due(now)
        sending.send_due(now, "sms")


@pytest.mark.feature("P11")
def test_each_change_is_told_once_in_the_readers_language(sms: Sms, settings):
    """Red when what a mail tells isn't passed on to the other channels."""
    attendance = booking(phone=CLARAS, language="de")
    here, settings.EMAIL_BACKEND = settings.EMAIL_BACKEND, "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1  # nobody answers there
    run()
    settings.EMAIL_BACKEND = here
    run(timezone.now() + timedelta(minutes=2))
    assert [to for to, _ in sms.taken] == [CLARAS]
    assert sms.taken[0][1].startswith("Ihr Termin am ")
    appointments.reschedule(appointment=attendance.appointment, start=soon(15), now=timezone.now())
    run()
    appointments.cancel(appointment=attendance.appointment, now=timezone.now())
    run()
    assert [text.partition(":")[0] for _, text in sms.taken[1:]] == ["Verschoben", "Abgesagt"]
    assert len(set(sms.keys)) == 3
    assert not Message.objects.filter(state="open").exists()


@pytest.mark.feature("P11")
def test_reminders_go_over_it_too(sms: Sms):
    """Red when the time a reminder is about isn't passed on: what it tells then counts as told already."""
    attendance = booking(phone=CLARAS)
    run()
    Reminder.objects.create(hours=24)
    now = attendance.appointment.start - timedelta(hours=3)
    reminders.write_due(now)
    run(now)
    assert len(sms.taken) == 2
    assert list(Message.objects.filter(channel="sms", kind="reminder").values_list("state", flat=True)) == ["sent"]


def test_a_booking_waits_for_none_of_it_and_a_gateway_that_fails_holds_up_no_mail(sms: Sms):
    """Red when a channel's message is sent with the mail, or written with the booking."""
    sms.trouble[CLARAS] = OSError("no answer")
    booking(phone=CLARAS)
    assert not Message.objects.filter(channel="sms").exists()
    assert CLARA in deliver()
    run()
    assert mail.outbox
    message = Message.objects.get(channel="sms")
    assert (message.state, message.attempts, message.error) == ("open", 1, "OSError: no answer")
    del sms.trouble[CLARAS]
    run(timezone.now() + timedelta(minutes=2))
    assert [to for to, _ in sms.taken] == [CLARAS]


def test_whoever_does_not_answer_is_left_alone_for_the_rest_of_the_run(sms: Sms):
    """Red when each message to it waits for the time-out anew: thirty would hold up everybody else for minutes."""
    service = make_service(make_employee("Eve"))
    sms.trouble[CLARAS] = TimeoutError("no answer")
    for hour in (10, 11, 12):
        booking(service=service, start=soon(hour), phone=CLARAS)
    booking(service=service, start=soon(13), phone=DANAS, email="dana@example.org")
    now = timezone.now() + SECOND
    sending.send_due(now)
    sending.send_due(now, "sms")
    assert sms.asked == 2
    assert [to for to, _ in sms.taken] == [DANAS]


def test_what_cannot_be_delivered_fails_at_once_with_its_reason_and_can_be_sent_again(sms: Sms, client, admin):
    sms.trouble[CLARAS] = channels.Undeliverable("The gateway does not know this number.")
    booking(phone=CLARAS)
    run()
    message = Message.objects.get(channel="sms")
    assert (message.state, message.attempts, message.error) == ("failed", 1, "The gateway does not know this number.")
    client.force_login(admin)
    page = client.get("/admin/booking/message/?channel=sms").content.decode()
    assert "SMS" in page
    assert "does not know this number" in page
    del sms.trouble[CLARAS]
    client.post("/admin/booking/message/", {"action": "try_again", "_selected_action": [message.pk]})
    run()
    assert len(sms.taken) == 1


def test_what_is_no_longer_true_is_not_told(sms: Sms):
    sms.trouble[CLARAS] = OSError("no answer")
    attendance = booking(phone=CLARAS)
    run()
    del sms.trouble[CLARAS]
    appointments.cancel(appointment=attendance.appointment, now=timezone.now())
    run(timezone.now() + timedelta(minutes=2))
    assert [text.partition(":")[0] for _, text in sms.taken] == ["Cancelled"]
    assert sorted(Message.objects.filter(channel="sms").values_list("kind", "state")) == [("booked", "skipped"), ("cancelled", "sent")]


def test_delivered_and_not_noted_it_comes_again_with_the_same_key(sms: Sms):
    """The worker dies between the two."""
    booking(phone=CLARAS)
    run()
    Message.objects.filter(channel="sms").update(state=Message.State.OPEN, sent_at=None, context={})
    run()
    assert len(sms.keys) == 2
    assert len(set(sms.keys)) == 1


def test_what_was_not_woken_is_found_by_the_clock(sms: Sms, monkeypatch):
    """Red when a run of the mails doesn't look for what waits for other channels."""
    booking(phone=CLARAS)
    monkeypatch.setattr("booking.notifications.channels.spreading.wake_after_commit", lambda *_: None)
    deliver()
    woken: list[object] = []
    monkeypatch.setattr("booking.wake.wake", woken.extend)
    tasks.send_messages()
    assert woken == [("booking.tasks.send_messages", ["sms"])]


def test_a_channel_that_is_gone_leaves_its_messages_visibly_failed(sms: Sms):
    booking(phone=CLARAS)
    deliver()
    channels.unregister("sms")
    sending.send_due(timezone.now() + SECOND, "sms")
    assert Message.objects.get(channel="sms").error == "This channel is not installed."


def test_the_mail_says_the_same_with_or_without_channels(sms: Sms):
    booking(phone=CLARAS)
    assert "is booked" in part(deliver()[CLARA], "plain")
