"""The values of the placeholders for one entry of the waiting list."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.urls import reverse

from booking import links
from booking.models import WaitingEntry
from booking.notifications.placeholders.escaping import unlinked
from booking.notifications.placeholders.event_values import DAY, Span, times
from booking.notifications.placeholders.filling import Value
from booking.notifications.placeholders.moments import Moment
from booking.notifications.placeholders.values import around, duration, known_zone, only, price

SHOWN = 5


def values_for_waiting(entry: WaitingEntry, *, free: Sequence[Span]) -> dict[str, Value]:
    """For a mail to whoever waits; `free` are the times that are free now, of which the first few are told."""
    service, zone, site = entry.service, ZoneInfo(known_zone(entry.timezone)), settings.SITE_URL.rstrip("/")
    places = list(service.locations.all())
    values = around([entry.customer], [entry.employee] if entry.employee else [], places[0] if len(places) == 1 else None)
    values |= {name: unlinked(str(values[name])) for name in ("customer_full_name", "customer_first_name", "customer_last_name")}
    days = [_day(day, zone, entry.language) for day in dict.fromkeys((entry.first_day, entry.last_day))]
    values |= {
        "category_name": service.category.name if service.category else "",
        "service_name": service.name,
        "service_description": service.description,
        "service_duration": duration(timedelta(minutes=service.duration)),
        "service_price": price(service.price, entry.language),
        "reservation_name": service.name,
        "number_of_persons": str(entry.persons),
        "booking_persons": str(entry.persons) if service.is_group else "",
        "booking_page_url": f"{site}/",
        "time_zone": zone.key,
        "waiting_days": " – ".join(days),
        "waiting_times": times(free[:SHOWN], zone, entry.language),
        "waiting_url": links.waiting_url(entry),
        "waiting_withdraw_url": site + reverse("booking:waiting_withdraw", args=[links.waiting_token(entry)]),
    }
    return only(values, "waiting")


def _day(day: date, zone: ZoneInfo, language: str) -> str:
    return Moment(datetime.combine(day, time(12), zone), language, "date").show(DAY.get(language.partition("-")[0], "y-MM-dd"))
