"""A person with a Google client of her own: plain httpx, none of our code."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import quote

import httpx

from integrations.contract import NeedsPerson
from integrations.google.provider import GoogleProvider
from integrations.items import Event
from integrations.testing.servers.google import OFFICE, PERSON, GoogleServer

JSON = {"Content-Type": "application/json"}
NAMES = {"title": "summary", "description": "description", "location": "location"}


class Access:
    """Credentials with a token that is still good."""

    server, username = "", "employee@example.com"

    def __init__(self, token: str = OFFICE) -> None:
        self.token = token

    def access_token(self, rejected: str = "") -> str:
        return self.token

    def secret(self, name: str) -> str:
        raise NeedsPerson("There is no such secret.", "Connect the account again.")


class GoogleWorld:
    """The calendar "Work" beside the account's primary one."""

    def __init__(self, server: GoogleServer) -> None:
        self.server = server
        self.http = httpx.Client(base_url=f"{server.address}/calendar/v3/", headers={"Authorization": f"Bearer {PERSON}"}, timeout=30)
        self.calendar = server.store.add_calendar("Work", "Europe/Berlin").id

    def provider(self, token: str = OFFICE, **settings: Any) -> GoogleProvider:
        return GoogleProvider(Access(token), settings)

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None, calendar: str = "", **query: Any) -> dict[str, Any]:
        content = None if body is None else json.dumps(body)  # all ASCII: half a character may be in it
        answer = self.http.request(method, f"calendars/{quote(calendar or self.calendar)}/{path}", content=content, headers=JSON, params=query)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else {}

    def put(self, item: Event, *exceptions: Event) -> str:
        row = self.ask(
            "POST", "events", _row(item) | ({"recurrence": list(item.recurrence)} if item.recurrence else {}) | ({"iCalUID": item.uid} if item.uid else {})
        )
        for one in exceptions:
            assert isinstance(one.recurrence_id, datetime)
            self.ask("PATCH", f"events/{row['id']}_{one.recurrence_id.astimezone(UTC):%Y%m%dT%H%M%SZ}", _row(one))
        return str(row["id"])

    def row(self, remote_id: str) -> dict[str, Any]:
        return self.ask("GET", f"events/{remote_id}")

    def patch(self, remote_id: str, **values: Any) -> None:
        self.ask("PATCH", f"events/{remote_id}", values)

    def edit(self, remote_id: str, **changes: Any) -> None:
        values = {NAMES[name]: value for name, value in changes.items() if name in NAMES}
        self.patch(remote_id, **values, **{name: _time(changes[name]) for name in ("start", "end") if name in changes})

    def remove(self, remote_id: str) -> None:
        self.ask("DELETE", f"events/{remote_id}")

    def decorate(self, remote_id: str) -> None:
        body = {
            "colorId": "7",
            "conferenceData": {"entryPoints": [{"entryPointType": "video", "uri": "https://meet.example.com/a?b=1&c=2"}], "conferenceId": "abc"},
            "attendees": [{"email": "foreign@example.com", "displayName": "Foreign", "responseStatus": "accepted", "comment": "gladly"}],
            "extendedProperties": {"private": {"another": "program"}, "shared": {"third": "one"}},
            "reminders": {"useDefault": False, "overrides": [{"method": "popup", "minutes": 30}]},
            "source": {"title": "Elsewhere", "url": "https://example.com/x"},
        }
        self.ask("PATCH", f"events/{remote_id}", body, conferenceDataVersion=1)

    def decorations(self, remote_id: str) -> Collection[str]:
        row = self.row(remote_id)
        private = {name: one for name, one in row["extendedProperties"]["private"].items() if not name.startswith("kalends")}
        kept = {name: row.get(name) for name in ("colorId", "conferenceData", "attendees", "reminders", "source")}
        return [json.dumps(kept | {"private": private, "shared": row["extendedProperties"].get("shared")}, sort_keys=True)]

    def fail(self, kind: str, after: int | None = None) -> None:
        if kind == "busy":
            self.server.faults.after = after
            self.server.faults.then("403:rateLimitExceeded")
        else:
            self.server.faults.then({"lost-answer": "cut-after", "lost-call": "cut-before"}[kind], "write")

    def forget_cursors(self) -> str:
        token = f"{self.server.store.epoch}.{self.calendar}.0"
        self.server.forget_cursors()
        return f"google:{token}"

    def writes(self) -> int:
        return self.server.writes


def _row(item: Event) -> dict[str, Any]:
    row = {theirs: getattr(item, ours) for ours, theirs in NAMES.items()}
    row |= {"start": _time(item.start), "end": _time(item.end)}
    return row | ({"transparency": "transparent"} if item.show_as == "free" else {})


def _time(value: datetime | date) -> dict[str, str]:
    return {"dateTime": value.isoformat(), "timeZone": str(value.tzinfo)} if isinstance(value, datetime) else {"date": value.isoformat()}
