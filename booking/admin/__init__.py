"""The back office. Rows that have rules are written by actions, or only shown."""

from __future__ import annotations

from booking.admin import appointment, attendance, calendar, catalog, employee, event, mail_text, message, people, reminder, waiting

__all__ = ["appointment", "attendance", "calendar", "catalog", "employee", "event", "mail_text", "message", "people", "reminder", "waiting"]
