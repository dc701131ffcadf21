"""A person with a calendar program of the own: plain httpx and icalendar against a real CalDAV server, none of our code."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urljoin
from uuid import uuid4
from xml.etree import ElementTree

import httpx
import icalendar
from django.test import Client
from django.urls import reverse

from integrations.models import Account, Plan
from integrations.testing.servers import Server

DAV = "{DAV:}"
MAKE = """<?xml version="1.0"?><C:mkcalendar xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop>
<D:displayname>{name}</D:displayname></D:prop></D:set></C:mkcalendar>"""
NAMES = '<?xml version="1.0"?><D:propfind xmlns:D="DAV:"><D:prop><D:displayname/></D:prop></D:propfind>'


class Person:
    def __init__(self, server: Server) -> None:
        self.server = server
        self.http = httpx.Client(auth=(server.username, server.password), timeout=30)
        for url in self.calendars().values():
            self.http.delete(url)
        self.personal = self.make("Personal")

    def _children(self, url: str) -> dict[str, str]:
        """Address -> displayname of everything directly below."""
        answer = self.http.request("PROPFIND", url, content=NAMES, headers={"Depth": "1"})
        if answer.status_code == 404:
            return {}
        found = {}
        for part in ElementTree.fromstring(answer.content).iter(f"{DAV}response"):
            href = urljoin(url, part.findtext(f"{DAV}href"))
            if href.rstrip("/") != url.rstrip("/"):
                found[href] = next((one.text or "" for one in part.iter(f"{DAV}displayname")), "")
        return found

    def calendars(self) -> dict[str, str]:
        """Name -> address."""
        return {name: url for url, name in self._children(self.server.home).items()}

    def make(self, name: str) -> str:
        url = f"{self.server.home}{uuid4().hex}/"
        answer = self.http.request("MKCALENDAR", url, content=MAKE.format(name=name))
        assert answer.status_code == 201, answer.text
        return url

    def events(self, calendar: str) -> dict[str, icalendar.Event]:
        """Address -> event."""
        found = {}
        for url in self._children(calendar):
            found[url] = self._event(url)
        return found

    def _event(self, url: str) -> Any:
        return icalendar.Calendar.from_ical(self.http.get(url).content).walk("VEVENT")[0]

    def event(self, calendar: str) -> icalendar.Event:
        """The only one there."""
        (found,) = self.events(calendar).values()
        return found

    def put(self, calendar: str, start: datetime, end: datetime, **values: Any) -> str:
        event = icalendar.Event()
        for name, value in {"uid": f"{uuid4()}@person", "dtstamp": start, "dtstart": start, "dtend": end, "summary": "Dentist", **values}.items():
            event.add(name.replace("_", "-"), value)
        whole = icalendar.Calendar()
        whole.add("prodid", "-//Person//EN")
        whole.add("version", "2.0")
        whole.add_component(event)
        url = f"{calendar}{uuid4().hex}.ics"
        assert self.http.put(url, content=whole.to_ical(), headers={"Content-Type": "text/calendar"}).status_code == 201
        return url

    def edit(self, calendar: str, **values: Any) -> None:
        """Changes the only event there."""
        (url,) = self.events(calendar)
        whole = icalendar.Calendar.from_ical(self.http.get(url).content)
        event = whole.walk("VEVENT")[0]
        for name, value in values.items():
            event.pop(name, None)
            event.add(name, value)
        assert self.http.put(url, content=whole.to_ical(), headers={"Content-Type": "text/calendar"}).status_code in (201, 204)

    def clear(self, calendar: str) -> None:
        for url in self.events(calendar):
            assert self.http.delete(url).status_code in (200, 204)


def connect(client: Client, person: Person, **values: str) -> Any:
    """Fills in the form; the page that answers."""
    typed = {"server": person.server.address, "username": person.server.username, "password": person.server.password} | values
    return client.post(reverse("integrations:connect_with", args=["caldav"]), typed, follow=True)


def connected(client: Client, person: Person, *, writes: str = "") -> Account:
    """Connected, "Personal" is read; `writes` may be "new" or the id of a calendar."""
    connect(client, person)
    account = Account.objects.get()
    personal = next(one["id"] for one in account.calendars if one["name"] == "Personal")
    choose(client, account, reads=[personal], writes=writes)
    return account


def choose(client: Client, account: Account, *, reads: list[str], writes: str) -> Any:
    """Chooses, looks at what will happen and agrees; the page that answers."""
    page = client.post(reverse("integrations:choose", args=[account.pk]), {"reads": reads, "writes": writes}, follow=True)
    plan = Plan.objects.filter(account=account).first()
    return client.post(reverse("integrations:plan", args=[account.pk]), {"plan": plan.pk}, follow=True) if plan else page


def separate(person: Person) -> str:
    """The address of the calendar that was made for the appointments."""
    (url,) = (url for name, url in person.calendars().items() if name != "Personal")
    return url
