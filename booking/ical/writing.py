"""PURE: writes iCalendar."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from booking.ical.contentline import escape, fold, quote, stamp
from booking.ical.entry import METHODS, PRODUCT, ROLES, STATES, Entry
from booking.ical.vtimezone import vtimezone

_ADDRESS = re.compile(r"[^\s<>\"(),;:\\@\x00-\x1f\x7f]+@[^\s<>\"(),;:\\@\x00-\x1f\x7f]+")
_WEB = re.compile(r"https?://[!-~]+", re.IGNORECASE)
_RECURRENCE = re.compile(r"(RRULE|RDATE|EXDATE|EXRULE)(;[A-Z0-9-]+=[A-Za-z0-9/_+-]+)*:[A-Za-z0-9=;,:+/-]+")
_EXTRA = re.compile(r"X-[A-Z0-9-]+")


def write(entries: Iterable[Entry], *, method: str | None = None, now: datetime | None = None) -> bytes:
    """A VCALENDAR with these entries and the zones they use. Raises ValueError for what must not be written: a broken address, URL or rule."""
    entries = list(entries)
    if method is not None and method not in METHODS:
        raise ValueError(f"unknown method: {method}")
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:{PRODUCT}", "CALSCALE:GREGORIAN"]
    lines += [f"METHOD:{method}"] if method else []
    years: dict[str, int] = {}
    for entry in entries:
        if isinstance(entry.start, datetime) and entry.timezone not in ("", "UTC"):
            years[entry.timezone] = min(entry.start.year - 1, years.get(entry.timezone, 9999))
    for name in sorted(years):
        lines += vtimezone(name, years[name])
    for entry in entries:
        if not entry.uid:
            raise ValueError("an entry needs a uid")
        lines += ["BEGIN:VEVENT", f"UID:{escape(entry.uid)}", f"DTSTAMP:{stamp(now or datetime.now(UTC))}"]
        lines += [line for _, line in properties(entry)]
        if entry.alarm_minutes is not None:
            lines += ["BEGIN:VALARM", "ACTION:DISPLAY", f"DESCRIPTION:{escape(entry.summary) or '-'}"]
            lines += [f"TRIGGER:-PT{max(0, int(entry.alarm_minutes))}M", "END:VALARM"]
        lines.append("END:VEVENT")
    return b"".join(fold(line) for line in [*lines, "END:VCALENDAR"])


def properties(entry: Entry) -> Iterator[tuple[str, str]]:
    """(name, content line) of all that an entry says, UID, stamps and alarm apart."""
    if entry.recurrence_id is not None:
        yield "RECURRENCE-ID", _moment("RECURRENCE-ID", entry.recurrence_id, entry.timezone)
    yield "SEQUENCE", f"SEQUENCE:{int(entry.sequence)}"
    yield "DTSTART", _moment("DTSTART", entry.start, entry.timezone)
    yield "DTEND", _moment("DTEND", entry.end, entry.timezone)
    for line in entry.recurrence:
        if not _RECURRENCE.fullmatch(line):
            raise ValueError("not a recurrence line of RFC 5545")
        yield line.partition(":")[0].partition(";")[0], line
    yield "SUMMARY", f"SUMMARY:{escape(entry.summary)}"
    for name, text in (("DESCRIPTION", entry.description), ("LOCATION", entry.location)):
        if text:
            yield name, f"{name}:{escape(text)}"
    if entry.status not in STATES:
        raise ValueError(f"unknown status: {entry.status}")
    yield "STATUS", f"STATUS:{entry.status.upper()}"
    yield "TRANSP", f"TRANSP:{'TRANSPARENT' if entry.transparent else 'OPAQUE'}"
    if entry.private:
        yield "CLASS", "CLASS:PRIVATE"
    if entry.url:
        if not _WEB.fullmatch(entry.url):
            raise ValueError("a URL must be http(s) without blanks")
        yield "URL", f"URL:{entry.url}"
    if entry.organizer:
        yield "ORGANIZER", f"ORGANIZER;CN={quote(entry.organizer[0] or entry.organizer[1])}:{_mailto(entry.organizer[1])}"
    for name, address, role, response in entry.attendees:
        kind = ";CUTYPE=RESOURCE" if role == "resource" else ""
        agent = ";SCHEDULE-AGENT=CLIENT" if entry.schedule_agent_client else ""
        state = re.sub("[^A-Z-]", "", response.upper()) or "NEEDS-ACTION"
        yield "ATTENDEE", f"ATTENDEE;CN={quote(name or address)}{kind};ROLE={ROLES[role]};PARTSTAT={state}{agent}:{_mailto(address)}"
    for name, text in entry.extra.items():
        if not _EXTRA.fullmatch(name):
            raise ValueError(f"not a name of an own property: {name}")
        if text:
            yield name, f"{name}:{escape(text)}"


def _moment(name: str, value: datetime | date, timezone: str) -> str:
    if not isinstance(value, datetime):
        return f"{name};VALUE=DATE:{value:%Y%m%d}"
    if timezone in ("", "UTC"):
        return f"{name}:{stamp(value)}"
    local = value.astimezone(ZoneInfo(timezone))
    # RFC 5545 §3.3.5: a wall time that occurs twice means its first occurrence, so the second can only be told in UTC.
    return f"{name}:{stamp(value)}" if local.fold else f"{name};TZID={timezone}:{local:%Y%m%dT%H%M%S}"


def _mailto(address: str) -> str:
    if not _ADDRESS.fullmatch(address):
        raise ValueError("not an e-mail address")
    return f"mailto:{address}"
