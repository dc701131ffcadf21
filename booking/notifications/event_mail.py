"""What a mail about a registration consists of."""

from __future__ import annotations

from datetime import datetime
from email.mime.text import MIMEText

from booking.entries import of_period
from booking.models import Event, EventPeriod, Message, Registration
from booking.models.message import EMAIL
from booking.notifications import registrations as knowledge
from booking.notifications.content import Content, Reader, attached, organizer_of
from booking.notifications.elsewhere import is_entered
from booking.notifications.placeholders.event_values import values_for_registration
from booking.notifications.placeholders.values import known_zone

# Where the texts are: templates/email/<language>/<folder>/<kind>.txt
FOLDERS = {Message.Audience.CUSTOMER: "registrant", Message.Audience.EMPLOYEE: "organizer"}


def content(message: Message) -> Content:
    registration = message.registration
    assert registration is not None
    event, organizer = registration.event, registration.event.organizer
    if message.audience == Message.Audience.CUSTOMER:
        reader = Reader(registration.customer.full_name, registration.language, known_zone(event.timezone))
    else:
        reader = Reader(organizer.full_name, organizer.language, known_zone(organizer.calendar.timezone))
    before = knowledge.before(message)
    periods = list(event.periods.all())
    taken = Event.objects.with_taken().get(pk=event.pk).taken
    values = values_for_registration(
        registration,
        audience=message.audience,
        language=reader.language,
        people=event.helpers,
        taken=taken,
        spans=[(one.start, one.end) for one in event.live_periods],
        previous=_spans(before) if before and message.kind == Message.Kind.EVENT_CHANGED else [],
    )
    return Content(
        reader=reader,
        folder=FOLDERS[Message.Audience(message.audience)],
        wording=str(message.kind),
        values=values,
        customer=registration.customer,
        employee=organizer,
        parts=_invitations(registration, reader, message, periods, before) if (message.channel, message.audience) == (EMAIL, Message.Audience.CUSTOMER) else [],
    )


def _spans(told: knowledge.Told) -> list[tuple[datetime, datetime]]:
    return [(datetime.fromisoformat(start), datetime.fromisoformat(end)) for _pk, start, end in told.periods]


def _invitations(registration: Registration, reader: Reader, message: Message, periods: list[EventPeriod], before: knowledge.Told | None) -> list[MIMEText]:
    """One for each period, because all components of a scheduling message share one UID (RFC 5546 §3.2): a request for those that take
    place, a cancellation for those the recipient has heard of and that don't any more. None where a calendar
    invites the recipient itself. Organisers have it in their own calendar."""
    event = registration.event
    coming = registration.is_live and event.is_live
    heard = {pk for pk, _start, _end in before.periods} if before else set()
    found: list[MIMEText] = []
    for period in periods:
        takes_place = coming and not period.is_cancelled
        if (not takes_place and period.is_cancelled and period.pk not in heard) or is_entered(period):
            continue
        entry = of_period(
            period,
            title=event.name,
            timezone=event.timezone,
            status="confirmed" if takes_place else "cancelled",
            organizer=organizer_of(),
            attendees=((reader.name, message.recipient, "required", "accepted"),),
        )
        part = attached(entry, "REQUEST" if takes_place else "CANCEL", name=f"invite-{len(found) + 1}.ics" if len(periods) > 1 else "invite.ics")
        if part is not None:
            found.append(part)
    return found
