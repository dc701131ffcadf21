"""What Google Calendar keeps and by which rules: calendars, events, series and their exceptions, entity tags, tombstones, sync tokens, mails."""

from __future__ import annotations

import re
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo, available_timezones

from dateutil.rrule import rrule, rruleset, rrulestr

from integrations.testing.servers.discovery import Refusal
from integrations.testing.servers.google_guests import check_guest, spread

Row = dict[str, Any]
SERVER_SETS = {"kind", "etag", "htmlLink", "created", "updated", "creator", "organizer", "hangoutLink", "locked", "attendeesOmitted", "endTimeUnspecified"}
WRITERS = ("writer", "owner")
ZONES = frozenset(available_timezones())  # once: each look reads a folder
EXPANDED = 800  # instances of an endless series that are looked at


@dataclass
class Calendar:
    """`log` holds ids in the order they changed: a sync token is a place in it."""

    id: str
    summary: str
    zone: str = "Europe/Berlin"
    role: str = "owner"
    primary: bool = False
    events: dict[str, Row] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Mail:
    to: str
    event: str
    about: str  # insert, update, delete


class Store:
    """One account, `email`. `epoch` rises when all sync tokens become void. `changed` is called with the id of a calendar in which something has.
    `peers`: all accounts of the server, who may invite each other."""

    def __init__(self, email: str, changed: Callable[[str], None], peers: list[Store] | None = None) -> None:
        self.email, self.changed = email, changed
        self.peers = peers if peers is not None else []
        self.peers.append(self)
        self.calendars: dict[str, Calendar] = {email: Calendar(email, email, primary=True)}
        self.mails: list[Mail] = []
        self.epoch = 0
        self.etag = 3_480_000_000_000_000

    def add_calendar(self, summary: str, zone: str = "", role: str = "owner") -> Calendar:
        made = Calendar(f"{uuid4().hex}@group.calendar.google.com", summary, zone or "UTC", role)
        self.calendars[made.id] = made
        return made

    def calendar(self, given: str, *, write: bool = False) -> Calendar:
        """Raises Refusal. "Events: list": "primary" stands for the account's own."""
        found = self.calendars.get(self.email if given == "primary" else given)
        if found is None:
            raise Refusal(404, "notFound", "Not Found")
        if write and found.role not in WRITERS:
            raise Refusal(403, "requiredAccessLevel", "You need to have writer access to this calendar.", domain="calendar")
        return found

    # Single events

    def event(self, calendar: Calendar, event_id: str) -> Row:
        """A stored event, cancelled or not, or an instance of a series that nobody has touched yet. Raises Refusal."""
        found = calendar.events.get(event_id)
        if found is not None:
            return found
        master_id, _, stamp = event_id.rpartition("_")
        master = calendar.events.get(master_id)
        if master and master.get("recurrence") and master["status"] != "cancelled":
            for one in instances(master, calendar.zone):
                if one["id"] == event_id and stamp:
                    return one
        raise Refusal(404, "notFound", "Not Found")

    def insert(self, calendar: Calendar, body: Row, updates: str) -> Row:
        body = {name: value for name, value in body.items() if name not in SERVER_SETS and value is not None}
        if "id" in body and "iCalUID" in body:  # discovery document, Event.id: "only one of them should be supplied at event creation time"
            raise Refusal(400, "invalid", "Invalid resource id value.", location="iCalUID")
        event_id = body.get("id") or uuid4().hex
        if not re.fullmatch(r"[a-v0-9]{5,1024}", event_id):  # discovery document, Event.id
            raise Refusal(400, "invalid", "Invalid resource id value.", location="id")
        if event_id in calendar.events:  # "Handle API errors"; a deleted event keeps its id
            raise Refusal(409, "duplicate", "The requested identifier already exists.")
        row = {"status": "confirmed", "eventType": "default", "reminders": {"useDefault": True}, "sequence": 0} | body
        row |= {"kind": "calendar#event", "id": event_id, "created": _now(), "iCalUID": body.get("iCalUID") or f"{event_id}@google.com"}
        who = {"email": calendar.id if not calendar.primary else self.email, "self": True}
        row |= {"creator": {"email": self.email, "self": calendar.primary}, "organizer": who}
        kept = self.keep(calendar, row)
        self._mail(kept, updates, "insert")
        spread(self, kept, self.peers)
        return kept

    def change(self, calendar: Calendar, event_id: str, body: Row, etag: str, updates: str, *, whole: bool = False) -> Row:
        """ "Events: patch": named fields replace, null clears, arrays are replaced, objects are merged. "Events: update": all is replaced."""
        before = self.event(calendar, event_id)
        _match(before, etag)
        check_guest(before, body)
        body = {name: value for name, value in body.items() if name not in SERVER_SETS}
        if body.get("id", event_id) != event_id or body.get("eventType", before["eventType"]) != before["eventType"]:
            raise Refusal(400, "invalid", "Invalid value", location="eventType")
        if whole:
            fixed = SERVER_SETS | {"id", "iCalUID", "status", "eventType", "recurringEventId", "originalStartTime", "sequence", "conferenceData"}
            row = {name: value for name, value in before.items() if name in fixed} | {name: value for name, value in body.items() if value is not None}
        else:
            row = _merged(before, body)
        if before["status"] != "cancelled" and row["status"] == "cancelled":
            return self.delete(calendar, event_id, "", updates)
        row["sequence"] = before["sequence"] + (row["start"] != before["start"] or row["end"] != before["end"])
        kept = self.keep(calendar, row)
        self._mail(kept, updates, "update")
        spread(self, kept, self.peers)
        return kept

    def delete(self, calendar: Calendar, event_id: str, etag: str, updates: str) -> Row:
        row = self.event(calendar, event_id)
        _match(row, etag)
        if row["status"] == "cancelled":
            raise Refusal(410, "deleted", "Resource has been deleted")
        self._mail(row, updates, "delete")
        for one in [one for one in calendar.events.values() if one.get("recurringEventId") == event_id]:
            self.keep(calendar, one | {"status": "cancelled"})  # with the series its exceptions go, and each says so
        kept = self.keep(calendar, row | {"status": "cancelled"})
        spread(self, kept, self.peers)
        return kept

    def move(self, calendar: Calendar, event_id: str, target: Calendar, updates: str) -> Row:
        row = deepcopy(self.event(calendar, event_id))
        if row["eventType"] != "default" or row["status"] == "cancelled":
            raise Refusal(403, "cannotChangeOrganizer", "Only default events can be moved.", domain="calendar")
        self.delete(calendar, event_id, "", "none")
        kept = self.keep(target, row | {"organizer": {"email": target.id, "self": True}})
        spread(self, kept, self.peers)
        self._mail(kept, updates, "update")
        return kept

    def keep(self, calendar: Calendar, row: Row) -> Row:
        if row["status"] != "cancelled":
            _check(row, calendar)
        self.etag += 1
        row = deepcopy(row) | {"updated": _now(), "etag": f'"{self.etag}"'}
        calendar.events[row["id"]] = row
        calendar.log.append(row["id"])
        self.changed(calendar.id)
        return row

    def _mail(self, row: Row, updates: str, about: str) -> None:
        """ "Events: insert", sendUpdates: none is the default; externalOnly: those who have no Google calendar, here all but @gmail.com."""
        guests = [one["email"] for one in row.get("attendees", ()) if not one.get("self") and not one.get("organizer")]
        if updates in ("all", "externalOnly"):
            self.mails += [Mail(to, row["id"], about) for to in guests if updates == "all" or not to.endswith("@gmail.com")]

    def free_busy(self, calendar: Calendar, begin: datetime, end: datetime) -> list[Row]:
        spans = []
        for row in single(calendar, begin, end):
            declined = any(one.get("self") and one.get("responseStatus") == "declined" for one in row.get("attendees", ()))
            if row.get("transparency", "opaque") == "opaque" and not declined:
                spans.append((max(begin, moment(row["start"], calendar.zone)), min(end, moment(row["end"], calendar.zone))))
        merged: list[tuple[datetime, datetime]] = []
        for start, stop in sorted(spans):
            if merged and start <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
            else:
                merged.append((start, stop))
        return [{"start": start.isoformat(), "end": stop.isoformat()} for start, stop in merged]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _match(row: Row, etag: str) -> None:
    """ "Get specific versions of resources"."""
    if etag and etag != row.get("etag"):
        raise Refusal(412, "conditionNotMet", "Precondition Failed")


