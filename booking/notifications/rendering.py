"""Makes the mail of a message: subject, plain text, HTML and invitation, in the recipient's language and time zone."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formataddr
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils.safestring import mark_safe

from booking.models import Employee, Message
from booking.models.message import EMAIL
from booking.notifications import event_mail, knowledge, markup, texts, waiting
from booking.notifications.content import Content, Reader, organizer_address
from booking.notifications.invitation import invitation, parting
from booking.notifications.placeholders import Value, fill, header, html, text, values_for
from booking.notifications.placeholders.values import known_zone


@dataclass(frozen=True, slots=True)
class Filled:
    """A text with its placeholders filled in: one line, plain text, HTML."""

    subject: str
    plain: str
    html: str


def render(message: Message) -> EmailMultiAlternatives:
    """The mail as it is true now. Raises if a text or a link can't be made; sends nothing and writes nothing."""
    told = _told(message)
    filled = _filled(message, told)
    mail = EmailMultiAlternatives(
        subject=filled.subject,
        body=filled.plain,
        to=[message.recipient],
        reply_to=[_reply_to(message, told)],
        headers={"Message-ID": message_id(message), "Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"},
    )
    mail.attach_alternative(filled.html, "text/html")
    for part in told.parts:
        mail.attach(part)
    return mail


def words(message: Message) -> Filled:
    """What the mail says, for other channels: the subject is a whole sentence for a short message."""
    return _filled(message, _told(message))


def _told(message: Message) -> Content:
    return event_mail.content(message) if message.registration else waiting.content(message) if message.waiting else content(message)


def _filled(message: Message, told: Content) -> Filled:
    language = told.reader.language
    return compose(texts.source(told.folder, told.wording, language, message.reminder_id), told.values, language)


def compose(source: str, values: Mapping[str, Value], language: str) -> Filled:
    subject, blocks = markup.parse(source)
    subject = header(fill(subject, values, header))
    return Filled(subject, _plain(blocks, values), _html(blocks, values, subject, language))


def content(message: Message) -> Content:
    """Of a mail about an appointment."""
    attendance, wording = message.booking, knowledge.wording(message)
    employee = knowledge.employee_of(message) if message.audience == Message.Audience.EMPLOYEE else None
    reader = reader_of(message, employee)
    known = knowledge.before(message) if message.kind == Message.Kind.RESCHEDULED else None
    values = values_for(
        attendance,
        audience=message.audience,
        language=reader.language,
        timezone=reader.timezone,
        previous=(known.start, known.end) if known else None,
        employee=None if wording == "handed_over" else employee,
    )
    parts = []
    if message.channel == EMAIL and message.moment is None:  # a reminder brings nothing new for the calendar
        part = invitation(
            attendance,
            audience=message.audience,
            name=reader.name,
            address=message.recipient,
            timezone=reader.timezone,
            gone=wording == "handed_over",
        )
        parts = [part, parting(message, name=reader.name, timezone=reader.timezone)]
    return Content(
        reader=reader,
        folder=message.audience,
        wording=wording,
        values=values,
        customer=attendance.customer,
        employee=attendance.appointment.employees.first(),
        parts=[one for one in parts if one],
    )


def reader_of(message: Message, employee: Employee | None) -> Reader:
    """`employee`: to whom it goes, if it goes to one who is known."""
    attendance = message.booking
    if message.audience == Message.Audience.CUSTOMER:
        return Reader(attendance.customer.full_name, attendance.language, known_zone(attendance.timezone))
    employee = employee or attendance.appointment.employees.select_related("calendar").first()
    if employee is None:
        return Reader("", settings.LANGUAGE_CODE, settings.TIME_ZONE)
    return Reader(employee.full_name, employee.language, known_zone(employee.calendar.timezone))


def message_id(message: Message) -> str:
    """The same however often it is sent, so that a mail program shows a repeated one once (RFC 5322 §3.6.4)."""
    key = f"{message.kind}:{message.about.uuid}:{message.version}:{message.recipient.lower()}"
    if message.moment:
        key = f"{message.kind}:{message.about.uuid}:{message.reminder_id}:{message.moment.isoformat()}:{message.recipient.lower()}"
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:32]}@{urlsplit(settings.SITE_URL).hostname or 'kalends'}>"


def _reply_to(message: Message, told: Content) -> str:
    """Customers answer the company, or whoever serves them; employees answer the customer."""
    if message.audience == Message.Audience.EMPLOYEE:
        return formataddr((header(told.customer.full_name), header(told.customer.email)))
    if settings.COMPANY["email"] or told.employee is None:
        return organizer_address()
    return formataddr((header(told.employee.full_name), header(told.employee.email)))


def _plain(blocks: list[markup.Block], values: Mapping[str, Value]) -> str:
    """Complete by itself: whoever reads only this part misses nothing."""
    parts = []
    for block in blocks:
        if block.kind == "rows":
            parts.append(_table([(fill(label, values, text), fill(value, values, text)) for label, value in block.lines]))
        elif block.kind == "buttons":
            parts += [f"{fill(label, values, text)}:\n{address}" for label, value in block.lines if (address := fill(value, values, text))]
        else:
            parts += [fill(value, values, text) for _, value in block.lines]
    company = settings.COMPANY
    signature = "\n".join(company[name] for name in ("name", "address", "phone", "email", "website") if company[name])
    return "\n\n".join([*parts, f"-- \n{signature}\n"])


def _table(rows: list[tuple[str, str]]) -> str:
    """Label and value in two columns, without the rows that have nothing to say."""
    rows = [(label, value) for label, value in rows if value.strip()]
    width = max((len(label) for label, _ in rows), default=0) + 2
    indent = "\n" + " " * width
    return "\n".join(f"{label + ':':<{width}}" + value.replace("\n", indent) for label, value in rows)


def _html(blocks: list[markup.Block], values: Mapping[str, Value], subject: str, language: str) -> str:
    filled = []
    for block in blocks:
        lines = [(fill(label, values, html, around=html), fill(value, values, html, around=html)) for label, value in block.lines]
        if block.kind in ("rows", "buttons"):  # without those that have nothing to say, or lead nowhere
            lines = [(label, value) for label, value in lines if value.strip()]
        # Both our words and the values have just been escaped.
        filled.append({"kind": block.kind, "lines": [(mark_safe(label), mark_safe(value)) for label, value in lines]})
    return render_to_string("email/frame.html", {"language": language, "subject": subject, "company": settings.COMPANY, "blocks": filled})
