"""What may stand between % signs in mails and calendar texts: the list, the values, and the one function that fills them in."""

from __future__ import annotations

from booking.notifications.placeholders.escaping import header, html, text
from booking.notifications.placeholders.event_values import values_for_event
from booking.notifications.placeholders.filling import Value, fill, unknown
from booking.notifications.placeholders.known import PLACEHOLDERS, Placeholder, Where, allowed_in
from booking.notifications.placeholders.values import samples, values_for, values_for_calendar

__all__ = [
    "PLACEHOLDERS",
    "Placeholder",
    "Value",
    "Where",
    "allowed_in",
    "fill",
    "header",
    "html",
    "samples",
    "text",
    "unknown",
    "values_for",
    "values_for_calendar",
    "values_for_event",
]
