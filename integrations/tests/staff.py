"""Employees with calendars at one server that knows them all: Google's and Microsoft's, as the people see them there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from unittest import mock

from django.utils import timezone

from booking.actions import appointments
from booking.actions.customers import Guest
from booking.models import Appointment, Employee, Service
from integrations import choosing, connect, engine
from integrations.alerts import tell_answers
from integrations.models import Account, Link, Outgoing, Pair, Rule
from integrations.testing.accounts import granted
from integrations.testing.converged import assert_converged, cycle
from integrations.testing.servers.google import GoogleServer, google
from integrations.testing.servers.google_calendar import moment as google_moment
from integrations.testing.servers.graph import GraphServer, graph
from integrations.testing.servers.graph_rules import moment as graph_moment

SETTINGS = {"google": ("GOOGLE_API_ROOT", "GOOGLE_OAUTH_ROOT"), "outlook": ("GRAPH_ROOT",)}


@dataclass(frozen=True, slots=True)
class Seen:
    """An event as it stands in somebody's calendar."""

    id: str
    title: str
    start: datetime
    organizer: str
    attendees: frozenset[str]
    shown: bool = True  # False: marked as cancelled
    text: str = ""  # title, description and whatever else stands in it


class Office(Protocol):
    """A server with all its people."""

    provider: str

    def join(self, email: str, name: str) -> None: ...
    def token(self, email: str) -> str: ...
    def calendar(self, email: str) -> str: ...
    def seen(self, email: str) -> list[Seen]: ...
    def enter(self, email: str, title: str, start: datetime, end: datetime) -> None: ...
    def move(self, email: str, event: str, start: datetime, end: datetime) -> None: ...
    def remove(self, email: str, event: str) -> None: ...
    def decline(self, email: str, event: str) -> None: ...
    def uninvite(self, email: str, event: str, guest: str) -> None: ...
    def writes(self) -> int: ...
    def mails(self) -> int: ...


class GoogleOffice:
    provider = "google"

    def __init__(self, server: GoogleServer) -> None:
        self.server = server

    def join(self, email: str, name: str) -> None:
        if email not in self.server.accounts:
            self.server.add_person(email, name)

    def token(self, email: str) -> str:
        return self.server.oauth.issue(email, f"token-of-{email}", app="office")

    def calendar(self, email: str) -> str:
        return email

    def _store(self, email: str) -> Any:
        return self.server.accounts[email].store

    def seen(self, email: str) -> list[Seen]:
        found = []
        for row in self._store(email).calendars[email].events.values():
            if row["status"] != "cancelled":
                guests = frozenset(one["email"] for one in row.get("attendees", ()))
                found.append(Seen(row["id"], row.get("summary", ""), google_moment(row["start"], "UTC"), row["organizer"]["email"], guests, text=str(row)))
        return sorted(found, key=lambda one: one.start)

    def enter(self, email: str, title: str, start: datetime, end: datetime) -> None:
        times = {name: {"dateTime": at.isoformat(), "timeZone": "Europe/Berlin"} for name, at in (("start", start), ("end", end))}
        with self.server.lock:
            store = self._store(email)
            store.insert(store.calendars[email], {"summary": title} | times, "none")

    def _patch(self, email: str, event: str, **body: Any) -> None:
        with self.server.lock:
            store = self._store(email)
            store.change(store.calendars[email], event, body, "", "none")

    def move(self, email: str, event: str, start: datetime, end: datetime) -> None:
        self._patch(email, event, **{name: {"dateTime": at.isoformat(), "timeZone": "Europe/Berlin"} for name, at in (("start", start), ("end", end))})

    def remove(self, email: str, event: str) -> None:
        with self.server.lock:
            store = self._store(email)
            store.delete(store.calendars[email], event, "", "none")

    def decline(self, email: str, event: str) -> None:
        rows = self._store(email).calendars[email].events[event]["attendees"]
        self._patch(email, event, attendees=[one | {"responseStatus": "declined"} if one["email"] == email else one for one in rows])

    def uninvite(self, email: str, event: str, guest: str) -> None:
        rows = self._store(email).calendars[email].events[event]["attendees"]
        self._patch(email, event, attendees=[one for one in rows if one["email"] != guest])

    def writes(self) -> int:
        return self.server.writes

    def mails(self) -> int:
        return sum(len(one.store.mails) for one in self.server.accounts.values())


