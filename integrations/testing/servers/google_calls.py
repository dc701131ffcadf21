"""What Google Calendar v3 answers to one account, method by method."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from integrations.testing.servers.channels import Channels
from integrations.testing.servers.discovery import Call, Refusal
from integrations.testing.servers.google_calendar import WRITERS, Calendar, Row, Store, single, within

DELTA = ("iCalUID", "orderBy", "privateExtendedProperty", "sharedExtendedProperty", "q", "timeMin", "timeMax", "updatedMin")  # not beside a syncToken


class Habits:
    """How a server answers all its accounts. `page_size` rows to a page whatever was asked for. `blind`: calendars whose free and busy times can't be
    told. `narrow`: whether a search by UID leaves out cancelled instances; nothing says that it doesn't."""

    def __init__(self, page_size: int) -> None:
        self.page_size, self.address, self.narrow = page_size, "", False
        self.blind: set[str] = set()


class Calls:
    """The calls for one account."""

    def __init__(self, store: Store, channels: Channels, habits: Habits) -> None:
        self.store, self.channels, self.habits = store, channels, habits
        self.listings: dict[str, tuple[list[Row], str]] = {}  # page token -> rows still to come, the sync token of the last page

    def answer(self, call: Call, etag: str) -> Row | None:
        """Raises Refusal."""
        action = ACTIONS.get(call.id)
        if action is None:
            raise Refusal(501, "notImplemented", f"This server has no {call.id}.")
        return action(self, call, etag)

    # Calendars

    def _entry(self, one: Calendar) -> Row:
        row = {"kind": "calendar#calendarListEntry", "id": one.id, "summary": one.summary, "timeZone": one.zone, "accessRole": one.role}
        return row | ({"primary": True} if one.primary else {})

    def _calendar_list(self, call: Call, etag: str) -> Row:
        rows = [self._entry(one) for one in self.store.calendars.values()]
        if call.given.get("minAccessRole") in WRITERS:
            rows = [one for one in rows if one["accessRole"] in WRITERS]
        return {"kind": "calendar#calendarList"} | self._page(call, rows, "-")

    def _calendar_entry(self, call: Call, etag: str) -> Row:
        return self._entry(self.store.calendar(call.given["calendarId"]))

    def _calendar(self, call: Call, etag: str) -> Row:
        one = self.store.calendar(call.given["calendarId"])
        return {"kind": "calendar#calendar", "id": one.id, "summary": one.summary, "timeZone": one.zone}

    def _add_calendar(self, call: Call, etag: str) -> Row:
        one = self.store.add_calendar(call.body["summary"], call.body.get("timeZone") or "")
        return {"kind": "calendar#calendar", "id": one.id, "summary": one.summary, "timeZone": one.zone}

    def _delete_calendar(self, call: Call, etag: str) -> None:
        one = self.store.calendar(call.given["calendarId"], write=True)
        if one.primary:
            raise Refusal(403, "cannotDeletePrimaryCalendar", "Primary calendars can't be deleted.", domain="calendar")
        del self.store.calendars[one.id]

    def _free_busy(self, call: Call, etag: str) -> Row:
        """ "Freebusy: query". The span of a query is limited (an answer of the live service: timeRangeTooLong)."""
        begin, end = (datetime.fromisoformat(call.body[name]) for name in ("timeMin", "timeMax"))
        if end <= begin or end - begin > timedelta(days=90):
            raise Refusal(400, "timeRangeTooLong" if end > begin else "timeRangeEmpty", "The requested time range is too long.", domain="calendar")
        wanted = [one["id"] for one in call.body.get("items", ())]
        found: Row = {}
        for one in wanted:
            try:
                if len(wanted) > 50:
                    raise Refusal(400, "tooManyCalendarsRequested", "")
                if one in self.habits.blind:
                    raise Refusal(503, "internalError", "")
                found[one] = {"busy": self.store.free_busy(self.store.calendar(one), begin, end)}
            except Refusal as error:
                found[one] = {"errors": [{"domain": error.domain, "reason": error.reason}], "busy": []}
        return {"kind": "calendar#freeBusy", "timeMin": call.body["timeMin"], "timeMax": call.body["timeMax"], "calendars": found}

    # Events

    def _get(self, call: Call, etag: str) -> Row:
        return self.store.event(self.store.calendar(call.given["calendarId"]), call.given["eventId"])

    def _insert(self, call: Call, etag: str) -> Row:
        return self.store.insert(self.store.calendar(call.given["calendarId"], write=True), _sent(call), call.given.get("sendUpdates", "none"))

    def _patch(self, call: Call, etag: str) -> Row:
        calendar = self.store.calendar(call.given["calendarId"], write=True)
        whole = call.id.endswith("update")
        return self.store.change(calendar, call.given["eventId"], _sent(call), etag, call.given.get("sendUpdates", "none"), whole=whole)

    def _delete(self, call: Call, etag: str) -> None:
        calendar = self.store.calendar(call.given["calendarId"], write=True)
        self.store.delete(calendar, call.given["eventId"], etag, call.given.get("sendUpdates", "none"))

    def _move(self, call: Call, etag: str) -> Row:
        source, target = (self.store.calendar(call.given[name], write=True) for name in ("calendarId", "destination"))
        return self.store.move(source, call.given["eventId"], target, call.given.get("sendUpdates", "none"))

    def _watch(self, call: Call, etag: str) -> Row:
        return self.channels.watch(call.body, self.store.calendar(call.given["calendarId"]).id, self.habits.address)

    def _stop(self, call: Call, etag: str) -> None:
        self.channels.stop(call.body)

    def _instances(self, call: Call, etag: str) -> Row:
        calendar, given = self.store.calendar(call.given["calendarId"]), call.given
        rows = [one for one in single(calendar, *_span(given)) if one.get("recurringEventId") == given["eventId"]]
        return self._events(calendar) | self._page(call, sorted(rows, key=lambda one: str(one["id"])), "-")

    def _events(self, calendar: Calendar) -> Row:
        return {"kind": "calendar#events", "summary": calendar.summary, "timeZone": calendar.zone, "accessRole": calendar.role, "defaultReminders": []}

    def _list(self, call: Call, etag: str) -> Row:
        """ "Events: list" and "Synchronize resources efficiently"."""
        calendar, given = self.store.calendar(call.given["calendarId"]), call.given
        if "syncToken" in given and (any(name in given for name in DELTA) or given.get("showDeleted") is False):
            raise Refusal(400, "invalidParameter", "This parameter can't be combined with a sync token.", location="syncToken")
        if given.get("orderBy") == "startTime" and not given.get("singleEvents"):
            raise Refusal(400, "badRequest", "The requested ordering is not available for the particular query.", location="orderBy")
        ending = f"{self.store.epoch}.{calendar.id}.{len(calendar.log)}"
        if "pageToken" in given:
            return self._events(calendar) | self._page(call, [], "")
        if "syncToken" in given:
            epoch, _, rest = given["syncToken"].partition(".")
            place = rest.rpartition(".")[2]
            if not place.isdecimal() or rest.rpartition(".")[0] != calendar.id:
                raise Refusal(400, "invalid", "Invalid sync token value.", location="syncToken")
            if epoch != str(self.store.epoch):
                raise Refusal(410, "fullSyncRequired", "Sync token is no longer valid, a full sync is required.", domain="calendar")
            ids = dict.fromkeys(calendar.log[int(place) :])
            rows = [_tombstone(calendar.events[one]) for one in ids if one in calendar.events]
        else:
            rows = self._wanted(calendar, given)
        return self._events(calendar) | self._page(call, rows, "" if "orderBy" in given else ending)

    def _wanted(self, calendar: Calendar, given: dict[str, Any]) -> list[Row]:
        begin, end = _span(given)
        if given.get("singleEvents"):
            rows = single(calendar, begin, end)
            rows.sort(key=lambda one: json.dumps(one["start"]))
        else:
            rows = [one for one in calendar.events.values() if within(one, calendar.zone, begin, end)]
        pairs = [text.partition("=") for text in given.get("privateExtendedProperty", ())]
        kept = []
        for row in rows:
            # "showDeleted": cancelled instances are always listed beside their series.
            shown = row["status"] != "cancelled" or given.get("showDeleted") or ("recurringEventId" in row and not given.get("singleEvents"))
            private = row.get("extendedProperties", {}).get("private", {})
            if self.habits.narrow and "iCalUID" in given and row["status"] == "cancelled":
                continue
            if shown and given.get("iCalUID") in (None, row["iCalUID"]) and all(private.get(name) == value for name, _, value in pairs):
                kept.append(_tombstone(row))
        return kept

    def _page(self, call: Call, rows: list[Row], ending: str) -> Row:
        """The next rows; only the last page has a sync token, every other one a page token."""
        if "pageToken" in call.given:
            if call.given["pageToken"] not in self.listings:
                raise Refusal(400, "invalid", "Invalid page token value.", location="pageToken")
            rows, ending = self.listings[call.given["pageToken"]]
        size = min(self.habits.page_size, call.given.get("maxResults", 250))
        page: Row = {"items": rows[:size]}
        if len(rows) > size:
            token = uuid4().hex
            self.listings[token] = (rows[size:], ending)
            return page | {"nextPageToken": token}
        return page | ({"nextSyncToken": ending} if ending.strip("-") else {})


