"""PURE: an iCalendar event (RFC 5545 §3.6.1) as a plain value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType

PRODUCT = "-//Kalends//Kalends//EN"
METHODS = frozenset({"REQUEST", "CANCEL", "PUBLISH", "REPLY"})
ROLES = {"required": "REQ-PARTICIPANT", "optional": "OPT-PARTICIPANT", "chair": "CHAIR", "resource": "NON-PARTICIPANT"}
STATES = frozenset({"confirmed", "tentative", "cancelled"})
# What a field of an Entry is called on the wire; rewriting it replaces these properties.
PROPERTIES: dict[str, tuple[str, ...]] = {
    "sequence": ("SEQUENCE",),
    "summary": ("SUMMARY",),
    "description": ("DESCRIPTION", "X-ALT-DESC"),  # the HTML twin of the old text would win in Outlook
    "location": ("LOCATION",),
    "start": ("DTSTART", "DTEND", "DURATION"),
    "end": ("DTSTART", "DTEND", "DURATION"),
    "status": ("STATUS",),
    "transparent": ("TRANSP",),
    "private": ("CLASS",),
    "recurrence": ("RRULE", "RDATE", "EXDATE", "EXRULE"),
    "url": ("URL",),
    "attendees": ("ATTENDEE", "ORGANIZER"),
    "extra": (),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """A component that could not be read: why, and instants that surely contain it (None: unknown)."""

    uid: str
    reason: str
    closed: tuple[datetime, datetime] | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One VEVENT. `start`, `end`: aware datetimes, or dates (end exclusive). `timezone`: the IANA name its times are written in ("" after
    reading: a zone of the text's own). `attendees`: (name, e-mail, role, response) with role required, optional, chair or resource and
    response needs-action, accepted, declined, tentative or delegated. `recurrence`: lines such as "RRULE:FREQ=DAILY".
    `extra`: X- properties, upper-case name to text. `schedule_agent_client`: servers must not mail the attendees (RFC 6638 §7.1)."""

    start: datetime | date
    end: datetime | date
    uid: str = ""
    sequence: int = 0
    summary: str = ""
    description: str = ""
    location: str = ""
    timezone: str = "UTC"
    status: str = "confirmed"
    transparent: bool = False
    private: bool = False
    organizer: tuple[str, str] | None = None
    attendees: tuple[tuple[str, str, str, str], ...] = ()
    recurrence: tuple[str, ...] = ()
    recurrence_id: datetime | date | None = None
    alarm_minutes: int | None = None
    extra: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    schedule_agent_client: bool = False
    url: str = ""
