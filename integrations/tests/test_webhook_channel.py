"""Signed webhooks: each piece of news arrives once and can be verified; secrets stay inside, and so does our network."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from booking.actions import appointments
from booking.models import Message
from booking.notifications import sending
from booking.tests.happening import make_event, register
from booking.tests.mails import CLARA, SECOND, at_once, booking, deliver
from booking.tests.salon import make_employee, make_service, soon
from integrations.channel import delivery, signing
from integrations.models import WebhookTarget

pytestmark = pytest.mark.django_db(transaction=True)

SECRET = "whsec_" + base64.b64encode(b"a secret of thirty-two bytes, ok").decode()


class Receiver(ThreadingHTTPServer):
    """Takes posts; `status` is what it answers."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Post)
        self.status = 204
        self.headers_more: dict[str, str] = {}
        self.taken: list[tuple[dict[str, str], bytes]] = []

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"

    @property
    def news(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.taken]


class _Post(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.taken.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(self.server.status)
        for name, value in self.server.headers_more.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Silent."""


@pytest.fixture
def receiver(settings) -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        settings.KALENDS_PRIVATE_HOSTS = [server.host]
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def target(receiver: Receiver) -> WebhookTarget:
    return WebhookTarget.objects.create(name="till", url=f"http://{receiver.host}/hooks", secrets={"secret": SECRET})


def run(after: timedelta = SECOND) -> None:
    """Every task twice."""
    for _ in range(2):
        sending.send_due(timezone.now() + after)
        sending.send_due(timezone.now() + after, "webhook")


@pytest.mark.feature("P11")
def test_each_change_is_posted_once_with_a_signature_that_a_receiver_can_check(target, receiver: Receiver):
    """Red when the body that is signed isn't the one that is sent, or it is posted twice."""
    service = make_service(make_employee("Eve", language="en"), needs_approval=True)
    attendance = booking(service=service, notes="Grüße")
    run()
    appointments.approve(appointment=attendance.appointment, now=timezone.now())
    run()
    appointments.reschedule(appointment=attendance.appointment, start=soon(15), now=timezone.now())
    run()
    appointments.cancel(appointment=attendance.appointment, now=timezone.now())
    run()
    assert [(one["type"], one["data"]["status"]) for one in receiver.news] == [
        ("booking.booked", "pending"),
        ("booking.approved", "approved"),
        ("booking.rescheduled", "approved"),
        ("booking.cancelled", "cancelled"),
    ]
    for headers, body in receiver.taken:
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        expected = base64.b64encode(hmac.new(b"a secret of thirty-two bytes, ok", signed, hashlib.sha256).digest()).decode()
        assert headers["webhook-signature"] == f"v1,{expected}"
        assert abs(int(headers["webhook-timestamp"]) - timezone.now().timestamp()) < 60
    assert len({headers["webhook-id"] for headers, _ in receiver.taken}) == 4
    moved = receiver.news[2]["data"]
    assert moved["start"] == soon(15).isoformat().replace("+00:00", "Z")
    assert moved["previous"]["start"] == soon(10).isoformat()
    assert moved["customer"]["email"] == CLARA
    assert moved["notes"] == "Grüße"


def test_registrations_are_told_too(target, receiver: Receiver):
    register(make_event(make_employee("Eve")), places=2)
    run()
    (news,) = receiver.news
    assert news["type"] == "registration.registered"
    assert (news["data"]["places"], news["data"]["event"]["name"]) == (2, "Perfume evening")


def test_no_link_and_no_internal_note_is_in_it(target, receiver: Receiver):
    attendance = booking()
    attendance.customer.note = attendance.appointment.internal_note = "SECRET-NOTE"
    attendance.customer.save()
    attendance.appointment.save()
    run()
    body = receiver.taken[0][1].decode()
    assert "SECRET-NOTE" not in body
    assert "/booking/" not in body
    assert "/mine/" not in body


def test_each_goes_once_though_many_drains_run_at_once(target, receiver: Receiver):
    service = make_service(make_employee("Eve"))
    for hour in (10, 11, 12):
        booking(service=service, start=soon(hour), email=f"guest{hour}@example.org")
    deliver()
    now = timezone.now() + SECOND
    at_once(4, lambda: sending.send_due(now, "webhook"))
    assert len(receiver.taken) == len({headers["webhook-id"] for headers, _ in receiver.taken}) == 3


@pytest.mark.feature("P11")
def test_a_receiver_that_fails_is_tried_again_and_holds_up_no_mail(target, receiver: Receiver):
    """Red when any answer counts as taken."""
    receiver.status = 500
    booking()
    assert CLARA in deliver()
    run()
    message = Message.objects.get(channel="webhook")
    assert (message.state, message.attempts, message.recipient) == ("open", 1, "till")
    assert message.error == "Retry: The receiver did not accept it. (500)"
    receiver.status = 200
    run(timedelta(minutes=2))
    message.refresh_from_db()
    assert message.state == "sent"
    assert len({headers["webhook-id"] for headers, _ in receiver.taken}) == 1


def test_410_ends_it_and_a_target_that_is_off_gets_nothing(target, receiver: Receiver):
    receiver.status = 410
    booking()
    run()
    assert Message.objects.get(channel="webhook").state == "failed"
    WebhookTarget.objects.update(is_active=False)
    booking(service=make_service(make_employee("Finn")), email="finn@example.org")
    run()
    assert len(receiver.taken) == 1


def test_a_redirect_is_not_followed(target, receiver: Receiver):
    """Red when the client follows: a receiver could send our signed news anywhere."""
    receiver.status, receiver.headers_more = 302, {"Location": f"http://{receiver.host}/elsewhere"}
    booking()
    run()
    assert len(receiver.taken) == 1
    assert Message.objects.get(channel="webhook").state == "open"


@pytest.mark.feature("P11")
def test_it_never_reaches_inside(target, receiver: Receiver, settings):
    """Red when the post goes out by any client but that of the one policy."""
    settings.KALENDS_PRIVATE_HOSTS = []
    booking()
    run()
    assert receiver.taken == []
    assert Message.objects.get(channel="webhook").error == "NeedsPerson: This address can't be used."


def test_a_worker_that_dies_before_it_notes_the_answer_repeats_it_with_the_same_id(target, receiver: Receiver, monkeypatch):
    class Killed(BaseException):
        """Not an error that anything catches."""

    def post_and_die(*args: Any) -> None:
        post(*args)
        raise Killed

    post = delivery.post
    booking()
    deliver()
    monkeypatch.setattr(delivery, "post", post_and_die)
    with pytest.raises(Killed):
        sending.send_due(timezone.now() + SECOND, "webhook")
    monkeypatch.setattr(delivery, "post", post)
    run()
    assert len(receiver.taken) == 1  # the lease of the dead one
    run(sending.LEASE + SECOND)
    assert len(receiver.taken) == 2
    assert len({headers["webhook-id"] for headers, _ in receiver.taken}) == 1


def test_the_secret_is_stored_encrypted_shown_once_and_changed_on_purpose_only(client, admin, receiver: Receiver, settings):
    """Red when the form gives the stored secret back."""
    client.force_login(admin)
    page = client.get("/admin/integrations/webhooktarget/add/")
    offered = page.context["adminform"].form["secret"].value()
    assert len(signing.key_of(offered)) == 32
    typed = {"name": "till", "url": f"http://{receiver.host}/hooks", "secret": offered, "is_active": "on"}
    assert client.post("/admin/integrations/webhooktarget/add/", typed).status_code == 302
    row = WebhookTarget.objects.get()
    assert row.secrets == {"secret": offered}
    with connection.cursor() as cursor:
        cursor.execute("SELECT secrets FROM integrations_webhooktarget")
        assert offered.removeprefix("whsec_") not in cursor.fetchone()[0]
    change = f"/admin/integrations/webhooktarget/{row.pk}/change/"
    for address in ("/admin/integrations/webhooktarget/", change):
        assert offered.removeprefix("whsec_") not in client.get(address).content.decode()
    assert client.post(change, {**typed, "secret": "", "name": "other"}).status_code == 302
    row.refresh_from_db()
    assert (row.name, row.secrets) == ("till", {"secret": offered})
    assert client.post(change, {**typed, "secret": "x" * 30}).status_code == 302
    row.refresh_from_db()
    assert row.secrets == {"secret": "x" * 30}
    settings.KALENDS_ENCRYPTION_KEYS = ["a" * 43 + "=", *settings.KALENDS_ENCRYPTION_KEYS]
    call_command("rotate_keys")
    settings.KALENDS_ENCRYPTION_KEYS = settings.KALENDS_ENCRYPTION_KEYS[:1]
    assert WebhookTarget.objects.get().secrets == {"secret": "x" * 30}


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("url", "http://10.0.0.1/x"),
        ("url", "ftp://example.org/"),
        ("url", "https://user:pw@example.org/"),
        ("secret", "short"),
        ("secret", "whsec_%%%"),
        ("name", "with blank"),
    ],
)
def test_what_cannot_work_is_refused_in_words(client, admin, field: str, typed: str):
    client.force_login(admin)
    values = {"name": "till", "url": "https://example.org/hooks", "secret": SECRET, "is_active": "on", field: typed}
    answer = client.post("/admin/integrations/webhooktarget/add/", values)
    assert answer.status_code == 200
    assert field in answer.context["adminform"].form.errors
    assert not WebhookTarget.objects.exists()


def test_an_admin_sends_a_test_and_reads_what_came_of_it(client, admin, target, receiver: Receiver):
    client.force_login(admin)
    wish = {"action": "try_out", "_selected_action": [target.pk]}
    assert told(client.post("/admin/integrations/webhooktarget/", wish, follow=True)) == ["till has taken the test."]
    assert receiver.news[0]["type"] == "test"
    receiver.status = 500
    assert told(client.post("/admin/integrations/webhooktarget/", wish, follow=True)) == ["till: The receiver did not accept it. (500)"]


def told(page: Any) -> list[str]:
    return [str(message) for message in page.context["messages"]]


def test_a_booking_asks_the_database_for_no_target(target, receiver: Receiver):
    """Red when the webhooks' messages are written with the booking."""
    service = make_service(make_employee("Eve"))
    booking(service=service, email="first@example.org")
    with CaptureQueriesContext(connection) as asked:
        booking(service=service, start=soon(12))
    assert [one["sql"] for one in asked if "webhooktarget" in one["sql"]] == []
    assert len(asked) > 5
    assert not Message.objects.filter(channel="webhook").exists()