ACTIONS: dict[str, Callable[[Calls, Call, str], Row | None]] = {
    f"calendar.{name}": action
    for name, action in {
        "calendarList.list": Calls._calendar_list,
        "calendarList.get": Calls._calendar_entry,
        "calendars.get": Calls._calendar,
        "calendars.insert": Calls._add_calendar,
        "calendars.delete": Calls._delete_calendar,
        "freebusy.query": Calls._free_busy,
        "events.list": Calls._list,
        "events.get": Calls._get,
        "events.insert": Calls._insert,
        "events.patch": Calls._patch,
        "events.update": Calls._patch,
        "events.delete": Calls._delete,
        "events.move": Calls._move,
        "events.instances": Calls._instances,
        "events.watch": Calls._watch,
        "channels.stop": Calls._stop,
    }.items()
}


def _sent(call: Call) -> Row:
    """ "Create events": conference data is written only by who says that it knows it; otherwise it is left as it is."""
    return call.body if call.given.get("conferenceDataVersion") == 1 else {name: value for name, value in call.body.items() if name != "conferenceData"}


def _tombstone(row: Row) -> Row:
    """As little of a cancelled event as is guaranteed (discovery document, Event.status)."""
    if row["status"] != "cancelled":
        return row
    kept = ("kind", "etag", "id", "status", "recurringEventId", "originalStartTime")
    return {name: row[name] for name in kept if name in row}


def _span(given: dict[str, Any]) -> tuple[datetime | None, datetime | None]:
    begin, end = (datetime.fromisoformat(given[name]) if name in given else None for name in ("timeMin", "timeMax"))
    return begin, end
