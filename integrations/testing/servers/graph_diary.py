"""Outlook's calendars as their owners see them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from integrations.testing.servers.graph import GraphServer
from integrations.testing.servers.graph_mailbox import Mailbox, Stored
from integrations.testing.servers.graph_rules import Refusal, moment
from integrations.testing.servers.week import Entry, Wrong


class GraphDiary:
    def __init__(self, server: GraphServer, zone: ZoneInfo) -> None:
        self.server, self.zone = server, zone

    def people(self) -> list[tuple[str, str]]:
        return [(one.email, one.name) for one in self.server.oauth.people.values()]

    def calendars(self, who: str) -> dict[str, str]:
        return {one.id: one.name for one in self._mailbox(who).calendars.values()}

    def between(self, who: str, begin: datetime, end: datetime) -> list[Entry]:
        with self.server.lock:
            box = self._mailbox(who)
            return [_entry(one) for calendar in box.calendars for _, found in box.within(calendar, begin, end) for one in found]

    def entry(self, who: str, calendar: str, entry_id: str) -> Entry:
        try:
            return _entry(self._mailbox(who).find(calendar, entry_id))
        except (Refusal, ValueError) as error:
            raise Wrong("This event is not there any more.") from error

    def write(self, who: str, entry: Entry) -> None:
        given: dict[str, Any] = {"subject": entry.title, "start": self._time(entry.start), "end": self._time(entry.end)}
        try:
            with self.server.lock:
                if entry.id:
                    self._mailbox(who).update(entry.calendar, entry.id, given, "")
                else:
                    self._mailbox(who).create(entry.calendar, given)
        except Refusal as error:
            raise Wrong(error.message) from error

    def remove(self, who: str, calendar: str, entry_id: str) -> None:
        try:
            with self.server.lock:
                self._mailbox(who).delete(calendar, entry_id, "")
        except Refusal as error:
            raise Wrong(error.message) from error

    def _mailbox(self, who: str) -> Mailbox:
        return self.server.accounts[who].mailbox

    def _time(self, value: datetime | date) -> dict[str, str]:
        """Wall times in the zone; whole days from midnight to midnight."""
        wall = value.astimezone(self.zone).replace(tzinfo=None) if isinstance(value, datetime) else datetime.combine(value, time())
        return {"dateTime": wall.isoformat(), "timeZone": self.zone.key}


def _entry(stored: Stored) -> Entry:
    fields = stored.fields
    guests = ", ".join(one["emailAddress"].get("name") or one["emailAddress"]["address"] for one in fields["attendees"])
    place = (fields.get("location") or {}).get("displayName", "")
    if fields["isAllDay"]:
        start, end = (date.fromisoformat(fields[name]["dateTime"][:10]) for name in ("start", "end"))
        return Entry(stored.id, stored.calendar, fields["subject"] or "", start, end, place, guests)
    return Entry(stored.id, stored.calendar, fields["subject"] or "", moment(fields["start"]).astimezone(UTC), moment(fields["end"]), place, guests)
