"""Makes the mail of a message: subject, plain text, HTML and invitation, in the recipient's language and time zone."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from email.utils import formataddr
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string, select_template
from django.utils.safestring import mark_safe

from booking.models import Message
from booking.notifications import event_mail, knowledge, markup, waiting
from booking.notifications.content import Content, Reader, organizer_address
from booking.notifications.invitation import invitation, parting
from booking.notifications.placeholders import Value, fill, header, html, text, values_for
from booking.notifications.placeholders.values import known_zone

FALLBACK_LANGUAGE = "en"


def render(message: Message) -> EmailMultiAlternatives:
    """The mail as it is true now. Raises if a text or a link can't be made; sends nothing and writes nothing."""
    told = event_mail.content(message) if message.registration else waiting.content(message) if message.waiting else content(message)
    subject, blocks = markup.parse(_source(told.reader.language, told.folder, told.wording))
    subject = header(fill(subject, told.values, header))
    mail = EmailMultiAlternatives(
        subject=subject,
        body=_plain(blocks, told.values),
        to=[message.recipient],
        reply_to=[_reply_to(message, told)],
        headers={"Message-ID": message_id(message), "Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"},
    )
    mail.attach_alternative(_html(blocks, told.values, subject, told.reader.language), "text/html")
    for part in told.parts:
        mail.attach(part)
    return mail


def content(message: Message) -> Content:
    """Of a mail about an appointment."""
    attendance, reader, wording = message.booking, reader_of(message), knowledge.wording(message)
    known = knowledge.before(message) if message.kind == Message.Kind.RESCHEDULED else None
    values = values_for(
        attendance,
        audience=message.audience,
        language=reader.language,
        timezone=reader.timezone,
        previous=(known.start, known.end) if known else None,
    )
    part = invitation(
        attendance,
        audience=message.audience,
        name=reader.name,
        address=message.recipient,
        timezone=reader.timezone,
        gone=wording == "handed_over",
    )
    left = parting(message, name=reader.name, timezone=reader.timezone)
    return Content(
        reader=reader,
        folder=message.audience,
        wording=wording,
        values=values,
        customer=attendance.customer,
        employee=attendance.appointment.employees.first(),
        parts=[one for one in (part, left) if one],
    )


def reader_of(message: Message) -> Reader:
    attendance = message.booking
    if message.audience == Message.Audience.CUSTOMER:
        return Reader(attendance.customer.full_name, attendance.language, known_zone(attendance.timezone))
    employee = knowledge.employee_of(message) or attendance.appointment.employees.select_related("calendar").first()
    if employee is None:
        return Reader("", settings.LANGUAGE_CODE, settings.TIME_ZONE)
    return Reader(employee.full_name, employee.language, known_zone(employee.calendar.timezone))


def message_id(message: Message) -> str:
    """The same however often it is sent, so that a mail program shows a repeated one once (RFC 5322 §3.6.4)."""
    key = f"{message.kind}:{message.about.uuid}:{message.version}:{message.recipient.lower()}"
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:32]}@{urlsplit(settings.SITE_URL).hostname or 'kalends'}>"


def _source(language: str, folder: str, wording: str) -> str:
    """Our own text with its placeholders unfilled; `include` is the only thing Django's engine does in it."""
    names = [f"email/{one}/{folder}/{wording}.txt" for one in dict.fromkeys((language, language.partition("-")[0], FALLBACK_LANGUAGE))]
    return str(select_template(names).render({}))


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
            parts.append(_table([(label, fill(value, values, text)) for label, value in block.lines]))
        elif block.kind == "buttons":
            parts += [f"{label}:\n{fill(value, values, text)}" for label, value in block.lines]
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
        lines = [(html(label), fill(value, values, html, around=html)) for label, value in block.lines]
        if block.kind == "rows":
            lines = [(label, value) for label, value in lines if value.strip()]
        # Both our words and the values have just been escaped.
        filled.append({"kind": block.kind, "lines": [(mark_safe(label), mark_safe(value)) for label, value in lines]})
    return render_to_string("email/frame.html", {"language": language, "subject": subject, "company": settings.COMPANY, "blocks": filled})
