"""One mailbox as Graph shows it: calendars, events, series with exceptions, the log that deltas are read from. `writes` and `mails` are counted."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from integrations.testing.servers.graph_guests import spread
from integrations.testing.servers.graph_rules import Refusal, check_event, check_times, moment
from integrations.testing.servers.graph_series import occurrences

FAR = timedelta(days=365 * 30)
DEFAULTS: dict[str, Any] = {
    "subject": "", "body": {"contentType": "html", "content": ""}, "location": {"displayName": ""}, "attendees": [], "categories": [], "isAllDay": False, "isReminderOn": True,
    "reminderMinutesBeforeStart": 15, "showAs": "busy", "sensitivity": "normal", "importance": "normal", "hideAttendees": False, "isOnlineMeeting": False, "responseRequested": True,
    "allowNewTimeProposals": True, "recurrence": None, "onlineMeetingProvider": "unknown",
}  # fmt: skip


@dataclass
class Stored:
    """An event, a series master, or (with `day`) what differs in one occurrence of the series `master`. `organizer` is empty in the own mailbox; elsewhere
    it is a guest's copy of the event with the UID `copied`."""

    id: str
    calendar: str
    fields: dict[str, Any]
    version: int
    modified: datetime
    own: dict[str, str] = field(default_factory=dict)
    changed: dict[date, Stored] = field(default_factory=dict)
    cancelled: set[date] = field(default_factory=set)
    master: str = ""
    day: date | None = None
    is_cancelled: bool = False
    organizer: str = ""
    copied: str = ""

    @property
    def uid(self) -> str:
        return self.copied or "040000008200E00074C5B7101A82E008" + self.id.encode().hex().upper()

    @property
    def etag(self) -> str:
        return f'W/"{self.change_key}"'

    @property
    def change_key(self) -> str:
        return base64.b64encode(f"{self.id}#{self.version}".encode()).decode()

    @property
    def repeats(self) -> bool:
        return bool(self.fields.get("recurrence")) and not self.master


@dataclass
class Calendar:
    id: str
    name: str
    editable: bool = True
    default: bool = False
    log: list[str] = field(default_factory=list)  # ids in the order they changed

    def shown(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "name": self.name,
            "canEdit": self.editable,
            "isDefaultCalendar": self.default,
            "color": "auto",
            "hexColor": "",
            "changeKey": "x",
        }


class Numbers:
    """1, 2, 3, …"""

    last = 0

    def __next__(self) -> int:
        self.last += 1
        return self.last


