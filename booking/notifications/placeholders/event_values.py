"""The values of the placeholders for one registration, and for an event in a calendar."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.urls import reverse
from django.utils.translation import override

from booking import links
from booking.models import Employee, Event, EventPeriod, Message, Registration
from booking.notifications.placeholders.escaping import unlinked
from booking.notifications.placeholders.filling import Value
from booking.notifications.placeholders.moments import Moment
from booking.notifications.placeholders.values import around, listed, of_guest, only

DAY = {"de": "EEEE, d. MMMM y", "en": "EEEE, MMMM d, y"}
CLOCK = {"de": " Uhr"}

Span = tuple[datetime, datetime]


def values_for_registration(
    registration: Registration, *, audience: str, language: str, people: list[Employee], taken: int, spans: list[Span], previous: Iterable[Span]
) -> dict[str, Value]:
    """For a mail about one registration. `people`: organiser first, then staff; `spans` are the times at which the event takes place,
    `previous` those it had before; `taken` the places that are. All times are told in the event's own zone."""
    event, customer = registration.event, registration.customer
    site = settings.SITE_URL.rstrip("/")
    values = around([customer], people, event.location)
    with override(language):
        values["registration_status"] = str(registration.get_status_display())
    values["group_event_details"] = ""
    if audience != Message.Audience.CUSTOMER:
        coming = event.registrations.filter(status=Registration.Status.REGISTERED).select_related("customer").order_by("pk")
        values["group_event_details"] = listed("organizer", "group_event_details", language, coming)
    values |= {
        **of_guest(customer, values),
        **_of_event(event, spans, taken, language),
        "reservation_name": event.name,
        "reservation_description": event.description,
        "event_previous_times": times(previous, event.zone, language),
        "number_of_places": str(registration.places),
        "booking_notes": unlinked(registration.notes),
        "booking_page_url": f"{site}/",
    }
    if audience == Message.Audience.CUSTOMER:
        token = links.registration_token(registration)
        values["registration_manage_url"] = links.registration_url(registration)
        values["registration_cancel_url"] = values["event_cancel_url"] = site + reverse("booking:registration_cancel", args=[token])
        values["customer_panel_url"] = links.panel_url(customer)
        return only(values, "registrant")
    values["employee_panel_url"] = site + reverse("booking:profile")
    return only(values, "organizer")


def values_for_event(period: EventPeriod, language: str) -> dict[str, Value]:
    """For title and description of one period in the calendars of those who give the event."""
    event = period.event
    spans = [(one.start, one.end) for one in event.live_periods]
    taken = Event.objects.with_taken().get(pk=event.pk).taken
    values = around([], event.helpers, event.location) | _of_event(event, spans, taken, language)
    return only(values | _span((period.start, period.end), event, language), "event")


def _of_event(event: Event, spans: list[Span], taken: int, language: str) -> dict[str, Value]:
    location, days = event.location, [Moment(start.astimezone(event.zone), language, "date").show() for start, _end in spans]
    return {
        **_span((spans[0][0], spans[-1][1]) if spans else None, event, language),
        **dict.fromkeys(("event_times", "event_periods", "event_period_date_time"), times(spans, event.zone, language)),
        "event_period_date": "\n".join(dict.fromkeys(days)),
        "event_id": str(event.pk),
        "event_name": event.name,
        "event_description": event.description,
        "event_location": ", ".join(part for part in (location.name, location.address) if part) if location else "",
        "event_url": settings.SITE_URL.rstrip("/") + reverse("booking:event", args=[event.slug]),
        "event_places": str(event.capacity),
        "event_places_taken": str(taken),
        "time_zone": event.timezone,
    }


def _span(span: Span | None, event: Event, language: str) -> dict[str, Value]:
    """When it begins and ends; None: it doesn't take place."""
    values: dict[str, Value] = {"event_date": ""}
    for index, name in enumerate(("start", "end")):
        for kind in ("date", "time", "date_time"):
            values[f"event_{name}_{kind}"] = Moment(span[index].astimezone(event.zone), language, kind) if span else ""
    return values | {"event_date": values["event_start_date"]}


def times(spans: Iterable[Span], zone: ZoneInfo, language: str) -> str:
    """One line for each; the day is named again where it ends on another."""
    short = language.partition("-")[0]
    day, clock = DAY.get(short, "y-MM-dd"), CLOCK.get(short, "")
    lines = []
    for start, end in (tuple(at.astimezone(zone) for at in span) for span in spans):
        begin = f"{Moment(start, language, 'date').show(day)}, {Moment(start, language, 'time').show()}"
        until = Moment(end, language, "time").show()
        lines.append(f"{begin}–{until}{clock}" if start.date() == end.date() else f"{begin}{clock} – {Moment(end, language, 'date').show(day)}, {until}{clock}")
    return "\n".join(lines)
