"""A person with a CalDAV client of her own: plain httpx and icalendar, none of our code."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from urllib.parse import urljoin, urlsplit
from uuid import uuid4

import httpx
import icalendar

from integrations.caldav.provider import CaldavProvider
from integrations.contract import Provider
from integrations.items import Event
from integrations.testing.accounts import Login
from integrations.testing.proxy import Fault, Proxy, proxy
from integrations.testing.servers import Server

NAMES = {"title": "summary", "description": "description", "location": "location", "start": "dtstart", "end": "dtend"}
MORE = NAMES | {"touched": "x-touched"}


class CaldavWorld:
    """One new calendar on a server; the provider goes through the proxy, the person does not."""

    def __init__(self, server: Server, proxy: Proxy) -> None:
        self.server, self.proxy = server, proxy
        self.http = httpx.Client(auth=(server.username, server.password), timeout=30, verify=False)
        self.direct = f"{server.home}{uuid4().hex}/"
        answer = self.http.request("MKCALENDAR", self.direct)
        assert answer.status_code == 201, answer.text
        self.calendar = urljoin(proxy.address, urlsplit(self.direct).path)

    def provider(self, **settings: Any) -> Provider:
        return CaldavProvider(Login(self.proxy.address, self.server.username, self.server.password), settings)

    def put_text(self, text: str | bytes, name: str = "") -> str:
        """A person's client stores this text; its remote id."""
        url = f"{self.direct}{name or uuid4().hex + '.ics'}"
        answer = self.http.put(url, content=text, headers={"Content-Type": "text/calendar; charset=utf-8"})
        assert answer.status_code in (201, 204), answer.text
        return urlsplit(url).path

    def text(self, remote_id: str) -> bytes:
        answer = self.http.get(urljoin(self.direct, remote_id))
        assert answer.status_code == 200, answer.text
        return answer.content

    def put(self, item: Event, *exceptions: Event) -> str:
        calendar = icalendar.Calendar()
        calendar.add("prodid", "-//Person//EN")
        calendar.add("version", "2.0")
        uid = item.uid or f"{uuid4()}@person"
        for one in (item, *exceptions):
            event = icalendar.Event()
            event.add("uid", uid)
            event.add("dtstamp", datetime.now().astimezone())
            for name in NAMES:
                event.add(NAMES[name], getattr(one, name))
            if one.show_as == "free":
                event.add("transp", "TRANSPARENT")
            if one.key:  # a copy of one of ours, made by a client that keeps what it does not know
                event.add("x-kalends-key", one.key)
            if one.recurrence_id:
                event.add("recurrence-id", one.recurrence_id)
            text = event.to_ical().decode()
            calendar.add_component(icalendar.Event.from_ical(text.replace("END:VEVENT", "\r\n".join([*one.recurrence, "END:VEVENT"]))))
        calendar.add_missing_timezones()
        return self.put_text(calendar.to_ical())

    def edit(self, remote_id: str, **changes: Any) -> None:
        calendar = icalendar.Calendar.from_ical(self.text(remote_id))
        event = calendar.walk("VEVENT")[0]
        for name, value in changes.items():
            event.pop(MORE[name], None)
            event.add(MORE[name], value)
        self.put_text(calendar.to_ical(), remote_id.rpartition("/")[2])

    def remove(self, remote_id: str) -> None:
        assert self.http.delete(urljoin(self.direct, remote_id)).status_code in (200, 204)

    def decorate(self, remote_id: str) -> None:
        calendar = icalendar.Calendar.from_ical(self.text(remote_id))
        event = calendar.walk("VEVENT")[0]
        event.add("x-meeting-link", "https://meet.example.com/a?b=1&c=2")
        event.add("color", "turquoise")
        event.add("categories", ["One", "Two"])
        event.add("attendee", "mailto:foreign@example.com", parameters={"CN": "Foreign", "PARTSTAT": "ACCEPTED"})
        event.add("organizer", "mailto:foreign@example.com")
        alarm = icalendar.Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", "Summary of the alarm")
        alarm.add("x-own", "alarm")
        alarm["trigger"] = "-PT30M"
        event.add_component(alarm)
        self.put_text(calendar.to_ical(), remote_id.rpartition("/")[2])

    def decorations(self, remote_id: str) -> Collection[str]:
        event = icalendar.Calendar.from_ical(self.text(remote_id)).walk("VEVENT")[0]
        names = ("X-MEETING-LINK", "COLOR", "CATEGORIES", "ATTENDEE", "ORGANIZER")
        lines = event.to_ical().decode().replace("\r\n ", "").splitlines()
        alarms = [alarm.to_ical().decode() for alarm in event.walk("VALARM")]
        return sorted(line for line in lines if line.partition(":")[0].partition(";")[0] in names) + alarms

    def fail(self, kind: str, after: int | None = None) -> None:
        if kind == "busy":
            self.proxy.then(Fault("status", status=503, after=str(after or "")))
        else:
            wanted = "cut" if kind == "lost-answer" else "cut-before"
            self.proxy.then(Fault(wanted, method="PUT DELETE"))

    def forget_cursors(self) -> str:
        return "t:http://radicale.org/ns/sync/" + "0" * 64

    def writes(self) -> int:
        return self.proxy.writes()


@contextmanager
def world(server: Server) -> Iterator[CaldavWorld]:
    with proxy(server.address) as state:
        made = CaldavWorld(server, state)
        yield made
        made.http.delete(made.direct)  # who lists calendars lists them all
        made.http.close()
