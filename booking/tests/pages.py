"""What the tests of the pages share: sending the booking form as a browser would."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import time_machine
from django.test import Client
from django.urls import reverse

from booking.models import Attendance, Service
from booking.pages import stamp
from booking.pages.zone import write_instant

WHO = {"first_name": "Clara", "last_name": "Kunde", "email": "clara@example.org", "phone": "+49 30 901820", "notes": "Please ring twice."}


def ripe_stamp() -> str:
    """The hidden field of a form that was opened a minute ago."""
    with time_machine.travel(datetime.now(UTC) - timedelta(minutes=1), tick=False):
        return stamp.new()


def details_url(service: Service, start: datetime, employee: object = "any", **query: str) -> str:
    return reverse("booking:details", args=[service.pk], query={"employee": str(employee), "start": write_instant(start), **query})


def send(client: Client, service: Service, start: datetime, *, employee: object = "any", sent: Any = "", address: Any = "", **changes: Any) -> Any:
    """Sends the details form; `sent` is the stamp, a ripe one unless given; `address` is where to, if it says more than service and employee."""
    return client.post(address or details_url(service, start, employee), {**WHO, "start": write_instant(start), "stamp": sent or ripe_stamp(), **changes})


def book(client: Client, service: Service, start: datetime, **changes: str) -> Attendance:
    """Books through the pages; the newest attendance."""
    assert send(client, service, start, **changes).status_code == 302
    return Attendance.objects.latest("pk")


def text_of(response: Any) -> str:
    """What a reader sees: without tags, blanks drawn together."""
    body = re.sub(r"<(script|style|title)[^>]*>.*?</\1>", "", response.content.decode(), flags=re.S)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", body))).strip()


def links_of(response: Any) -> list[str]:
    return [unescape(one) for one in re.findall(r'href="([^"]+)"', response.content.decode())]
