"""A text as its mail would look, with made-up values or those of a real booking; and a mail on trial. No working link is in either."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from functools import cache

from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from booking.models import Attendance, Message, Registration
from booking.notifications import event_mail, texts
from booking.notifications.content import organizer_address
from booking.notifications.placeholders import Value, fill, samples, values_for
from booking.notifications.rendering import Filled, compose
from booking.notifications.texts import Place

About = Attendance | Registration
# They take a guest's or employee's place and would work for whoever reads the preview: what stands there is made up.
OPEN_LINKS = ("booking_page_url", "event_url")


def preview(place: Place, source: str, about: About | None = None) -> Filled:
    """Raises ValueError for a text without a subject."""
    if place.text.is_list:
        return compose(f"{place.text.label}\n\n{fill(source, samples('guest', place.language))}", {}, place.language)
    return compose(source, _values(place, about), place.language)


def send_on_trial(place: Place, source: str, address: str, about: About | None = None) -> None:
    """Goes out at once. Raises what the mail server's refusal raises (OSError)."""
    made = preview(place, source, about)
    mail = EmailMultiAlternatives(
        subject=f"[Test] {made.subject}",
        body=made.plain,
        to=[address],
        reply_to=[organizer_address()],
        headers={"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"},
    )
    mail.attach_alternative(made.html, "text/html")
    mail.send()


@cache
def style_hash() -> str:
    """By which the admin's page allows the style of the mail that it shows, and no other (CSP level 3)."""
    digest = hashlib.sha256(render_to_string("email/frame.css").encode()).digest()
    return f"'sha256-{b64encode(digest).decode()}'"


def _values(place: Place, about: About | None) -> dict[str, Value]:
    made_up = samples(place.text.where, place.language)
    if about is None:
        return made_up
    if isinstance(about, Registration):
        audience = Message.Audience.CUSTOMER if place.text.audience == texts.Audience.REGISTRANT else Message.Audience.EMPLOYEE
        message = Message(kind=place.text.kind, audience=audience, registration=about, recipient=about.customer.email)
        values = dict(event_mail.content(message).values)
    else:
        employee = about.appointment.employees.select_related("calendar").first()
        zone = employee.calendar.timezone if employee and place.text.audience == texts.Audience.EMPLOYEE else about.timezone
        values = values_for(about, audience=str(place.text.audience), language=place.language, timezone=zone, employee=employee)
    hidden = {name for name in values if "_previous_" in name or (name.endswith("_url") and name not in OPEN_LINKS)}
    return values | {name: value for name, value in made_up.items() if name in hidden}
