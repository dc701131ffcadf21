"""A salon whose employees have calendars on a real CalDAV server, and the person who uses such a calendar with a plain client."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urljoin
from uuid import uuid4
from zoneinfo import ZoneInfo

import httpx
from django.test import Client

from booking.models import Appointment, Attendance, Employee, Service
from integrations import choosing, connect, engine
from integrations.models import Account, Link, Pair, Rule
from integrations.testing.converged import assert_converged
from integrations.testing.proxy import Proxy
from integrations.testing.servers import Server

BERLIN = ZoneInfo("Europe/Berlin")
PLAIN = httpx.Client(verify=False, timeout=20)
MOMENT = re.compile(r"^(DTSTART|DTEND)((?:;[^:\r\n]*)?):(\d{8}T\d{6})", re.MULTILINE)


def monday() -> datetime:
    """Midnight in Berlin of the Monday after next: far enough for any notice, near enough for any horizon."""
    today = datetime.now(BERLIN).replace(hour=0, minute=0, second=0, microsecond=0)
    return today + timedelta(days=14 - today.weekday())


def at(hour: float, *, day: int = 0) -> datetime:
    """That wall time on the Monday, or `day` days later."""
    there = monday() + timedelta(days=day)
    return there.replace(hour=int(hour), minute=round(hour % 1 * 60))


@dataclass
class Diary:
    """One calendar at the server as its owner sees it, with a client that knows nothing of us. Paths are those of the server."""

    server: Server
    url: str

    def ask(self, method: str, path: str = "", content: str = "", **headers: str) -> httpx.Response:
        auth = (self.server.username, self.server.password)
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return PLAIN.request(method, urljoin(self.url, path), content=content.encode(), headers=names, auth=auth)

    def enter(self, title: str, start: datetime | str, end: datetime | str, *lines: str, exceptions: tuple[str, ...] = ()) -> str:
        """A new event; `start` and `end` as "20310102" are whole days. `lines` go into it, `exceptions` are whole VEVENTs beside it ("{uid}")."""
        uid = str(uuid4())
        body = [f"UID:{uid}", "DTSTAMP:20260101T000000Z", f"SUMMARY:{title}", _time("DTSTART", start), _time("DTEND", end), *lines]
        events = ["BEGIN:VEVENT", *body, "END:VEVENT", *(one.format(uid=uid) for one in exceptions)]
        return self.put(f"{uid}.ics", "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN", *events, "END:VCALENDAR", ""]))

    def put(self, name: str, text: str, **headers: str) -> str:
        answer = self.ask("PUT", name, text, Content_Type="text/calendar; charset=utf-8", **headers)
        assert answer.status_code in (201, 204), (answer.status_code, answer.text)
        return httpx.URL(urljoin(self.url, name)).path

    def raw(self, path: str) -> str:
        answer = self.ask("GET", path)
        assert answer.status_code == 200, (path, answer.status_code)
        return answer.text

    def edit(self, path: str, change: Callable[[str], str]) -> None:
        """Reads, changes and writes back, as clients do: if nothing came between."""
        before = self.ask("GET", path)
        after = change(before.text)
        assert after != before.text, "the edit changes nothing"
        self.put(path, after, If_Match=before.headers["ETag"])

    def retitle(self, path: str, title: str) -> None:
        self.edit(path, lambda text: re.sub(r"^SUMMARY:.*(\r\n[ \t].*)*", f"SUMMARY:{title}", text, flags=re.MULTILINE))

    def shift(self, path: str, by: timedelta) -> None:
        """Drags it to another time."""

        def later(text: str) -> str:
            zones, begin, events = text.partition("BEGIN:VEVENT")
            return zones + begin + MOMENT.sub(lambda found: f"{found[1]}{found[2]}:{_plus(found[3], by)}", events)

        self.edit(path, later)

    def delete(self, path: str) -> None:
        assert self.ask("DELETE", path).status_code in (200, 204)

    def move(self, path: str, other: Diary) -> str:
        """Drags it into another calendar; its path there."""
        target = urljoin(other.url, path.rsplit("/", 1)[1])
        assert self.ask("MOVE", path, Destination=target).status_code in (201, 204)
        return httpx.URL(target).path

    def paths(self) -> list[str]:
        found = re.findall(r"<(?:\w+:)?href>([^<]*\.ics)</", self.ask("PROPFIND", Depth="1").text)
        return sorted(found)

    def clear(self) -> None:
        for path in self.paths():
            self.delete(path)


def _time(name: str, value: datetime | str) -> str:
    if isinstance(value, str):
        return f"{name};VALUE=DATE:{value}"
    return f"{name};TZID=Europe/Berlin:{value.astimezone(BERLIN):%Y%m%dT%H%M%S}"


def _plus(stamp: str, by: timedelta) -> str:
    return f"{datetime.strptime(stamp + 'Z', '%Y%m%dT%H%M%S%z') + by:%Y%m%dT%H%M%S}"


def lines(text: str) -> list[str]:
    """The content lines of a text, unfolded (RFC 5545 §3.1)."""
    return re.sub(r"\r?\n[ \t]", "", text).splitlines()


def value(text: str, name: str) -> str:
    """The value of the first property of that name in the event, its escapes taken back; "" when it is not there."""
    inside = lines(text[text.index("BEGIN:VEVENT") :])
    found = next((line.partition(":")[2] for line in inside if re.match(rf"{name}[;:]", line)), "")
    return re.sub(r"\\([nN,;\\])", lambda one: "\n" if one[1] in "nN" else one[1], found)


def moment(text: str, name: str) -> datetime:
    """DTSTART or DTEND of the event as an instant."""
    inside = lines(text[text.index("BEGIN:VEVENT") :])
    line = next(one for one in inside if re.match(rf"{name}[;:]", one))
    stamp = line.partition(":")[2]
    zone = re.search(r"TZID=\"?([^:;\"]+)", line.partition(":")[0])
    return datetime.strptime(stamp.rstrip("Z"), "%Y%m%dT%H%M%S").replace(tzinfo=ZoneInfo("UTC" if zone is None else zone[1]))


@dataclass
class Salon:
    """One employee with one calendar that is read and written through the proxy; `diary` is that calendar, past the proxy."""

    server: Server
    proxy: Proxy
    employee: Employee
    service: Service
    link: Link
    diary: Diary
    web: Client = field(default_factory=Client)
    opened: list[str] = field(default_factory=list)

    def book(self, start: datetime, *, name: str = "Clara", service: Service | None = None, employee: Employee | None = None) -> Appointment:
        """A customer books by the public API."""
        answer = self.request(start, name=name, service=service, employee=employee)
        assert answer.status_code == 201, answer.content
        return Attendance.objects.get(uuid=answer.json()["id"]).appointment

    def request(self, start: datetime, *, name: str = "Clara", service: Service | None = None, employee: Employee | None = None) -> Any:
        wish = {
            "service": (service or self.service).pk,
            "employee": (employee or self.employee).pk,
            "start": start.isoformat(),
            "customer": {"first_name": name, "last_name": "Kunde", "email": f"{name.lower()}@example.org", "phone": "+49 30 901820"},
        }
        return self.web.post("/api/v1/appointments/", wish, content_type="application/json")

    def slots(self, *, day: int = 0, days: int = 1) -> list[datetime]:
        """The starts that the public API offers on the Monday, or `day` days later, for so many days."""
        first, last = monday() + timedelta(days=day), monday() + timedelta(days=day + days - 1)
        query: dict[str, Any] = {"service": self.service.pk, "from": f"{first:%Y-%m-%d}", "to": f"{last:%Y-%m-%d}", "timezone": "Europe/Berlin"}
        answer = self.web.get("/api/v1/slots/", query | {"employee": self.employee.pk})
        assert answer.status_code == 200, answer.content
        return [datetime.fromisoformat(slot["start"]) for slot in answer.json()["slots"]]

    def sync(self) -> None:
        """One cycle: reads what changed there, then writes what changed here."""
        for pk in Link.objects.order_by("pk").values_list("pk", flat=True):
            engine.pull(pk)
            engine.drain(pk)

    def rule(self, kind: str = "appointment", *, link: Link | None = None, **values: object) -> None:
        chosen = link or self.link
        Rule.objects.update_or_create(scope=Rule.Scope.LINK, link=chosen, kind=kind, defaults=values)
        choosing.rule_changed([chosen])

    def pair(self, appointment: Appointment, link: Link | None = None) -> Pair:
        return Pair.objects.get(link=link or self.link, item_id=appointment.pk)

    def path(self, appointment: Appointment) -> str:
        return self.pair(appointment).remote_id

    def event(self, appointment: Appointment) -> str:
        """What the calendar holds of it, as text."""
        return self.diary.raw(self.path(appointment))

    def writes(self) -> int:
        return self.proxy.writes()

    def assert_converged(self) -> None:
        assert_converged(self.writes)

    def connect(self, employee: Employee, *, reads: bool = True, writes: bool = True) -> tuple[Link, Diary]:
        """Another calendar at the same server, for the same or another employee."""
        link, diary = connect_calendar(self.server, self.proxy, employee, reads=reads, writes=writes)
        self.opened.append(diary.url)
        return link, diary


def new_calendar(server: Server) -> Diary:
    diary = Diary(server, f"{server.home}{uuid4().hex[:8]}/")
    assert diary.ask("MKCALENDAR").status_code == 201
    return diary


def connect_calendar(server: Server, proxy: Proxy, employee: Employee, *, reads: bool = True, writes: bool = True) -> tuple[Link, Diary]:
    """Connects the employee (once) and links a fresh calendar of the account; what was linked before stays. It is read once."""
    diary = new_calendar(server)
    known = Account.objects.filter(user=employee.user).first()
    account = known or Account.objects.create(
        user=employee.user, provider="caldav", server=proxy.address, username=server.username, secrets={"password": server.password}
    )
    assert connect.check(account.pk), account.steps
    account.refresh_from_db()
    remote = next(one["id"] for one in account.calendars if httpx.URL(one["id"]).path == httpx.URL(diary.url).path)
    links = account.links.filter(calendar=employee.calendar)
    read = set(links.filter(reads=True).values_list("remote_id", flat=True)) | ({remote} if reads else set())
    written = next(iter(links.filter(writes=True).values_list("remote_id", flat=True)), "")
    choosing.choose(account, employee.calendar, reads=read, writes=remote if writes else written)
    link = account.links.get(remote_id=remote)
    engine.pull(link.pk)
    link.refresh_from_db()
    return link, diary