class OutlookOffice:
    provider = "outlook"

    def __init__(self, server: GraphServer) -> None:
        self.server = server

    def join(self, email: str, name: str) -> None:
        if email not in self.server.accounts:
            self.server.add_person(email, name)

    def token(self, email: str) -> str:
        return self.server.oauth.issue(email, f"token-of-{email}", app="office")

    def calendar(self, email: str) -> str:
        return str(next(iter(self._box(email).calendars)))

    def _box(self, email: str) -> Any:
        return self.server.accounts[email].mailbox

    def seen(self, email: str) -> list[Seen]:
        found = []
        for one in self._box(email).events.values():
            fields, guests = one.fields, frozenset(guest["emailAddress"]["address"] for guest in one.fields["attendees"])
            found.append(Seen(one.id, fields["subject"], graph_moment(fields["start"]), one.organizer or email, guests, not one.is_cancelled, str(fields)))
        return sorted(found, key=lambda one: one.start)

    def enter(self, email: str, title: str, start: datetime, end: datetime) -> None:
        times = {name: {"dateTime": at.isoformat()[:19], "timeZone": "W. Europe Standard Time"} for name, at in (("start", start), ("end", end))}
        with self.server.lock:
            self._box(email).create(self.calendar(email), {"subject": title} | times)

    def move(self, email: str, event: str, start: datetime, end: datetime) -> None:
        times = {name: {"dateTime": at.isoformat()[:19], "timeZone": "W. Europe Standard Time"} for name, at in (("start", start), ("end", end))}
        with self.server.lock:
            self._box(email).update(self.calendar(email), event, times, "")

    def remove(self, email: str, event: str) -> None:
        with self.server.lock:
            self._box(email).delete(self.calendar(email), event, "")

    def decline(self, email: str, event: str) -> None:
        with self.server.lock:
            self.server.accounts[email].answer("POST", "", f"/v1.0/me/calendars/{self.calendar(email)}/events/{event.replace('/', '%2F')}/decline", {}, {}, {})

    def uninvite(self, email: str, event: str, guest: str) -> None:
        with self.server.lock:
            box = self._box(email)
            rows = [one for one in box.events[event].fields["attendees"] if one["emailAddress"]["address"] != guest]
            box.update(self.calendar(email), event, {"attendees": rows}, "")

    def writes(self) -> int:
        return sum(one.mailbox.writes for one in self.server.accounts.values())

    def mails(self) -> int:
        return sum(one.mailbox.mails for one in self.server.accounts.values())


@contextmanager
def opened(provider: str, settings: Any) -> Iterator[Office]:
    with google() if provider == "google" else graph() as server:
        for name in SETTINGS[provider]:
            setattr(settings, name, server.address)
        settings.KALENDS_PRIVATE_HOSTS = ["127.0.0.1"]
        yield GoogleOffice(server) if isinstance(server, GoogleServer) else OutlookOffice(server)


def linked(office: Office, employee: Employee, email: str = "", calendar: str = "") -> Link:
    """Connects the employee and links the main calendar there, which is then read once."""
    email = email or employee.email
    office.join(email, employee.full_name)
    account = granted(employee.user, office.provider, office.token(email), username=email)
    assert connect.check(account.pk), Account.objects.get(pk=account.pk).steps
    account.refresh_from_db()
    remote = calendar or office.calendar(email)
    with mock.patch("integrations.choosing._pull_later"):  # the test says when it is read
        choosing.choose(account, employee.calendar, reads={remote}, writes=remote)
    link = Link.objects.get(account=account)
    engine.pull(link.pk)
    return link


@dataclass
class Team:
    """Who serves together, the organiser first, and where their calendars are."""

    office: Office
    service: Service
    staff: list[Employee]

    def book(self, start: datetime, *names: str) -> Appointment:
        """With everybody of the team."""
        found: Appointment | None = None
        for name in names or ("Clara",):
            guest = Guest(name, f"{name.lower()}@example.org", "Kunde")
            if found is None:
                place = appointments.book(service=self.service, start=start, guest=guest, now=timezone.now(), employee=self.staff[0])
                found = place.appointment
        assert found is not None
        appointments.set_staff(appointment=found, employees=self.staff, now=timezone.now())
        return found

    def sync(self, times: int = 2) -> None:
        for _ in range(times):
            Outgoing.objects.update(not_before=timezone.now())
            cycle()
        for pk in Pair.objects.filter(untold=True).values_list("pk", flat=True):
            tell_answers(pk)

    def rule(self, **values: object) -> None:
        Rule.objects.update_or_create(scope=Rule.Scope.DEFAULT, kind="appointment", defaults=values)

    def seen(self, employee: Employee) -> list[Seen]:
        return [one for one in self.office.seen(employee.email) if one.shown]

    def mode(self, employee: Employee) -> tuple[str, str]:
        pair = Pair.objects.get(link__calendar=employee.calendar_id)
        return pair.mode, pair.state

    def assert_converged(self) -> None:
        assert_converged(self.office.writes)


def later(start: datetime, hours: float) -> datetime:
    return start + timedelta(hours=hours)