def _merged(before: Row, body: Row) -> Row:
    row = deepcopy(before)
    for name, value in body.items():
        if value is None:
            row.pop(name, None)
        elif isinstance(value, dict) and isinstance(row.get(name), dict):
            row[name] = _merged(row[name], value)
        else:
            row[name] = {key: one for key, one in value.items() if one is not None} if isinstance(value, dict) else value
    return row


def _check(row: Row, calendar: Calendar) -> None:
    """What the discovery document says in words only. Raises Refusal."""
    wrong = [_time_problem(row[name], row) for name in ("start", "end")]
    if any(wrong) or ("date" in row["start"]) != ("date" in row["end"]):
        raise Refusal(400, "invalid", "Invalid start or end time.", location="start")
    if moment(row["end"], calendar.zone) < moment(row["start"], calendar.zone):
        raise Refusal(400, "timeRangeEmpty", "The specified time range is empty.", domain="calendar")
    if row["status"] not in ("confirmed", "tentative", "cancelled") or row.get("transparency", "opaque") not in ("opaque", "transparent"):
        raise Refusal(400, "invalid", "Invalid value", location="status")
    if row.get("visibility", "default") not in ("default", "public", "private", "confidential"):
        raise Refusal(400, "invalid", "Invalid value", location="visibility")
    for line in row.get("recurrence", ()):
        if not re.match(r"(RRULE|EXRULE|RDATE|EXDATE)[;:]", line):
            raise Refusal(400, "invalid", "Invalid recurrence rule.", location="recurrence")
    for one in row.get("attendees", ()):
        if not re.fullmatch(r"[^@\s]+@[^@\s]+", one.get("email", "")):
            raise Refusal(400, "invalid", "Invalid attendee email.", location="attendees")
        one.setdefault("responseStatus", "needsAction")
        if one["responseStatus"] not in ("needsAction", "declined", "tentative", "accepted"):
            raise Refusal(400, "invalid", "Invalid value", location="attendees")
    reminders = row.get("reminders", {})
    if len(reminders.get("overrides", ())) > 5 or (reminders.get("overrides") and reminders.get("useDefault")):
        raise Refusal(400, "cannotUseDefaultRemindersAndSpecifyOverride", "Cannot specify both default reminders and overrides.", domain="calendar")
    # "Extended properties": a key has at most 44 characters, a value 1024, an event 300 properties.
    for kind in ("private", "shared"):
        properties = row.get("extendedProperties", {}).get(kind, {})
        if len(properties) > 300 or any(len(key) > 44 or len(value) > 1024 for key, value in properties.items()):
            raise Refusal(400, "invalid", "Invalid extended property.", location="extendedProperties")
    # "Manage focus time, out of office, and working location events": on the primary calendar only, with a fixed transparency.
    kind = row["eventType"]
    if kind in ("outOfOffice", "focusTime", "workingLocation"):
        wanted = "transparent" if kind == "workingLocation" else "opaque"
        if not calendar.primary or row.get("transparency", "opaque") != wanted:
            raise Refusal(400, "malformedStatusEvent" if calendar.primary else "eventTypeRestriction", "Invalid status event.", domain="calendar")
        if kind == "workingLocation" and row.get("visibility") != "public":
            raise Refusal(400, "malformedStatusEvent", "A working location event must be public.", domain="calendar")
    elif kind not in ("default", "birthday"):
        raise Refusal(400, "invalid", "Invalid value", location="eventType")


