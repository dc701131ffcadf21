"""What closes slots: one table over all providers, each row entered there as its people do and read by the engine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial
from typing import Any, Protocol

import pytest
from django.utils import timezone

from booking.availability import is_bookable
from booking.models import Busy, Employee, Service
from integrations import connect, engine
from integrations.contract import Window
from integrations.google.tests.world import GoogleWorld
from integrations.models import Link
from integrations.outlook.tests.world import OutlookWorld, times
from integrations.testing.servers import ADDRESS, Server
from integrations.tests.salon import Diary, at, connect_calendar
from integrations.tests.tellers import teller

NOTHING = None  # there is no such thing
HOME = {"transparency": "transparent", "visibility": "public", "workingLocationProperties": {"type": "homeOffice", "homeOffice": {}}}


@dataclass(frozen=True, slots=True)
class Row:
    """What a person does, whether that closes slots, and how it is kept: the lines of a VEVENT, Google's and Graph's fields. `whole`: for a whole day.
    `private`: its title is not kept."""

    what: str
    closes: bool
    caldav: tuple[str, ...] | None
    google: dict[str, Any] | None
    outlook: dict[str, Any] | None
    whole: bool = False
    private: bool = False


def dav_guest(response: str) -> tuple[str, ...]:
    return ("ORGANIZER:mailto:boss@example.com", f"ATTENDEE;PARTSTAT={response}:MAILTO:Employee@Example.com")


def google_guest(response: str) -> dict[str, Any]:
    return {"attendees": [{"email": "employee@example.com", "self": True, "responseStatus": response}]}


def graph_guest(response: str, shown: str) -> dict[str, Any]:
    return {"responseStatus": {"response": response}, "showAs": shown}


FREE, SHOWS_FREE = ("TRANSP:TRANSPARENT",), {"transparency": "transparent"}
AWAY, ELSEWHERE = ("X-MICROSOFT-CDO-BUSYSTATUS:OOF",), ("X-MICROSOFT-CDO-BUSYSTATUS:WORKINGELSEWHERE",)
TABLE = [
    Row("enters something", True, (), {}, {}),
    Row("shows it as busy", True, ("TRANSP:OPAQUE",), {"transparency": "opaque"}, {"showAs": "busy"}),
    Row("shows it as free", False, FREE, SHOWS_FREE, {"showAs": "free"}),
    Row("is not sure of it", True, ("STATUS:TENTATIVE",), {"status": "tentative"}, {"showAs": "tentative"}),
    Row("is not sure of it and shows it as free", False, (*FREE, "STATUS:TENTATIVE"), SHOWS_FREE | {"status": "tentative"}, NOTHING),
    Row("shows it in a way nobody knows", True, ("X-MICROSOFT-CDO-BUSYSTATUS:NODATA",), NOTHING, {"showAs": "unknown"}),
    Row("is out of office", True, AWAY, {"eventType": "outOfOffice"}, {"showAs": "oof"}),
    Row("works elsewhere", False, ELSEWHERE, HOME | {"eventType": "workingLocation"}, {"showAs": "workingElsewhere"}),
    Row("wants to focus", True, NOTHING, {"eventType": "focusTime"}, NOTHING),
    Row("keeps it private", True, ("CLASS:PRIVATE",), {"visibility": "private"}, {"sensitivity": "private"}, private=True),
    Row("keeps it confidential", True, ("CLASS:CONFIDENTIAL",), {"visibility": "confidential"}, {"sensitivity": "confidential"}, private=True),
    Row("calls it personal", True, NOTHING, NOTHING, {"sensitivity": "personal"}, private=True),
    Row("keeps private what is free", False, ("CLASS:PRIVATE", *FREE), SHOWS_FREE | {"visibility": "private"}, {"sensitivity": "private", "showAs": "free"}),
    Row("cancels it and leaves it there", False, ("STATUS:CANCELLED",), {"status": "cancelled"}, {"isCancelled": True}),
    Row("is invited and has not answered", True, dav_guest("NEEDS-ACTION"), google_guest("needsAction"), graph_guest("notResponded", "tentative")),
    Row("is invited and may come", True, dav_guest("TENTATIVE"), google_guest("tentative"), graph_guest("tentativelyAccepted", "tentative")),
    Row("is invited and comes", True, dav_guest("ACCEPTED"), google_guest("accepted"), graph_guest("accepted", "busy")),
    Row("is invited and does not come", False, dav_guest("DECLINED"), google_guest("declined"), graph_guest("declined", "busy")),
    Row("is away all day", True, (), {}, {}, whole=True),
    Row("is out of office all day", True, AWAY, NOTHING, {"showAs": "oof"}, whole=True),
    Row("notes something for the whole day", False, FREE, SHOWS_FREE, {"showAs": "free"}, whole=True),
    Row("works elsewhere all day", False, ELSEWHERE, HOME | {"eventType": "workingLocation"}, {"showAs": "workingElsewhere"}, whole=True),
    Row("has a birthday", False, FREE, SHOWS_FREE | {"eventType": "birthday", "visibility": "private"}, {"showAs": "free"}, whole=True),
]  # fmt: skip
PLACES = ("caldav", "google", "outlook")
SAID = [(place, row) for row in TABLE for place in PLACES if getattr(row, place) is not NOTHING]


class Enters(Protocol):
    def __call__(self, said: Any, start: datetime | date, end: datetime | date) -> None: ...


def into_caldav(diary: Diary, said: tuple[str, ...], start: datetime | date, end: datetime | date) -> None:
    begin, until = (one if isinstance(one, datetime) else f"{one:%Y%m%d}" for one in (start, end))
    diary.enter("Something", begin, until, *said)


def into_google(world: GoogleWorld, said: dict[str, Any], start: datetime | date, end: datetime | date) -> None:
    """Cancelled is what was there before."""
    span = {name: {"dateTime": one.isoformat()} if isinstance(one, datetime) else {"date": f"{one}"} for name, one in (("start", start), ("end", end))}
    made = world.ask("POST", "events", {"summary": "Something"} | span | {name: value for name, value in said.items() if value != "cancelled"})
    if said.get("status") == "cancelled":
        world.patch(made["id"], status="cancelled")


def into_outlook(world: OutlookWorld, said: dict[str, Any], start: datetime | date, end: datetime | date) -> None:
    """What follows from others' invitations and cancellations no client can write."""
    given = {name: value for name, value in said.items() if name not in ("responseStatus", "isCancelled")}
    stored = world.server.mailbox.events[world.post({"subject": "Something", "isAllDay": not isinstance(start, datetime)} | times(start, end) | given)]
    stored.is_cancelled = said.get("isCancelled", False)
    stored.fields |= {name: said[name] for name in said.keys() & {"responseStatus"}}


