"""Our events as Graph's, and back. Nothing is asked here."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext_noop as _

from booking.ical import IcalError
from integrations.contract import Change, Receipt
from integrations.items import GROUPS, TAKES_NO_TIME, Event, Person, ShowAs
from integrations.outlook import series, text
from integrations.outlook.zone_names import windows
from integrations.wire import zones

# Extended properties in a name space of our own: nobody else writes there, and Outlook shows them nowhere.
_SPACE = "String {5c7f2a51-3a0e-4b5e-9a53-6c1d3f0c9b7e} Name "
KEY, GUESTS, ZONE = (f"{_SPACE}{name}" for name in ("KalendsKey", "KalendsGuests", "KalendsZone"))
OURS = "singleValueExtendedProperties($filter=" + " or ".join(f"id eq '{one}'" for one in (KEY, GUESTS, ZONE)) + ")"
MARKED = f"singleValueExtendedProperties/Any(ep: ep/id eq '{KEY}' and ep/value ne null)"
# The transaction id says whose it is as well: a delta can't be asked for extended properties.
TRANSACTION = "kalends:"
# Exceptions come with what was selected of the master, and no more.
SERIES = [
    *("cancelledOccurrences", "exceptionOccurrences", "type", "iCalUId", "originalStart", "originalStartTimeZone", "start", "end", "isAllDay", "isCancelled"),
    *("subject", "body", "location", "showAs", "sensitivity", "responseStatus", "attendees", "organizer", "isReminderOn", "reminderMinutesBeforeStart"),
    *("isOnlineMeeting", "lastModifiedDateTime"),
]
TIMES = ["id", "start", "end", "isAllDay", "isCancelled", "showAs", "responseStatus", "originalStartTimeZone"]

SHOWN: dict[ShowAs, str] = {"free": "free", "tentative": "tentative", "busy": "busy", "away": "oof", "elsewhere": "workingElsewhere"}
ROLES = {"required": "required", "chair": "required", "optional": "optional", "resource": "resource"}
RESPONSES = {"accepted": "accepted", "declined": "declined", "tentativelyAccepted": "tentative", "organizer": "accepted"}


def marked(key: str) -> str:
    """The filter that finds our event; Graph compares the value without regard to case and in the whole mailbox, so look at what it finds."""
    value = key.replace("'", "''")
    return f"singleValueExtendedProperties/Any(ep: ep/id eq '{KEY}' and ep/value eq '{value}')"


def identified(uid: str) -> str:
    """The filter that finds an event by its UID."""
    quoted = uid.replace("'", "''")
    return f"iCalUId eq '{quoted}'"


def body(item: Event, key: str = "", groups: Collection[str] = GROUPS.keys()) -> dict[str, Any]:
    """What to send: all of it with a `key` for a new event, else these groups only. Raises ValueError for what Outlook can't hold."""
    found: dict[str, Any] = {}
    own: dict[str, str] = {}
    if "title" in groups:
        found["subject"] = item.title
    if "description" in groups:
        found["body"] = text.body(item.description)
    if "location" in groups:
        found["location"] = {"displayName": item.location}
    if "when" in groups:
        found |= _when(item)
        own[ZONE] = item.timezone
    if "show_as" in groups:
        found["showAs"] = SHOWN[item.show_as]
    if "private" in groups:
        found["sensitivity"] = "private" if item.private else "normal"
    if "attendees" in groups:
        found["attendees"] = [_guest(one) for one in item.attendees if one.email]
        found |= {"hideAttendees": True} if found["attendees"] else {}
        own[GUESTS] = " ".join(one.email.lower() for one in item.attendees)
    if key:
        own[KEY] = key
        found["isReminderOn"] = item.reminder is not None
        found |= {"reminderMinutesBeforeStart": item.reminder} if item.reminder is not None else {}
    if "recurrence" in groups and (item.recurrence or not key):
        found["recurrence"] = _recurrence(item)
    if own:
        found["singleValueExtendedProperties"] = [{"id": name, "value": value} for name, value in own.items()]
    return found


def _recurrence(item: Event) -> dict[str, Any] | None:
    zone, rules = windows(item.timezone), tuple(line for line in item.recurrence if not line.upper().startswith("EXDATE"))
    if not rules:
        return None
    if not zone or _when(item)["start"]["timeZone"] != zone:
        raise ValueError("a series in a time zone that Outlook does not know")
    return series.recurrence(rules, item.start, ZoneInfo(item.timezone), zone)


