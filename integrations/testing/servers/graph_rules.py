"""What Graph's description allows in an event, and how it refuses the rest. Titles in quotes are pages of the vendor's reference."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON


class Refusal(Exception):
    """An answer in Graph's error form: {"error": {"code": …, "message": …}}."""

    def __init__(self, status: int, code: str, message: str = "", headers: Mapping[str, str] | None = None) -> None:
        super().__init__(code)
        self.status, self.code, self.message, self.headers = status, code, message or code, dict(headers or {})


def unreadable(message: str) -> Refusal:
    return Refusal(400, "RequestBodyRead", message)


# Types by name ("event resource type", "outlookItem resource type"); a set is an enumeration, a list a collection of its one type.
Type = str | set[str] | list[str] | dict[str, Any]
TIME: dict[str, Any] = {"dateTime": "datetime", "timeZone": "zone"}
ADDRESS: dict[str, Any] = {"address": "str", "name": "str"}
LOCATION: dict[str, Any] = {
    "displayName": "str", "locationType": "str", "locationUri": "str", "uniqueId": "str", "uniqueIdType": "str", "locationEmailAddress": "str", "address": "any", "coordinates": "any",
}  # fmt: skip
WEEK = {"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}
PATTERN: dict[str, Any] = {
    "type": {"daily", "weekly", "absoluteMonthly", "relativeMonthly", "absoluteYearly", "relativeYearly"},
    "interval": "int", "month": "int", "dayOfMonth": "int", "daysOfWeek": ["day"], "firstDayOfWeek": WEEK, "index": {"first", "second", "third", "fourth", "last"},
}  # fmt: skip
RANGE: dict[str, Any] = {
    "type": {"endDate", "noEnd", "numbered"},
    "startDate": "date",
    "endDate": "date",
    "recurrenceTimeZone": "zone",
    "numberOfOccurrences": "int",
}
RESPONSE: dict[str, Any] = {"response": {"none", "organizer", "tentativelyAccepted", "accepted", "declined", "notResponded"}, "time": "str"}
COMPLEX: dict[str, dict[str, Any]] = {
    "attendee": {"emailAddress": ADDRESS, "type": {"required", "optional", "resource"}, "status": RESPONSE, "proposedNewTime": "any"},
    "extended": {"id": "property", "value": "str"},
    "location": LOCATION,
}
WRITABLE: dict[str, Type] = {
    "allowNewTimeProposals": "bool", "attendees": ["attendee"], "body": {"contentType": {"text", "html"}, "content": "str"}, "categories": ["str"], "end": TIME,
    "hideAttendees": "bool", "importance": {"low", "normal", "high"}, "isAllDay": "bool", "isOnlineMeeting": "bool", "isReminderOn": "bool", "location": LOCATION,
    "locations": ["location"], "onlineMeetingProvider": {"unknown", "skypeForBusiness", "skypeForConsumer", "teamsForBusiness"},
    "recurrence": {"pattern": PATTERN, "range": RANGE}, "reminderMinutesBeforeStart": "int", "responseRequested": "bool",
    "sensitivity": {"normal", "personal", "private", "confidential"}, "showAs": {"free", "tentative", "busy", "oof", "workingElsewhere", "unknown"},
    "singleValueExtendedProperties": ["extended"], "start": TIME, "subject": "str", "transactionId": "str",
}  # fmt: skip
READ_ONLY = {
    "attachments", "bodyPreview", "calendar", "cancelledOccurrences", "changeKey", "createdDateTime", "exceptionOccurrences", "extensions", "hasAttachments", "iCalUId", "id",
    "instances", "isCancelled", "isDraft", "isOrganizer", "lastModifiedDateTime", "multiValueExtendedProperties", "onlineMeeting", "onlineMeetingUrl", "organizer",
    "originalEndTimeZone", "originalStart", "originalStartTimeZone", "responseStatus", "seriesMasterId", "type", "webLink",
}  # fmt: skip
# "recurrencePattern resource type": required properties by type; one that is not needed and has no supported value is an error.
NEEDED = {
    "daily": set(), "weekly": {"daysOfWeek", "firstDayOfWeek"}, "absoluteMonthly": {"dayOfMonth"}, "relativeMonthly": {"daysOfWeek"},
    "absoluteYearly": {"dayOfMonth", "month"}, "relativeYearly": {"daysOfWeek", "month"},
}  # fmt: skip
# "dateTimeTimeZone resource type": all names Windows knows, and some of the IANA list.
ZONES = {name.lower(): zone for name, zone in WINDOWS_TO_OLSON.items()} | {zone.lower(): zone for zone in WINDOWS_TO_OLSON.values()} | {"utc": "UTC"}
PROPERTY = re.compile(r"(String|Integer|Boolean|SystemTime) (\{[0-9A-Fa-f-]{36}\} (Name .+|Id 0x[0-9A-Fa-f]+)|0x[0-9A-Fa-f]+)")


def zone(name: str) -> tzinfo:
    if name.lower() not in ZONES:
        raise Refusal(400, "TimeZoneNotSupportedException", "A valid TimeZone value must be specified.")
    return ZoneInfo(ZONES[name.lower()])


def check(value: Any, kind: Type, name: str) -> None:
    """Raises Refusal unless the value is of the type."""
    if kind == "any" or value is None:
        return
    if isinstance(kind, dict):
        if not isinstance(value, dict):
            raise unreadable(f"{name} is not an object")
        for part, inner in value.items():
            if part != "@odata.type":
                if part not in kind:
                    raise unreadable(f"The property '{part}' does not exist on type '{name}'.")
                check(inner, kind[part], part)
    elif isinstance(kind, list):
        if not isinstance(value, list):
            raise unreadable(f"{name} is not a collection")
        for inner in value:
            check(inner, COMPLEX.get(kind[0], kind[0]), name)
    elif isinstance(kind, set):
        if value not in kind:
            raise unreadable(f"Requested value '{value}' was not found.")
    else:
        _check_simple(value, kind, name)


def _check_simple(value: Any, kind: str, name: str) -> None:
    right = isinstance(value, {"bool": bool, "int": int}.get(kind, str)) and (kind != "int" or not isinstance(value, bool))
    if not right:
        raise unreadable(f"Cannot convert the value of {name} to Edm.{kind}.")
    if kind == "zone":
        zone(value)
    elif kind == "datetime" and not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,7})?", value):
        raise unreadable(f"Cannot convert the literal '{value}' to a date and time.")
    elif kind == "property" and not PROPERTY.fullmatch(value):
        raise Refusal(400, "ErrorInvalidProperty", "The property ID is invalid.")
    elif kind == "day" and value not in WEEK:
        raise unreadable(f"Requested value '{value}' was not found.")
    elif kind == "date":
        try:
            date.fromisoformat(value)
        except ValueError as error:
            raise unreadable(f"Cannot convert the literal '{value}' to Edm.Date.") from error