@contextmanager
def linked(place: str, employee: Employee, request: pytest.FixtureRequest) -> Iterator[tuple[Link, Enters]]:
    """The employee's calendar there, the main one where that matters, and how something is entered. A CalDAV user is known by an e-mail address."""
    if place == "caldav":
        server, proxy = request.getfixturevalue("caldav_server"), request.getfixturevalue("caldav_proxy")
        link, diary = connect_calendar(_named(server), proxy, employee)
        yield link, partial(into_caldav, diary)
        diary.ask("DELETE")
    else:
        with teller(place, employee, request.getfixturevalue("settings"), main=True) as there:
            yield there.link, partial(into_google if place == "google" else into_outlook, there.person)


def _named(server: Server) -> Server:
    named = replace(server, username=ADDRESS, home=f"{server.address}{ADDRESS}/")
    Diary(named, named.home).ask("PROPFIND")  # Radicale makes a user's home at the first sign-in
    return named


@pytest.mark.feature("A9")
@pytest.mark.feature("A17")
@pytest.mark.parametrize(("place", "row"), SAID, ids=[f"{place}: {row.what}" for place, row in SAID])
def test_what_a_person_does_closes_slots_alike_wherever_it_is_done(place: str, row: Row, employee: Employee, service: Service, request: pytest.FixtureRequest):
    """F65. The engine and the server's own answer to "when is it busy?" both agree with the table. Seen red with each rule taken out: elsewhere, declined (per
    provider), cancelled, and the titles of private ones kept; and with elsewhere taking time in `busy` alone."""
    start, end = (at(0).date(), at(0, day=1).date()) if row.whole else (at(10), at(11))
    takes = (at(0), at(0, day=1)) if row.whole else (at(10), at(11))
    with linked(place, employee, request) as (link, enter):
        engine.pull(link.pk)
        assert is_bookable(service=service, employee=employee, start=at(10), now=timezone.now())
        enter(getattr(row, place), start, end)
        engine.pull(link.pk)
        link.refresh_from_db()
        assert not link.quarantine
        assert list(Busy.objects.values_list("start", "end", "title")) == [(*takes, "" if row.private else "Something")] * row.closes
        assert (is_bookable(service=service, employee=employee, start=at(10), now=timezone.now()) is None) == row.closes
        window = Window(at(0, day=-1), at(0, day=2))
        theirs = connect.provider_for(link.account, timezone=link.calendar.timezone).busy([link.remote_id], window)
        assert theirs == [takes] * row.closes, "the server sees it otherwise"
