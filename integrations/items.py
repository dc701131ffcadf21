"""PURE: the small frozen things that cross the border between the engine and a provider."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime
from typing import Any, Literal

ShowAs = Literal["free", "tentative", "busy", "away", "elsewhere"]
Status = Literal["confirmed", "tentative", "cancelled"]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who takes part. `role`: required, optional, chair, resource. `response`: needs-action, accepted, declined, tentative."""

    email: str = ""
    name: str = ""
    role: str = "required"
    response: str = "needs-action"


@dataclass(frozen=True, slots=True)
class Event:
    """A calendar entry as every provider understands it.

    `key` is our marker ("" on a foreign event). `start` and `end` are aware datetimes, or plain dates when
    `all_day` (end exclusive, RFC 5545 §3.6.1). `timezone` is an IANA name. `reminder` is in minutes before the start, None
    for none. `recurrence` holds RFC 5545 lines ("RRULE:…", "EXDATE…:…"); `recurrence_id` is the original start of an exception.
    """

    start: datetime | date
    end: datetime | date
    key: str = ""
    uid: str = ""
    title: str = ""
    description: str = ""
    location: str = ""
    all_day: bool = False
    timezone: str = "UTC"
    show_as: ShowAs = "busy"
    private: bool = False
    attendees: tuple[Person, ...] = ()
    organizer: Person | None = None
    reminder: int | None = None
    recurrence: tuple[str, ...] = ()
    recurrence_id: datetime | date | None = None
    status: Status = "confirmed"

    def __post_init__(self) -> None:
        if self.all_day == isinstance(self.start, datetime) or isinstance(self.start, datetime) != isinstance(self.end, datetime):
            raise ValueError("all-day events have dates, all others datetimes")
        if isinstance(self.start, datetime) and (self.start.tzinfo is None or self.end.tzinfo is None):  # type: ignore[union-attr]
            raise ValueError("start and end must be aware")


# What travels together: the parts of a time can't be merged one by one without inventing a time nobody chose.
GROUPS: dict[str, tuple[str, ...]] = {
    "title": ("title",),
    "description": ("description",),
    "location": ("location",),
    "when": ("start", "end", "all_day"),
    "show_as": ("show_as",),
    "private": ("private",),
    "attendees": ("attendees",),
}
OWNED: tuple[str, ...] = tuple(GROUPS)


def plain(value: Any) -> Any:
    """A value as JSON can hold it and as it is compared: text normalised (NFC, one kind of line end, no outer blanks), instants in UTC to the second."""
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value.replace("\r\n", "\n").replace("\r", "\n")).strip()
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Person):
        return [value.email.strip().lower(), plain(value.name)]
    if isinstance(value, tuple | list):
        return sorted((plain(part) for part in value), key=json.dumps)
    return value


def snapshot(item: Event, groups: Iterable[str] = OWNED) -> dict[str, Any]:
    """The owned groups of an item as plain JSON, e.g. {"title": "Cut", "when": {"start": "…Z", "end": "…Z", "all_day": false}}."""
    found: dict[str, Any] = {}
    for group in groups:
        names = GROUPS[group]
        if len(names) == 1:
            found[group] = plain(getattr(item, names[0]))
        else:
            found[group] = {name: plain(getattr(item, name)) for name in names}
    return found


def fingerprint(item: Event, groups: Iterable[str] = OWNED) -> str:
    """Equal for two items exactly when their owned groups say the same; 32 hex digits."""
    text = json.dumps(snapshot(item, groups), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def with_snapshot(item: Event, values: dict[str, Any]) -> Event:
    """The item with groups from a snapshot put over its own."""
    changes: dict[str, Any] = {}
    for group, value in values.items():
        if group == "when":
            read = date.fromisoformat if value["all_day"] else datetime.fromisoformat
            changes |= {"start": read(value["start"]), "end": read(value["end"]), "all_day": value["all_day"]}
        elif group == "attendees":
            changes["attendees"] = tuple(Person(email=email, name=name) for email, name in value)
        else:
            changes[GROUPS[group][0]] = value
    return replace(item, **changes)


FIELD_NAMES: tuple[str, ...] = tuple(field.name for field in fields(Event))