class Mailbox:
    """Ids are those of "Obtain immutable identifiers for Outlook resources": stable, with characters that must be escaped in addresses.
    They are made from `numbers`, which mailboxes of one server share."""

    def __init__(self, address: str, numbers: Numbers | None = None) -> None:
        self.address = address
        self.calendars: dict[str, Calendar] = {}
        self.events: dict[str, Stored] = {}
        self.transactions: dict[str, tuple[str, str]] = {}  # transactionId: what was sent, the event's id
        self.writes = self.mails = 0
        self.told: Callable[[str, str, str], None] = _nobody  # who wants to hear of changes: (calendar, created | updated | deleted, id)
        self.numbers, self.versions = numbers or Numbers(), Numbers()
        self.peers: dict[str, Mailbox] = {address.lower(): self}  # all mailboxes of the server, who may invite each other
        self.add_calendar("Calendar", default=True)

    def add_calendar(self, name: str, *, default: bool = False, editable: bool = True) -> str:
        found = f"AAMkCal{next(self.numbers):06d}="
        self.calendars[found] = Calendar(found, name, editable, default)
        return found

    def calendar(self, calendar: str) -> Calendar:
        if calendar not in self.calendars:
            raise Refusal(404, "ErrorItemNotFound", "The specified object was not found in the store.")
        return self.calendars[calendar]

    def editable(self, calendar: str) -> Calendar:
        found = self.calendar(calendar)
        if not found.editable:
            raise Refusal(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
        return found

    def create_calendar(self, given: Any) -> dict[str, Any]:
        if not isinstance(given, dict) or not isinstance(given.get("name"), str) or not given.keys() <= {"name", "color", "hexColor"}:
            raise Refusal(400, "RequestBodyRead", "not a calendar")
        if any(one.name == given["name"] for one in self.calendars.values()):
            raise Refusal(409, "ErrorFolderExists", "A folder with the specified name already exists.")
        self.writes += 1
        return self.calendars[self.add_calendar(given["name"])].shown()

    # Events

    def create(self, calendar: str, given: Any) -> Stored:
        """ "event resource type", transactionId: the same request again is answered with what the first has made."""
        place = self.editable(calendar)
        check_event(given, new=True)
        fields = DEFAULTS | {name: value for name, value in given.items() if value is not None and not name.startswith("@odata.")}
        check_times(fields)
        sent, transaction = json.dumps([calendar, given], sort_keys=True), given.get("transactionId")
        if transaction and transaction in self.transactions:
            before, made = self.transactions[transaction]
            if before != sent or made not in self.events:
                raise Refusal(409, "ErrorDuplicateTransactionId", "Your request can't be completed. The TransactionId was used before.")
            return self.events[made]
        own = {one["id"]: one["value"] for one in fields.pop("singleValueExtendedProperties", [])}
        stored = Stored(f"AAkALg{next(self.numbers):06d}A/+A=", calendar, fields, 0, datetime.now(UTC), own)
        self.events[stored.id] = stored
        if transaction:
            self.transactions[transaction] = sent, stored.id
        self.changed(stored, place)
        self.mails += len(fields["attendees"])
        spread(self, stored)
        return stored

    def copy_of(self, stored: Stored, place: Calendar, organizer: str) -> Stored:
        """A guest's, still to be filled."""
        made = Stored(f"AAkALg{next(self.numbers):06d}A/+A=", place.id, dict(DEFAULTS), 0, datetime.now(UTC), organizer=organizer.lower(), copied=stored.uid)
        self.events[made.id] = made
        return made

    def find(self, calendar: str, remote_id: str) -> Stored:
        """An event, a master or an occurrence, by id within its calendar."""
        self.calendar(calendar)
        name, _, day = remote_id.partition(".")
        stored = self.events.get(name)
        if stored is None or stored.calendar != calendar or bool(day) > stored.repeats:
            raise Refusal(404, "ErrorItemNotFound", "The specified object was not found in the store.")
        if not day:
            return stored
        on = date.fromisoformat(day)
        found = next((one for one in self.instances(stored, datetime.now(UTC) + FAR) if one.day == on), None)
        if found is None:
            raise Refusal(404, "ErrorItemNotFound", "The specified object was not found in the store.")
        return found

    def instances(self, stored: Stored, until: datetime) -> Iterator[Stored]:
        """What is left of a series, its exceptions in their places; a single event is its own only instance."""
        if not stored.repeats:
            yield stored
            return
        for day, start, end in occurrences(stored.fields, until):
            if day in stored.changed:
                yield stored.changed[day]
            elif day not in stored.cancelled:
                times = {"start": _utc(start), "end": _utc(end)} if not stored.fields["isAllDay"] else _days(stored, day)
                fields = stored.fields | times | {"originalStart": start}
                yield Stored(f"{stored.id}.{day}", stored.calendar, fields, stored.version, stored.modified, master=stored.id, day=day)

    def within(self, calendar: str, start: datetime, end: datetime) -> Iterator[tuple[Stored, list[Stored]]]:
        """Every event of which something overlaps [start, end), with its instances that do."""
        for stored in list(self.events.values()):
            if stored.calendar == calendar and (found := self.inside(stored, start, end)):
                yield stored, found

    def inside(self, stored: Stored, start: datetime, end: datetime) -> list[Stored]:
        overlapping = []
        for one in self.instances(stored, end + timedelta(days=400)):
            first, last = moment(one.fields["start"]), moment(one.fields["end"])
            if first < end and (last > start or first >= start):
                overlapping.append(one)
        return overlapping

    def update(self, calendar: str, remote_id: str, given: Any, match: str) -> Stored:
        place, stored = self.editable(calendar), self.find(calendar, remote_id)
        self._match(stored, match)
        check_event(given, new=False)
        fields = stored.fields | {name: value for name, value in given.items() if not name.startswith("@odata.")}
        own = fields.pop("singleValueExtendedProperties", [])
        check_times(fields)
        self._mail(stored, fields, given)
        stored.fields = fields
        stored.own |= {one["id"]: one["value"] for one in own}
        if stored.master and stored.day:
            master = self.events[stored.master]
            master.changed[stored.day] = stored
            stored.version = next(self.versions)
            self.changed(master, place)
        else:
            self.changed(stored, place)
            spread(self, stored)
        return stored

    def _mail(self, stored: Stored, fields: dict[str, Any], given: dict[str, Any]) -> None:
        """ "Update event": who is invited hears of changes; of a change of the guests alone, only those concerned."""
        if stored.organizer:  # a guest's own copy
            return
        before, after = ({one["emailAddress"]["address"].lower() for one in found["attendees"]} for found in (stored.fields, fields))
        quiet = {"attendees", "singleValueExtendedProperties", "hideAttendees", "categories", "showAs", "sensitivity", "isReminderOn"}
        self.mails += len(before ^ after) if given.keys() <= quiet else len(before | after)

    def delete(self, calendar: str, remote_id: str, match: str) -> None:
        place, stored = self.editable(calendar), self.find(calendar, remote_id)
        self._match(stored, match)
        self.mails += 0 if stored.organizer else len(stored.fields["attendees"])
        if stored.master and stored.day:
            master = self.events[stored.master]
            master.changed.pop(stored.day, None)
            master.cancelled.add(stored.day)
            place.log.append(stored.id)
            self.changed(master, place)
        else:
            self.drop(stored, place)
            spread(self, stored, ended=True)

    def move(self, remote_id: str, target: str) -> None:
        """A person drags it into another calendar: "Obtain immutable identifiers for Outlook resources": its id stays."""
        stored, place = self.events[remote_id], self.editable(target)
        self.calendars[stored.calendar].log.append(stored.id)
        self.told(stored.calendar, "deleted", stored.id)
        stored.calendar = target
        self.changed(stored, place)

    def drop(self, stored: Stored, place: Calendar) -> None:
        del self.events[stored.id]
        self.writes += 1
        place.log.append(stored.id)
        self.told(place.id, "deleted", stored.id)

    def _match(self, stored: Stored, match: str) -> None:
        if match not in ("", "*", stored.etag):
            raise Refusal(412, "ErrorIrresolvableConflict", "The send or update operation could not be performed because the change key is not current.")

    def changed(self, stored: Stored, place: Calendar) -> None:
        self.told(place.id, "updated" if stored.version else "created", stored.id)
        stored.version, stored.modified = next(self.versions), datetime.now(UTC)
        self.writes += 1
        place.log.append(stored.id)


def _nobody(calendar: str, kind: str, remote_id: str) -> None:
    """Hears of changes as long as nobody else wants to."""


def _utc(value: datetime) -> dict[str, str]:
    return {"dateTime": value.replace(tzinfo=None).isoformat(), "timeZone": "UTC"}


def _days(stored: Stored, day: date) -> dict[str, Any]:
    start, end = (date.fromisoformat(stored.fields[name]["dateTime"][:10]) for name in ("start", "end"))
    name = stored.fields["start"]["timeZone"]
    return {part: {"dateTime": f"{on}T00:00:00", "timeZone": name} for part, on in (("start", day), ("end", day + (end - start)))}
