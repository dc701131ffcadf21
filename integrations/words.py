"""Synced values in words: what a field is called, and its value as a person reads it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.words import repetition

FIELDS = {
    "title": gettext_lazy("Title"),
    "description": gettext_lazy("Description"),
    "location": gettext_lazy("Place"),
    "when": gettext_lazy("Time"),
    "show_as": gettext_lazy("Shown as"),
    "private": gettext_lazy("Private"),
    "attendees": gettext_lazy("Attendees"),
    "event": gettext_lazy("Event"),
    "recurrence": gettext_lazy("Repetition"),
}
SHOWN_AS = {
    "free": gettext_lazy("free"),
    "tentative": gettext_lazy("tentative"),
    "busy": gettext_lazy("busy"),
    "away": gettext_lazy("away"),
    "elsewhere": gettext_lazy("working elsewhere"),
}
ANSWERS = {
    "accepted": gettext_lazy("has accepted"),
    "tentative": gettext_lazy("may come"),
    "declined": gettext_lazy("has declined"),
    "removed": gettext_lazy("was taken off in the calendar"),
    "needs-action": gettext_lazy("has not answered"),
}
TEXTS = {"title", "description", "location", "attendees", "event"}


def field_name(field: str) -> str:
    return str(FIELDS.get(field, field))


def in_words(field: str, value: Any, zone: ZoneInfo) -> str:
    """A value of items.snapshot (or an item's own times) as one line; empty for nothing. Outside text: the template escapes it."""
    if value is None or value == "":
        return ""
    if field == "when" and isinstance(value, dict) and "start" in value:
        return span(value["start"], value["end"], zone)
    if field == "attendees" and isinstance(value, list):
        return ", ".join(name or email for email, name in value)
    if field == "recurrence" and isinstance(value, dict):
        return repetition(value["rules"], value["exceptions"])
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return str(SHOWN_AS.get(value, value)) if field == "show_as" else str(value)


def span(start: str, end: str, zone: ZoneInfo) -> str:
    """Start and end as ISO texts, aware instants or (all day, end exclusive) plain dates; the second day is named only when it is another."""
    if len(start) == 10:
        first, last = date.fromisoformat(start), date.fromisoformat(end) - timedelta(days=1)
        days = [date_format(first, "SHORT_DATE_FORMAT")] + ([date_format(last, "SHORT_DATE_FORMAT")] if last > first else [])
        return _("%(days)s, all day") % {"days": " – ".join(days)}
    begin, until = datetime.fromisoformat(start).astimezone(zone), datetime.fromisoformat(end).astimezone(zone)
    ending = date_format(until, "TIME_FORMAT" if until.date() == begin.date() else "SHORT_DATETIME_FORMAT")
    return f"{date_format(begin, 'SHORT_DATETIME_FORMAT')} – {ending}"