def _time_problem(value: Row, row: Row) -> bool:
    zone = value.get("timeZone")
    if ("date" in value) == ("dateTime" in value) or (zone and zone not in ZONES):
        return True
    naive = "dateTime" in value and datetime.fromisoformat(value["dateTime"]).tzinfo is None
    return "dateTime" in value and not zone and (naive or bool(row.get("recurrence")))


def moment(value: Row, zone: str) -> datetime:
    """An EventDateTime as an instant; a day begins at midnight in the calendar's zone."""
    home = ZoneInfo(value.get("timeZone") or zone)
    if "date" in value:
        return datetime.combine(date.fromisoformat(value["date"]), datetime.min.time(), ZoneInfo(zone)).astimezone(UTC)
    found = datetime.fromisoformat(value["dateTime"])
    return (found if found.tzinfo else found.replace(tzinfo=home)).astimezone(UTC)


def instances(master: Row, zone: str) -> list[Row]:
    """The instances of a series by its rules alone, in order: exceptions are stored events of their own. Their ids are as Google makes them."""
    days = "date" in master["start"]
    home = ZoneInfo(master["start"].get("timeZone") or zone)
    begin, length = moment(master["start"], zone), moment(master["end"], zone) - moment(master["start"], zone)
    first = datetime.combine(date.fromisoformat(master["start"]["date"]), datetime.min.time()) if days else begin.astimezone(home).replace(tzinfo=None)
    rules, excluded = rruleset(), set()
    for line in master["recurrence"]:
        name, _, value = line.partition(":")
        if name.startswith("RRULE"):
            text = re.sub(r"UNTIL=(\d{8}T\d{6})Z", lambda found: f"UNTIL={_wall(found[1], home)}", value)
            rule = rrulestr(text, dtstart=first)
            assert isinstance(rule, rrule)
            rules.rrule(rule)
        elif name.startswith("EXDATE"):
            excluded |= set(value.split(","))
    found = []
    for number, wall in enumerate(rules):
        start = wall.replace(tzinfo=UTC if days else home).astimezone(UTC)
        stamp = f"{start:%Y%m%d}" if days else f"{start:%Y%m%dT%H%M%SZ}"
        if number > EXPANDED:
            break
        if stamp in excluded or f"{wall:%Y%m%dT%H%M%S}" in excluded:
            continue
        if days:
            until = wall + (date.fromisoformat(master["end"]["date"]) - date.fromisoformat(master["start"]["date"]))
            when = {"start": {"date": f"{wall:%Y-%m-%d}"}, "end": {"date": f"{until:%Y-%m-%d}"}}
        else:
            ends = {"dateTime": (start + length).astimezone(home).isoformat(), "timeZone": str(home)}
            when = {"start": {"dateTime": start.astimezone(home).isoformat(), "timeZone": str(home)}, "end": ends}
        row = {name: deepcopy(value) for name, value in master.items() if name != "recurrence"}
        found.append(row | when | {"id": f"{master['id']}_{stamp}", "recurringEventId": master["id"], "originalStartTime": when["start"]})
    return found


def single(calendar: Calendar, begin: datetime | None, end: datetime | None) -> list[Row]:
    """Everything alive as single events that overlaps the span: series expanded, exceptions in the place of their instances."""
    rows = []
    for row in calendar.events.values():
        if row["status"] == "cancelled":
            continue
        if row.get("recurrence"):
            rows += [one for one in instances(row, calendar.zone) if one["id"] not in calendar.events]
        else:
            rows.append(row)
    return [one for one in rows if within(one, calendar.zone, begin, end)]


def within(row: Row, zone: str, begin: datetime | None, end: datetime | None) -> bool:
    """ "Events: list": timeMin bounds the end, timeMax the start, both exclusive; of a series any instance counts."""
    if begin is None and end is None:
        return True
    if row.get("recurrence"):
        return any(within(one, zone, begin, end) for one in instances(row, zone))
    if "start" not in row:
        return True
    return (begin is None or moment(row["end"], zone) > begin) and (end is None or moment(row["start"], zone) < end)


def _wall(stamp: str, home: ZoneInfo) -> str:
    return f"{datetime.strptime(stamp, '%Y%m%dT%H%M%S').replace(tzinfo=UTC).astimezone(home):%Y%m%dT%H%M%S}"
