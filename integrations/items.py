"""PURE: the small frozen things that cross the border between the engine and a provider."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

ShowAs = Literal["free", "tentative", "busy", "away", "elsewhere"]
Status = Literal["confirmed", "tentative", "cancelled"]
TAKES_NO_TIME: frozenset[ShowAs] = frozenset({"free", "elsewhere"})  # elsewhere says where somebody works, not that they are busy

# What some database or some XML can't keep: NUL and other controls, halves of characters, two that are none.
_UNKEPT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who takes part. `role`: required, optional, chair, resource. `response`: needs-action, accepted, declined, tentative."""

    email: str = ""
    name: str = ""
    role: str = "required"
    response: str = "needs-action"

    def __post_init__(self) -> None:
        _leave_out_unkept(self, "email", "name")


@dataclass(frozen=True, slots=True)
class Event:
    """A calendar entry, or a whole series, as every provider understands it.

    `key` is our marker ("" on a foreign event). `start` and `end` are aware datetimes, or plain dates when
    `all_day` (end exclusive, RFC 5545 §3.6.1). `timezone` is an IANA name. `reminder` is in minutes before the start, None
    for none. `recurrence` holds RFC 5545 lines ("RRULE:…", "EXDATE…:…"); `recurrence_id` is the original start of an exception. `exceptions`
    are the instances that differ from a series, in what is written; what was read has them beside it (contract.Change).
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
    exceptions: tuple[Event, ...] = ()

    def __post_init__(self) -> None:
        _leave_out_unkept(self, "title", "description", "location")
        if self.all_day == isinstance(self.start, datetime) or isinstance(self.start, datetime) != isinstance(self.end, datetime):
            raise ValueError("all-day events have dates, all others datetimes")
        if isinstance(self.start, datetime) and (self.start.tzinfo is None or self.end.tzinfo is None):  # type: ignore[union-attr]
            raise ValueError("start and end must be aware")


def _leave_out_unkept(one: Person | Event, *names: str) -> None:
    for name in names:
        if _UNKEPT.search(text := getattr(one, name)):
            object.__setattr__(one, name, _UNKEPT.sub("", text))


# What travels together: the parts of a time can't be merged one by one without inventing a time nobody chose.
GROUPS: dict[str, tuple[str, ...]] = {
    "title": ("title",),
    "description": ("description",),
    "location": ("location",),
    "when": ("start", "end", "all_day"),
    "show_as": ("show_as",),
    "private": ("private",),
    "attendees": ("attendees",),
    "recurrence": ("recurrence", "exceptions", "timezone"),
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
        if group == "recurrence":
            found[group] = _series(item)
        elif len(names) == 1:
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
        elif group == "recurrence":
            continue  # needs all the rest
        else:
            changes[GROUPS[group][0]] = value
    whole = replace(item, **changes)
    return _with_series(whole, values["recurrence"]) if "recurrence" in values else whole


# What an instance may say otherwise than its series.
OWN = ("title", "description", "location", "show_as", "private")


def _series(item: Event) -> dict[str, Any] | None:
    """How an event repeats, however it is written down: {"zone", "rules": sorted lines, "exceptions": {original start: None where it does not take
    place, else {"start", "end", and what of OWN differs from the series}}}. None for what doesn't repeat."""
    if not item.recurrence or item.recurrence_id is not None:
        return None
    exceptions: dict[str, Any] = {}
    for line in item.recurrence:
        if line.upper().startswith("EXDATE"):
            exceptions |= dict.fromkeys(_dates(line, item.timezone))
    for one in item.exceptions:
        original, found = plain(one.recurrence_id), {"start": plain(one.start), "end": plain(one.end)}
        differing = {name: plain(getattr(one, name)) for name in OWN if plain(getattr(one, name)) != plain(getattr(item, name))}
        if one.status == "cancelled":
            exceptions[original] = None
        elif differing or found["start"] != original or _length(one) != _length(item):
            exceptions[original] = found | differing
        else:
            exceptions.pop(original, None)
    rules = sorted(_rule(line) for line in item.recurrence if not line.upper().startswith("EXDATE"))
    return {"zone": "" if item.all_day else item.timezone, "rules": rules, "exceptions": dict(sorted(exceptions.items()))}


def _length(item: Event) -> timedelta:
    """Of two times in one zone Python subtracts what the clock shows, whatever was changed between them."""
    begin, end = (one.astimezone(UTC) if isinstance(one, datetime) else one for one in (item.start, item.end))
    return end - begin


def _with_series(item: Event, value: dict[str, Any] | None) -> Event:
    """The inverse of _series: dates that don't take place as EXDATE, all others as exceptions."""
    if value is None:
        return replace(item, recurrence=(), exceptions=())
    read = date.fromisoformat if item.all_day else datetime.fromisoformat
    left_out = [read(original) for original, said in value["exceptions"].items() if said is None]
    lines = [f"EXDATE:{one:%Y%m%dT%H%M%SZ}" if isinstance(one, datetime) else f"EXDATE;VALUE=DATE:{one:%Y%m%d}" for one in left_out]
    master = replace(item, timezone=value["zone"] or item.timezone, recurrence=(*value["rules"], *lines), exceptions=())
    changed = tuple(_instance(master, original, said) for original, said in value["exceptions"].items() if said is not None)
    return replace(master, exceptions=changed)


def _instance(master: Event, original: str, said: dict[str, Any]) -> Event:
    changes: dict[str, Any] = {name: said[name] for name in OWN if name in said} | {"recurrence_id": _moment(original), "recurrence": ()}
    changes |= {"start": _moment(said["start"]), "end": _moment(said["end"]), "all_day": len(said["start"]) == 10}
    return replace(master, **changes)


def _moment(text: str) -> datetime | date:
    return date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text)


def _dates(line: str, zone: str) -> list[str]:
    """The values of an EXDATE as `plain` says them. A name of a zone that is not known is the series' own (RFC 5545 §3.8.5.1 wants it to be)."""
    head, _, values = line.partition(":")
    named = next((part[5:].strip('"') for part in head.split(";") if part.upper().startswith("TZID=")), zone)
    try:
        home = ZoneInfo(named)
    except (ZoneInfoNotFoundError, ValueError):
        home = ZoneInfo(zone)
    found = []
    for text in values.upper().split(","):
        moment = datetime.strptime(text.strip().removesuffix("Z"), "%Y%m%dT%H%M%S" if "T" in text else "%Y%m%d")  # noqa: DTZ007 - put in its zone below
        at_home = moment.replace(tzinfo=UTC if text.strip().endswith("Z") else home)
        found.append(plain(at_home) if "T" in text else moment.date().isoformat())
    return found


def _rule(line: str) -> str:
    """Parts in one order and without what goes without saying: servers and clients write them as they like."""
    name, _, value = line.strip().partition(":")
    if name.upper() != "RRULE":
        return f"{name.upper()}:{value}"
    parts = [part for part in value.upper().strip(";").split(";") if part not in ("INTERVAL=1", "WKST=MO")]
    return "RRULE:" + ";".join(sorted(parts, key=lambda part: (not part.startswith("FREQ="), part)))


FIELD_NAMES: tuple[str, ...] = tuple(field.name for field in fields(Event))