def merged(found: dict[str, Any], row: dict[str, Any], item: Event) -> dict[str, Any]:
    """What to send for an event as it stands in `row` (its body as HTML): guests that are not ours stay, and so does an online meeting."""
    if "body" in found and not (written := text.body(item.description, row)):
        del found["body"]
    elif "body" in found:
        found["body"] = written
    if "attendees" in found:
        ours, there = _own(row).get(GUESTS, "").split(), row.get("attendees") or []
        wanted = {_address(one) for one in found["attendees"]}
        kept = [one for one in there if _address(one) in wanted or _address(one) not in ours]
        new = [one for one in found["attendees"] if _address(one) not in {_address(old) for old in kept}]
        found["attendees"] = kept + new
    return found


def _when(item: Event) -> dict[str, Any]:
    """Wall times in a zone that Graph knows; as UTC where it knows none that is the same, or where the wall time comes twice."""
    name = windows(item.timezone)
    if not isinstance(item.start, datetime) or not isinstance(item.end, datetime):
        times = [datetime.combine(one, time()) for one in (item.start, item.end)]
        return _pair(times, name or "UTC") | {"isAllDay": True}
    instants = [item.start.astimezone(UTC), item.end.astimezone(UTC)]
    zone = ZoneInfo(item.timezone)
    local = [one.astimezone(zone) for one in instants]
    if not name or any(one.replace(fold=0).utcoffset() != one.replace(fold=1).utcoffset() for one in local):
        local, name = instants, "UTC"
    return _pair(local, name) | {"isAllDay": False}


def _pair(times: list[datetime], zone: str) -> dict[str, Any]:
    start, end = ({"dateTime": one.replace(tzinfo=None).isoformat(timespec="seconds"), "timeZone": zone} for one in times)
    return {"start": start, "end": end}


def _guest(one: Person) -> dict[str, Any]:
    if "@" not in one.email.strip("@") or any(character in " <>,;\r\n" for character in one.email):
        raise ValueError("not an e-mail address")
    return {"type": ROLES[one.role], "emailAddress": {"address": one.email, "name": one.name}}


def _address(attendee: dict[str, Any]) -> str:
    return str((attendee.get("emailAddress") or {}).get("address") or "").lower()


def _own(row: dict[str, Any]) -> dict[str, str]:
    """Our extended properties, as far as they were asked for. Exchange may write a GUID in capitals."""
    names = {one.lower(): one for one in (KEY, GUESTS, ZONE)}
    found = {str(one.get("id")).lower(): str(one.get("value") or "") for one in row.get("singleValueExtendedProperties") or []}
    return {name: found[lower] for lower, name in names.items() if lower in found}


def key(row: dict[str, Any]) -> str:
    """Our marker, "" on a foreign event."""
    used = str(row.get("transactionId") or "")
    return _own(row).get(KEY, "") or (used.removeprefix(TRANSACTION).partition("#")[0] if used.startswith(TRANSACTION) else "")


def transaction(key: str, attempt: int = 1) -> str:
    """The same for the same key, which can be read off it; another one for each further attempt."""
    return f"{TRANSACTION}{key}" + (f"#{attempt}" if attempt > 1 else "")


def instant(moment: dict[str, Any]) -> datetime:
    """A dateTimeTimeZone as instant in UTC. Raises ValueError, KeyError or IcalError."""
    return datetime.fromisoformat(moment["dateTime"]).replace(tzinfo=zones.resolve(moment["timeZone"])).astimezone(UTC)


def _day(moment: dict[str, Any], home: ZoneInfo) -> date:
    """The day of an all-day event: midnight as given, or where the instant was converted, midnight at home."""
    local = datetime.fromisoformat(moment["dateTime"])
    return local.date() if local.time() == time() else instant(moment).astimezone(home).date()


def _zone(row: dict[str, Any]) -> str:
    """The IANA name of the zone the event lives in: ours as long as Outlook still has what we made of it; "" for a custom one."""
    try:
        found = zones.resolve(str(row.get("originalStartTimeZone") or "UTC"))
    except IcalError:
        return ""
    name = getattr(found, "key", "UTC")
    own = _own(row).get(ZONE, "")
    return own if own and windows(name) in (_windows(own), "UTC") else name


def _windows(name: str) -> str | None:
    try:
        return windows(name)
    except (ValueError, OSError, KeyError):  # not the name of a zone
        return None


