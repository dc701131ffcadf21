"""What a mail is put together from, whatever it is about; and the .ics that comes with it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.mime.text import MIMEText
from email.utils import parseaddr

from django.conf import settings

from booking import ical
from booking.models import Customer, Employee
from booking.notifications.placeholders import Value

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads it, and how."""

    name: str
    language: str
    timezone: str


@dataclass(frozen=True, slots=True)
class Content:
    """The text is templates/email/<language>/<folder>/<wording>.txt. `customer` and `employee` are whom an answer goes to."""

    reader: Reader
    folder: str
    wording: str
    values: Mapping[str, Value]
    customer: Customer
    employee: Employee | None
    parts: Sequence[MIMEText] = field(default_factory=tuple)


def attached(entry: ical.Entry, method: str, *, name: str = "invite.ics") -> MIMEText | None:
    """The entry as a part of a mail; None, with a line in the log, where an address can't be written as an attendee."""
    try:
        data = ical.write([entry], method=method)
    except ValueError:
        # An address such as "a b"@example.org is allowed in mail but not there: the mail goes without.
        logger.warning("No invitation for a message to an unusual address (%s).", entry.uid)
        return None
    part = MIMEText(data.decode(), "calendar", "utf-8")
    part.set_param("method", method)
    part.add_header("Content-Disposition", "attachment", filename=name)
    return part


def organizer_of() -> tuple[str, str]:
    """Name and address that invitations come from."""
    return settings.COMPANY["name"], organizer_address()


def organizer_address() -> str:
    return str(settings.COMPANY["email"] or parseaddr(settings.DEFAULT_FROM_EMAIL)[1])