def check_event(given: Any, *, new: bool) -> None:
    """A body of POST or PATCH."""
    if not isinstance(given, dict):
        raise unreadable("not an object")
    for name, value in given.items():
        if name.startswith("@odata."):
            continue
        if name in READ_ONLY:
            raise Refusal(400, "ErrorInvalidRequest", f"{name} is read-only.")
        if name not in WRITABLE:
            raise unreadable(f"The property '{name}' does not exist on type 'microsoft.graph.event'.")
        check(value, WRITABLE[name], name)
    if not new and "transactionId" in given:  # "event resource type": can't be changed after the creation
        raise Refusal(400, "ErrorInvalidRequest", "transactionId can't be changed.")
    if new and not (given.get("start") and given.get("end")):
        raise Refusal(400, "ErrorInvalidRequest", "start and end are required.")
    if given.get("recurrence"):
        _check_recurrence(given["recurrence"])
    for one in given.get("attendees") or []:
        if "@" not in str((one.get("emailAddress") or {}).get("address") or ""):
            raise Refusal(400, "ErrorInvalidRecipients", "At least one recipient is not valid.")


def _check_recurrence(value: dict[str, Any]) -> None:
    pattern, reach = value.get("pattern") or {}, value.get("range") or {}
    needed = NEEDED.get(str(pattern.get("type")), {"type"}) | {"interval"}
    if not needed <= {name for name, inner in pattern.items() if inner not in (None, [], 0)} or not {"type", "startDate"} <= reach.keys():
        raise Refusal(400, "ErrorInvalidRequest", "The recurrence pattern is not valid.")
    if ("dayOfMonth" in needed and not 1 <= pattern["dayOfMonth"] <= 31) or ("month" in needed and not 1 <= pattern["month"] <= 12) or pattern["interval"] < 1:
        raise Refusal(400, "ErrorInvalidRequest", "The recurrence pattern is not valid.")
    if {"numbered": "numberOfOccurrences", "endDate": "endDate"}.get(reach["type"], "type") not in reach:
        raise Refusal(400, "ErrorInvalidRequest", "The recurrence range is not valid.")


def check_times(fields: Mapping[str, Any]) -> None:
    """Of an event as it would be: "event resource type", isAllDay: start and end are midnight, in the same zone."""
    start, end = moment(fields["start"]), moment(fields["end"])
    if end < start:
        raise Refusal(400, "ErrorPropertyValidationFailure", "The end is before the start.")
    if fields.get("isAllDay"):
        same = fields["start"]["timeZone"] == fields["end"]["timeZone"]
        if not same or end == start or any(not re.search(r"T00:00:00(\.0+)?$", fields[name]["dateTime"]) for name in ("start", "end")):
            raise Refusal(400, "ErrorPropertyValidationFailure", "An all-day event begins and ends at midnight in one time zone.")


def moment(value: Mapping[str, str]) -> datetime:
    return datetime.fromisoformat(value["dateTime"]).replace(tzinfo=zone(value["timeZone"])).astimezone(UTC)
