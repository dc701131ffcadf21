"""People who keep a series in their calendar there, with clients of their own, and what that calendar itself says it takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any, Protocol

import icalendar
from dateutil.rrule import rrulestr

from integrations.caldav.tests.world import CaldavWorld
from integrations.contract import Window
from integrations.google.tests.world import GoogleWorld
from integrations.items import Event
from integrations.outlook.tests.world import DAYS, OutlookWorld, times
from integrations.testing.proxy import Proxy
from integrations.testing.servers import Server
from integrations.testing.world import BERLIN, World
from integrations.tests.remote_caldav import CaldavRemote
from integrations.tests.remotes import GoogleRemote, OutlookRemote, Remote, google_remote, outlook_remote

Span = tuple[datetime, datetime]
Moment = datetime | date
SHORT = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


class Rule:
    """Every so many weeks on these days (of 0 to 6), for so many times or up to a day; each provider has its own way to say it."""

    def __init__(self, *days: int, every: int = 1, count: int = 0, until: date | None = None) -> None:
        self.days, self.every, self.count, self.until = days, every, count, until

    def line(self, start: Moment) -> str:
        end = f";COUNT={self.count}" if self.count else ""
        if self.until:
            last = datetime.combine(self.until, time(23, 59), BERLIN).astimezone(UTC)
            end = f";UNTIL={last:%Y%m%dT%H%M%SZ}" if isinstance(start, datetime) else f";UNTIL={self.until:%Y%m%d}"
        return f"RRULE:FREQ=WEEKLY;WKST=MO;INTERVAL={self.every};BYDAY={','.join(SHORT[day] for day in self.days)}{end}"

    def pattern(self, start: Moment) -> dict[str, Any]:
        reach: dict[str, Any] = {"type": "noEnd", "startDate": f"{start:%Y-%m-%d}", "recurrenceTimeZone": "W. Europe Standard Time"}
        reach |= {"type": "numbered", "numberOfOccurrences": self.count} if self.count else {}
        reach |= {"type": "endDate", "endDate": self.until.isoformat()} if self.until else {}
        days = [DAYS[day] for day in self.days]
        return {"pattern": {"type": "weekly", "interval": self.every, "daysOfWeek": days, "firstDayOfWeek": "monday"}, "range": reach}


class Person(Protocol):
    """Keeps series. `day`: the start that a date of the series has by its rule."""

    @property
    def remote(self) -> Remote: ...
    @property
    def world(self) -> World: ...
    def enter(self, start: Moment, end: Moment, rule: Rule) -> str: ...
    def move(self, series: str, day: Moment, start: Moment, end: Moment) -> None: ...
    def rename(self, series: str, day: Moment) -> None: ...
    def leave_out(self, series: str, day: Moment) -> None: ...
    def bring_back(self, series: str, day: Moment) -> None: ...
    def shift(self, series: str, start: Moment, end: Moment) -> None:
        """All of the series begins at another time."""

    def follow(self, series: str, start: Moment, rule: Rule) -> None:
        """Another rule, for a series that begins at `start`."""

    def drop(self, series: str) -> None: ...
    def takes(self, window: Window) -> list[Span]:
        """What the calendar holds within the window, by another way than ours."""


class GooglePerson:
    def __init__(self, remote: GoogleRemote) -> None:
        self.remote, self.world = remote, GoogleWorld(remote.server)
        self.world.calendar = remote.remote

    def _times(self, start: Moment, end: Moment) -> dict[str, Any]:
        def one(value: Moment) -> dict[str, str]:
            return {"dateTime": value.isoformat(), "timeZone": "Europe/Berlin"} if isinstance(value, datetime) else {"date": value.isoformat()}

        return {"start": one(start), "end": one(end)}

    def _date(self, series: str, day: Moment) -> str:
        return f"{series}_{day.astimezone(UTC):%Y%m%dT%H%M%SZ}" if isinstance(day, datetime) else f"{series}_{day:%Y%m%d}"

    def enter(self, start: Moment, end: Moment, rule: Rule) -> str:
        return str(self.world.ask("POST", "events", {"summary": "Choir", "recurrence": [rule.line(start)]} | self._times(start, end))["id"])

    def move(self, series: str, day: Moment, start: Moment, end: Moment) -> None:
        self.world.patch(self._date(series, day), **self._times(start, end))

    def rename(self, series: str, day: Moment) -> None:
        self.world.patch(self._date(series, day), summary="Choir, with guests")

    def leave_out(self, series: str, day: Moment) -> None:
        self.world.remove(self._date(series, day))

    def bring_back(self, series: str, day: Moment) -> None:
        self.world.patch(self._date(series, day), status="confirmed")

    def shift(self, series: str, start: Moment, end: Moment) -> None:
        self.world.patch(series, **self._times(start, end))

    def follow(self, series: str, start: Moment, rule: Rule) -> None:
        self.world.patch(series, recurrence=[rule.line(start)])

    def drop(self, series: str) -> None:
        self.world.remove(series)

    def takes(self, window: Window) -> list[Span]:
        query: dict[str, Any] = {"singleEvents": "true", "timeMin": window.start.isoformat(), "timeMax": window.end.isoformat()}
        found: list[Span] = []
        while True:
            page = self.world.ask("GET", "events", **query)
            found += [(_instant(row["start"]), _instant(row["end"])) for row in page["items"]]
            if "nextPageToken" not in page:
                return sorted(found)
            query["pageToken"] = page["nextPageToken"]


def _instant(value: dict[str, str]) -> datetime:
    return at(datetime.fromisoformat(value["dateTime"]) if "dateTime" in value else date.fromisoformat(value["date"]))


class OutlookPerson:
    def __init__(self, remote: OutlookRemote) -> None:
        self.remote, self.world = remote, OutlookWorld(remote.server)

    def _date(self, series: str, day: Moment) -> str:
        return self.world.path(f"{series}.{day:%Y-%m-%d}")

    def enter(self, start: Moment, end: Moment, rule: Rule) -> str:
        days = not isinstance(start, datetime)
        return self.world.post({"subject": "Choir", "isAllDay": days, "recurrence": rule.pattern(start)} | self._times(start, end))

    def _times(self, start: Moment, end: Moment) -> dict[str, Any]:
        found = times(start, end)
        if not isinstance(start, datetime):
            found = {name: value | {"timeZone": "W. Europe Standard Time"} for name, value in found.items()}
        return found

    def move(self, series: str, day: Moment, start: Moment, end: Moment) -> None:
        self.world.ask("PATCH", self._date(series, day), self._times(start, end))

    def rename(self, series: str, day: Moment) -> None:
        self.world.ask("PATCH", self._date(series, day), {"subject": "Choir, with guests"})

    def leave_out(self, series: str, day: Moment) -> None:
        self.world.ask("DELETE", self._date(series, day))

    def bring_back(self, series: str, day: Moment) -> None:
        raise NotImplementedError("Outlook brings no single date back.")

    def shift(self, series: str, start: Moment, end: Moment) -> None:
        self.world.ask("PATCH", self.world.path(series), self._times(start, end))

    def follow(self, series: str, start: Moment, rule: Rule) -> None:
        self.world.ask("PATCH", self.world.path(series), {"recurrence": rule.pattern(start)})

    def drop(self, series: str) -> None:
        self.world.remove(series)

    def takes(self, window: Window) -> list[Span]:
        path = f"{self.world.path().rpartition('/')[0]}/calendarView"
        query = {"startDateTime": window.start.isoformat(), "endDateTime": window.end.isoformat(), "$top": "500"}
        answer = self.world.ask("GET", path, **query)
        found = answer["value"]
        while link := answer.get("@odata.nextLink"):
            answer = self.world.ask("GET", link)
            found += answer["value"]
        return sorted((self._instant(row, "start"), self._instant(row, "end")) for row in found)

    def _instant(self, row: dict[str, Any], name: str) -> datetime:
        local = datetime.fromisoformat(row[name]["dateTime"])
        return at(local.date()) if row["isAllDay"] else local.replace(tzinfo=UTC)


class CaldavPerson:
    """The client expands with dateutil."""

    def __init__(self, remote: CaldavRemote) -> None:
        self.remote, self.world = remote, remote.world
        self.paths: list[str] = []

    def enter(self, start: Moment, end: Moment, rule: Rule) -> str:
        self.paths.append(self.world.put(Event(start, end, title="Choir", all_day=not isinstance(start, datetime), recurrence=(rule.line(start),))))
        return self.paths[-1]

    def _edit(self, series: str, change: Callable[[icalendar.Calendar, Any], object]) -> None:
        calendar = icalendar.Calendar.from_ical(self.world.text(series))
        change(calendar, next(one for one in calendar.walk("VEVENT") if "RRULE" in one))
        self.world.put_text(calendar.to_ical(), series.rpartition("/")[2])

    def _except(self, series: str, day: Moment, **said: Any) -> None:
        def change(calendar: icalendar.Calendar, master: Any) -> None:
            known = [one for one in calendar.walk("VEVENT") if "RECURRENCE-ID" in one and one.decoded("RECURRENCE-ID") == day]
            one = known[0] if known else icalendar.Event.from_ical(master.to_ical())
            one.pop("RRULE", None)
            one.pop("EXDATE", None)
            if not known:
                _put(one, **{"recurrence-id": day, "dtstart": day, "dtend": day + (master.decoded("dtend") - master.decoded("dtstart"))})
                calendar.add_component(one)
            _put(one, **said)

        self._edit(series, change)

    def move(self, series: str, day: Moment, start: Moment, end: Moment) -> None:
        self._except(series, day, dtstart=start, dtend=end)

    def rename(self, series: str, day: Moment) -> None:
        self._except(series, day, summary="Choir, with guests")

    def leave_out(self, series: str, day: Moment) -> None:
        def change(calendar: icalendar.Calendar, master: Any) -> None:
            calendar.subcomponents = [one for one in calendar.subcomponents if "RECURRENCE-ID" not in one or one.decoded("RECURRENCE-ID") != day]
            master.add("exdate", day)

        self._edit(series, change)

    def bring_back(self, series: str, day: Moment) -> None:
        self._edit(series, lambda _calendar, master: master.pop("EXDATE"))

    def shift(self, series: str, start: Moment, end: Moment) -> None:
        self._edit(series, lambda _calendar, master: _put(master, dtstart=start, dtend=end))

    def follow(self, series: str, start: Moment, rule: Rule) -> None:
        self._edit(series, lambda _calendar, master: _put(master, rrule=icalendar.vRecur.from_ical(rule.line(start).partition(":")[2])))

    def drop(self, series: str) -> None:
        self.paths.remove(series)
        self.world.remove(series)

    def takes(self, window: Window) -> list[Span]:
        found = [span for path in self.paths for span in _expanded(icalendar.Calendar.from_ical(self.world.text(path)), window)]
        return sorted(span for span in found if span[0] < window.end and span[1] > window.start)


def _put(component: Any, **values: Any) -> None:
    for name, value in values.items():
        component.pop(name, None)
        component.add(name, value)


def _expanded(calendar: icalendar.Calendar, window: Window) -> Iterator[Span]:
    """Of one series, by the wall times of its rule."""
    events = calendar.walk("VEVENT")
    others = {one.decoded("RECURRENCE-ID"): one for one in events if "RECURRENCE-ID" in one}
    master: Any = next(one for one in events if "RECURRENCE-ID" not in one)
    start, length = master.decoded("DTSTART"), master.decoded("DTEND") - master.decoded("DTSTART")
    left_out = [day.dt for line in _several(master.get("EXDATE")) for day in line.dts]
    rule = rrulestr(
        _wall(master["RRULE"].to_ical().decode()),
        dtstart=datetime.combine(start, time()) if not isinstance(start, datetime) else start.replace(tzinfo=None),
    )
    yield from ((at(one.decoded("DTSTART")), at(one.decoded("DTEND"))) for one in others.values())
    for wall in rule:
        day = wall.replace(tzinfo=BERLIN) if isinstance(start, datetime) else wall.date()
        if at(day) >= window.end:
            return
        if day not in left_out and day not in others:
            yield at(day), at(day) + length if isinstance(day, datetime) else at(day + length)


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value] if value else []


def _wall(rule: str) -> str:
    """UNTIL as wall time, as dateutil wants it where the start has no zone."""
    name, _, rest = rule.partition("UNTIL=")
    if not rest.partition(";")[0].endswith("Z"):
        return rule
    stamp, _, more = rest.partition(";")
    wall = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).astimezone(BERLIN)
    return f"{name}UNTIL={wall:%Y%m%dT%H%M%S}" + (f";{more}" if more else "")


def at(moment: Moment) -> datetime:
    """The instant; of a day its midnight in Berlin."""
    return (moment if isinstance(moment, datetime) else datetime.combine(moment, time(), BERLIN)).astimezone(UTC)


@contextmanager
def person(place: str, server: Server, between: Proxy) -> Iterator[Person]:
    """`server`: the CalDAV server, reached by the product through `between`."""
    if place == "google":
        with google_remote() as google:
            yield GooglePerson(google)
    elif place == "outlook":
        with outlook_remote() as outlook:
            yield OutlookPerson(outlook)
    else:
        world = CaldavWorld(server, between)
        yield CaldavPerson(CaldavRemote(world, Path()))
        world.remove(world.direct)
        world.http.close()