def event(row: dict[str, Any]) -> Event:
    """One event of Graph's as ours; `recurrence` without the excluded days. Raises ValueError, KeyError, TypeError or IcalError."""
    timezone = _zone(row)
    if row.get("recurrence") and not timezone:
        raise ValueError("a series in a zone that nobody knows")
    home = ZoneInfo(timezone or "UTC")
    all_day = bool(row.get("isAllDay"))
    start: datetime | date = _day(row["start"], home) if all_day else instant(row["start"]).astimezone(home)
    end: datetime | date = _day(row["end"], home) if all_day else instant(row["end"]).astimezone(home)
    if all_day and end <= start:
        end = start + timedelta(days=1)
    elif not all_day and instant(row["end"]) < instant(row["start"]):
        raise IcalError("The event ends before it starts.")
    leader = (row.get("organizer") or {}).get("emailAddress") or {}
    original = row.get("originalStart") if row.get("type") in ("exception", "occurrence") else None
    return Event(
        start=start,
        end=end,
        key=key(row),
        uid=str(row.get("iCalUId") or ""),
        title=str(row.get("subject") or ""),
        description=text.plain(row),
        location=str((row.get("location") or {}).get("displayName") or ""),
        all_day=all_day,
        timezone=timezone or "UTC",
        show_as=shown(row),
        private=str(row.get("sensitivity") or "normal") != "normal",
        attendees=tuple(_person(one) for one in row.get("attendees") or []),
        organizer=Person(leader["address"], leader.get("name") or "") if leader.get("address") else None,
        reminder=row.get("reminderMinutesBeforeStart") if row.get("isReminderOn") else None,
        recurrence=(series.rule(row["recurrence"], start, home),) if row.get("recurrence") else (),
        recurrence_id=_original(original, all_day, home) if original else None,
        status="cancelled" if row.get("isCancelled") else "confirmed",
    )


def _person(one: dict[str, Any]) -> Person:
    address, status = one.get("emailAddress") or {}, str((one.get("status") or {}).get("response"))
    return Person(str(address.get("address") or ""), str(address.get("name") or ""), str(one.get("type") or "required"), RESPONSES.get(status, "needs-action"))


def shown(row: dict[str, Any]) -> ShowAs:
    """How the time is shown; what its owner has declined takes none."""
    if (row.get("responseStatus") or {}).get("response") == "declined":
        return "free"
    return next((ours for ours, theirs in SHOWN.items() if theirs == row.get("showAs")), "busy")


def _original(value: str, all_day: bool, home: ZoneInfo) -> datetime | date:
    found = datetime.fromisoformat(value).astimezone(UTC)
    if all_day:
        return found.date() if found.time() == time() else found.astimezone(home).date()
    return found.astimezone(home)


def _excluded(occurrence: str, start: datetime | date, home: ZoneInfo) -> str:
    """EXDATE of a cancelled occurrence, which Graph calls "OID.<id of the series>.2031-03-10"."""
    day = date.fromisoformat(occurrence[-10:])
    if not isinstance(start, datetime):
        return f"EXDATE;VALUE=DATE:{day:%Y%m%d}"
    return f"EXDATE:{datetime.combine(day, start.astimezone(home).time(), home).astimezone(UTC):%Y%m%dT%H%M%SZ}"


def change(row: dict[str, Any], more: dict[str, Any] | None = None) -> Change:
    """An event as the engine sees it. `more`: for a series, the answer to SERIES. What can't be read keeps its time closed."""
    remote_id, etag = str(row["id"]), str(row.get("@odata.etag") or "")
    try:
        item = event(row)
        excluded = tuple(_excluded(str(one), item.start, ZoneInfo(item.timezone)) for one in (more or {}).get("cancelledOccurrences") or [])
        exceptions = tuple(event(one) for one in (more or {}).get("exceptionOccurrences") or [])
        if any(one.recurrence_id is None for one in exceptions):
            raise ValueError("an exception of nothing")
        return Change(remote_id, etag, _modified(row), replace(item, recurrence=item.recurrence + excluded), exceptions)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, IcalError):
        return Change(remote_id, etag, problem=_("The event can't be read."), closed=_closed(row))


def _closed(row: dict[str, Any]) -> tuple[datetime, datetime] | None:
    try:
        start, end = instant(row["start"]), instant(row["end"])
    except (ValueError, KeyError, TypeError, OverflowError, IcalError):
        return None
    return min(start, end), max(start, end)


def _modified(row: dict[str, Any]) -> datetime | None:
    value = row.get("lastModifiedDateTime")
    return datetime.fromisoformat(value).astimezone(UTC) if value else None


def receipt(row: dict[str, Any]) -> Receipt:
    """What Graph keeps after a write, as it answered it."""
    found = change(row)
    return Receipt(found.remote_id, found.item.uid if found.item else "", found.etag, found.modified, found.item)


def taken(row: dict[str, Any], home: ZoneInfo) -> tuple[datetime, datetime] | None:
    """The time an instance of a calendar view takes, None for cancelled ones and those that take none; days are those of `home`."""
    if row.get("isCancelled") or shown(row) in TAKES_NO_TIME:
        return None
    if not row.get("isAllDay"):
        return instant(row["start"]), instant(row["end"])
    start, end = (datetime.combine(_day(row[name], home), time(), home).astimezone(UTC) for name in ("start", "end"))
    return start, end


def stamp(value: datetime) -> str:
    """An instant as Graph wants it in queries and of subscriptions."""
    return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
