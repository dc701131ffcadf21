"""A person with a Graph client of her own: plain httpx, none of our code."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any
from urllib.parse import quote

import httpx

from integrations.contract import Provider
from integrations.items import Event
from integrations.outlook.provider import OutlookProvider
from integrations.testing.servers.graph import GraphServer, graph

LINK = "https://meet.example.com/a?b=1&c=2"
FOREIGN = "String {11111111-2222-3333-4444-555555555555} Name SomebodyElses"
IMMUTABLE = {"Prefer": 'IdType="ImmutableId"'}
SHOWN = {"busy": "busy", "free": "free", "tentative": "tentative", "away": "oof", "elsewhere": "workingElsewhere"}
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass
class Token:
    """Credentials that hold nothing but an access token."""

    token: str
    username: str = "employee@example.com"
    server: str = ""

    def access_token(self, rejected: str = "") -> str:
        return self.token

    def secret(self, name: str) -> str:
        raise AssertionError("Outlook has no passwords")


class OutlookWorld:
    """The default calendar of a mailbox. The person's calls don't meet the faults, which are the provider's."""

    def __init__(self, server: GraphServer) -> None:
        self.server = server
        self.calendar = next(iter(server.mailbox.calendars))
        self.http = httpx.Client(base_url=f"{server.address}/v1.0/me/calendars/", headers={"Authorization": f"Bearer {server.token}"} | IMMUTABLE, timeout=30)

    def provider(self, **settings: Any) -> Provider:
        return OutlookProvider(Token(self.server.token), settings)

    def path(self, remote_id: str = "", calendar: str = "") -> str:
        return f"{quote(calendar or self.calendar, safe='')}/events{'/' + quote(remote_id, safe='') if remote_id else ''}"

    def ask(self, method: str, path: str, given: Any = None, **query: str) -> Any:
        content = None if given is None else json.dumps(given)  # all ASCII: half a character may be in it
        answer = self.http.request(method, path, content=content, headers={"Content-Type": "application/json"}, params=query or None)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def post(self, given: dict[str, Any], calendar: str = "") -> str:
        return str(self.ask("POST", self.path(calendar=calendar), given)["id"])

    def put(self, item: Event, *exceptions: Event) -> str:
        given = {"subject": item.title, "body": {"contentType": "text", "content": item.description}, "location": {"displayName": item.location}}
        given |= times(item.start, item.end) | {"isAllDay": item.all_day, "showAs": SHOWN[item.show_as]}
        excluded = []
        for line in item.recurrence:
            if line.startswith("RRULE:FREQ=WEEKLY;COUNT="):
                pattern = {"type": "weekly", "interval": 1, "daysOfWeek": [DAYS[item.start.weekday()]], "firstDayOfWeek": "monday"}
                reach = {
                    "type": "numbered",
                    "startDate": f"{item.start:%Y-%m-%d}",
                    "numberOfOccurrences": int(line.rpartition("=")[2]),
                    "recurrenceTimeZone": "W. Europe Standard Time",
                }
                given["recurrence"] = {"pattern": pattern, "range": reach}
            else:
                assert line.startswith("EXDATE:")
                excluded.append(datetime.strptime(line[7:], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC))
        remote_id = self.post(given)
        for one in exceptions:
            assert isinstance(one.recurrence_id, datetime)
            self.ask("PATCH", self.path(self.occurrence(remote_id, one.recurrence_id)), {"subject": one.title} | times(one.start, one.end))
        for moment in excluded:
            self.ask("DELETE", self.path(self.occurrence(remote_id, moment)))
        return remote_id

    def occurrence(self, remote_id: str, start: datetime) -> str:
        """The id of the occurrence that begins then."""
        span = {"startDateTime": start.astimezone(UTC).isoformat(), "endDateTime": start.astimezone(UTC).replace(second=1).isoformat()}
        found = self.ask("GET", self.path(remote_id) + "/instances", **span)["value"]
        assert len(found) == 1
        return str(found[0]["id"])

    def edit(self, remote_id: str, **changes: Any) -> None:
        given: dict[str, Any] = {"title": ("subject", str), "location": ("location", lambda text: {"displayName": text})}
        sent = {given[name][0]: given[name][1](value) for name, value in changes.items() if name in given}
        if "start" in changes:
            sent |= times(changes["start"], changes["end"])
        self.ask("PATCH", self.path(remote_id), sent)

    def remove(self, remote_id: str) -> None:
        self.ask("DELETE", self.path(remote_id))

    def decorate(self, remote_id: str) -> None:
        guests = self.ask("GET", self.path(remote_id))["attendees"]
        guests.append(
            {
                "type": "optional",
                "status": {"response": "accepted", "time": "2031-01-01T00:00:00Z"},
                "emailAddress": {"address": "foreign@example.com", "name": "Foreign"},
            }
        )
        given = {"categories": ["Red category", "Two"], "importance": "high", "isReminderOn": True, "reminderMinutesBeforeStart": 30, "isOnlineMeeting": True}
        given |= {"attendees": guests, "singleValueExtendedProperties": [{"id": FOREIGN, "value": LINK}], "allowNewTimeProposals": False}
        self.ask("PATCH", self.path(remote_id), given)

    def decorations(self, remote_id: str) -> Collection[str]:
        row = self.ask("GET", self.path(remote_id), **{"$expand": f"singleValueExtendedProperties($filter=id eq '{FOREIGN}')"})
        names = ("categories", "importance", "isReminderOn", "reminderMinutesBeforeStart", "isOnlineMeeting", "onlineMeeting", "allowNewTimeProposals", "body")
        return [str(row[name]) for name in (*names, "singleValueExtendedProperties")] + [str(one) for one in row["attendees"]]

    def fail(self, kind: str, after: int | None = None) -> None:
        self.server.faults.after = after
        self.server.faults.then({"lost-answer": "lose-after", "lost-call": "lose-before", "busy": "busy"}[kind], "" if kind == "busy" else "write")

    def forget_cursors(self) -> str:
        link = f"{self.server.address}/v1.0/me/calendars/{quote(self.calendar, safe='')}/calendarView/delta()?$deltatoken=forgotten"
        self.server.forget_tokens()
        return f"2040-01-01T00:00:00Z {link}"

    def writes(self) -> int:
        return self.server.mailbox.writes


def times(start: datetime | date, end: datetime | date) -> dict[str, Any]:
    """As Outlook's own clients write them: wall times with Windows names, whole days from midnight to midnight."""
    found = {}
    for name, value in (("start", start), ("end", end)):
        local = value.astimezone(UTC).replace(tzinfo=None) if isinstance(value, datetime) else datetime.combine(value, time())
        zone = "UTC"
        if isinstance(value, datetime) and str(value.tzinfo) == "Europe/Berlin":
            local, zone = value.replace(tzinfo=None), "W. Europe Standard Time"
        found[name] = {"dateTime": local.isoformat(timespec="seconds"), "timeZone": zone}
    return found


@contextmanager
def world() -> Iterator[OutlookWorld]:
    with graph() as server:
        made = OutlookWorld(server)
        yield made
        made.http.close()
