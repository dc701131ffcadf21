"""What the tests of mails share: a booking, and the mails that go out."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from django.core import mail
from django.db import connection
from django.utils import timezone

from booking.actions import appointments
from booking.actions.customers import Guest
from booking.models import Attendance, Employee, Message, Service
from booking.notifications.sending import send_due
from booking.tests.salon import make_employee, make_service, soon

CLARA = "clara@example.org"
SECOND = timedelta(seconds=1)


def booking(*, service: Service | None = None, employee: Employee | None = None, start: datetime | None = None, notes: str = "", **guest: Any) -> Attendance:
    """Clara books a haircut at ten in Berlin, with Eve."""
    if service is None:
        employee = employee or make_employee("Eve", language="en")
        service = make_service(employee)
    who = {"first_name": "Clara", "last_name": "Kunde", "email": CLARA, "language": "en", **guest}
    return appointments.book(service=service, start=start or soon(10), guest=Guest(**who), now=timezone.now(), employee=employee, notes=notes)


def deliver(after: timedelta = SECOND) -> dict[str, EmailMessage]:
    """Sends what is due; the mails by recipient, as a mail program reads them."""
    mail.outbox = []
    send_due(timezone.now() + after)
    return {one.to[0]: parsed(one.message().as_bytes()) for one in mail.outbox}


def parsed(raw: bytes) -> EmailMessage:
    message = message_from_bytes(raw, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def part(message: EmailMessage, kind: str) -> str:
    """The plain or the html text."""
    body = message.get_body((kind,))
    assert body is not None
    return str(body.get_content())


def calendar_of(message: EmailMessage) -> EmailMessage | None:
    return next((one for one in message.walk() if one.get_content_type() == "text/calendar"), None)


def states() -> list[tuple[str, str, str]]:
    return list(Message.objects.order_by("pk").values_list("kind", "audience", "state"))


def at_once(count: int, work: Callable[[], object]) -> None:
    """Runs the work in that many threads that start together; what one of them raises is raised here."""
    barrier, errors = threading.Barrier(count), []

    def run() -> None:
        try:
            barrier.wait(10)
            work()
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    if errors:
        raise errors[0]
