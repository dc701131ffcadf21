"""Google's calendars as their owners see them."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from integrations.testing.servers.discovery import Refusal
from integrations.testing.servers.google import GoogleServer
from integrations.testing.servers.google_calendar import Calendar, Row, Store, moment, single
from integrations.testing.servers.week import Entry, Wrong


class GoogleDiary:
    def __init__(self, server: GoogleServer, zone: ZoneInfo) -> None:
        self.server, self.zone = server, zone

    def people(self) -> list[tuple[str, str]]:
        return [(one.email, one.name) for one in self.server.oauth.people.values()]

    def calendars(self, who: str) -> dict[str, str]:
        return {one.id: one.summary for one in self._store(who).calendars.values()}

    def between(self, who: str, begin: datetime, end: datetime) -> list[Entry]:
        with self.server.lock:
            return [_entry(one, row) for one in self._store(who).calendars.values() for row in single(one, begin, end)]

    def entry(self, who: str, calendar: str, entry_id: str) -> Entry:
        try:
            place = self._store(who).calendar(calendar)
            row = self._store(who).event(place, entry_id)
        except Refusal as error:
            raise Wrong(error.message) from error
        if row["status"] == "cancelled":
            raise Wrong("This event has been deleted.")
        return _entry(place, row)

    def write(self, who: str, entry: Entry) -> None:
        times = {"start": self._time(entry.start), "end": self._time(entry.end)}
        try:
            with self.server.lock:
                place = self._store(who).calendar(entry.calendar, write=True)
                if entry.id:
                    cleared = {"date": None, "dateTime": None, "timeZone": None}
                    self._store(who).change(place, entry.id, {name: cleared | value for name, value in times.items()} | {"summary": entry.title}, "", "none")
                else:
                    self._store(who).insert(place, times | {"summary": entry.title}, "none")
        except Refusal as error:
            raise Wrong(error.message) from error

    def remove(self, who: str, calendar: str, entry_id: str) -> None:
        try:
            with self.server.lock:
                self._store(who).delete(self._store(who).calendar(calendar, write=True), entry_id, "", "none")
        except Refusal as error:
            raise Wrong(error.message) from error

    def _store(self, who: str) -> Store:
        return self.server.accounts[who].store

    def _time(self, value: datetime | date) -> Row:
        if isinstance(value, datetime):
            return {"dateTime": value.astimezone(self.zone).isoformat(), "timeZone": self.zone.key}
        return {"date": value.isoformat()}


def _entry(place: Calendar, row: Row) -> Entry:
    guests = ", ".join(str(one.get("displayName") or one["email"]) for one in row.get("attendees", ()))
    if "date" in row["start"]:
        start, end = (date.fromisoformat(row[name]["date"]) for name in ("start", "end"))
        return Entry(row["id"], place.id, row.get("summary", ""), start, end, row.get("location", ""), guests)
    return Entry(row["id"], place.id, row.get("summary", ""), moment(row["start"], place.zone), moment(row["end"], place.zone), row.get("location", ""), guests)
