"""A person's own view of her calendar at a local server: a week, and forms to add, move, rename and delete. Works without scripts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from html import escape
from typing import Protocol
from urllib.parse import parse_qsl, urlencode, urlsplit
from zoneinfo import ZoneInfo

from integrations.testing.servers import pages
from integrations.testing.servers.wire import Answer

# Shows what has come meanwhile; forms and the focus stay as they are.
SCRIPT = """setInterval(async () => {
  const old = document.getElementById("week");
  const answer = await fetch(location.href).catch(() => null);
  if (!old || !answer || !answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("week");
  if (fresh && fresh.innerHTML !== old.innerHTML) old.innerHTML = fresh.innerHTML;
}, 2000);
"""


LONGEST = 60 * 24 * 60  # minutes an event lasts at most


class Wrong(Exception):
    """What a person entered can't be; said to her."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An event, or one of a series. Times are instants; of whole days, dates (the end not included). `id` "" is one that is to be made."""

    id: str
    calendar: str
    title: str
    start: datetime | date
    end: datetime | date
    location: str = ""
    note: str = ""

    @property
    def length(self) -> timedelta:
        whole = datetime.min.time()
        start, end = (one if isinstance(one, datetime) else datetime.combine(one, whole) for one in (self.start, self.end))
        return end - start


class Diary(Protocol):
    """All the calendars a server holds. Every method but `people` may raise Wrong."""

    def people(self) -> list[tuple[str, str]]:
        """(e-mail, name)."""

    def calendars(self, who: str) -> dict[str, str]:
        """Names by id, the one she uses first."""

    def between(self, who: str, begin: datetime, end: datetime) -> list[Entry]: ...

    def entry(self, who: str, calendar: str, entry_id: str) -> Entry: ...

    def write(self, who: str, entry: Entry) -> None:
        """Makes it, or changes title and times."""

    def remove(self, who: str, calendar: str, entry_id: str) -> None: ...


class Week:
    """`brand` is the calendar's name, `home` where the application is that people are to try."""

    def __init__(self, diary: Diary, brand: str, zone: ZoneInfo, home: str) -> None:
        self.diary, self.brand, self.zone, self.home = diary, brand, zone, home

    def answer(self, verb: str, target: str, headers: Mapping[str, str], content: bytes) -> Answer | None:
        """None for what is none of its pages."""
        url = urlsplit(target)
        given = dict(parse_qsl(content.decode() if verb == "POST" else url.query, keep_blank_values=True))
        who = given["who"] if given.get("who") in dict(self.diary.people()) else self.diary.people()[0][0]
        match verb, url.path:
            case "GET", "/week.js":
                return 200, {"Content-Type": "text/javascript"}, SCRIPT.encode()
            case "GET", "/":
                return self._page(self._week(who, given.get("day", "")))
            case "GET", "/event":
                try:
                    entry = self.diary.entry(who, given.get("calendar", ""), given.get("id", ""))
                except Wrong as error:
                    return self._gone(who, str(error))
                return self._shown(who, entry, self._values(entry))
            case "POST", "/event" | "/remove":
                if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
                    return self._page("<p>This is done on this calendar's own pages only.</p>", status=403)
                return self._done(who, url.path, given)
        return None

    def _page(self, body: str, *, status: int = 200) -> Answer:
        return pages.answer(self.brand, f'{body}<script src="/week.js" defer></script>', status=status, wide=True)

    def _week(self, who: str, day: str, problem: str = "", given: Mapping[str, str] | None = None) -> str:
        try:
            today = date.fromisoformat(day)
        except ValueError:
            today = datetime.now(self.zone).date()
        monday = today - timedelta(days=today.weekday())
        days = [monday + timedelta(days=number) for number in range(7)]
        begin, end = (datetime.combine(one, datetime.min.time(), self.zone) for one in (monday, monday + timedelta(days=7)))
        entries, names = self.diary.between(who, begin, end), self.diary.calendars(who)
        columns = "".join(self._day(who, one, [entry for entry in entries if self._on(entry, one)], names) for one in days)
        people = "".join(f'<option value="{escape(email)}"{" selected" if email == who else ""}>{escape(name)}</option>' for email, name in self.diary.people())
        around = [("Earlier", monday - timedelta(days=7)), ("This week", datetime.now(self.zone).date()), ("Later", monday + timedelta(days=7))]
        links = "".join(f'<a class="button" href="/?{urlencode({"who": who, "day": one})}">{text}</a>' for text, one in around)
        now = datetime.now(self.zone)
        soon = datetime.combine(max(monday, now.date()), now.time().replace(minute=0, second=0, microsecond=0), self.zone) + timedelta(hours=1)
        fresh = Entry("", next(iter(names)), "", soon, soon + timedelta(minutes=30))
        return f"""<h1>{escape(self.brand)}</h1>
<p class="soft">A calendar on this machine for trying <a href="{escape(self.home)}">Kalends</a>. What is changed here or there is soon in both.</p>
<form class="bar" action="/"><label for="who">Calendar of</label><span><select id="who" name="who">{people}</select></span><input type="hidden" name="day" value="{monday}">
<button>Show</button><span class="grow"></span>{links}</form>
<h2>{monday:%d %B} to {days[-1]:%d %B %Y}</h2><section id="week" class="days">{columns}</section>
<h2>Add an event</h2><div class="card">{_said(problem)}{self._form(who, {"id": "", "calendar": ""} | dict(given) if given else self._values(fresh), names)}</div>"""

    def _on(self, entry: Entry, day: date) -> bool:
        if not isinstance(entry.start, datetime) or not isinstance(entry.end, datetime):
            return entry.start <= day < entry.end
        begin = datetime.combine(day, datetime.min.time(), self.zone)
        return entry.start < begin + timedelta(days=1) and (entry.end > begin or entry.start >= begin)

    def _day(self, who: str, day: date, entries: list[Entry], names: Mapping[str, str]) -> str:
        rows = []
        for one in sorted(entries, key=lambda one: (isinstance(one.start, datetime), str(one.start))):
            link = urlencode({"who": who, "calendar": one.calendar, "id": one.id})
            more = " · ".join(text for text in (one.location, one.note, names[one.calendar] if len(names) > 1 else "") if text)
            rows.append(f'<li>{self._when(one)}<br><a href="/event?{escape(link)}">{escape(one.title or "(no title)")}</a><small>{escape(more)}</small></li>')
        today = " today" if day == datetime.now(self.zone).date() else ""
        listed = f"<ul>{''.join(rows)}</ul>" if rows else "<p class=soft>Free</p>"
        return f'<div class="day{today}"><h2>{day:%a %d %b}</h2>{listed}</div>'

    def _when(self, entry: Entry) -> str:
        if not isinstance(entry.start, datetime) or not isinstance(entry.end, datetime):
            return "all day"
        start, end = entry.start.astimezone(self.zone), entry.end.astimezone(self.zone)
        return f"{start:%H:%M}–{end:%H:%M}" if start.date() == end.date() else f"{start:%d.%m. %H:%M} – {end:%d.%m. %H:%M}"

    def _values(self, entry: Entry) -> dict[str, str]:
        """As the form has them."""
        minutes = int(entry.length.total_seconds() // 60)
        if isinstance(entry.start, datetime):
            when = {"start": f"{entry.start.astimezone(self.zone):%Y-%m-%dT%H:%M}", "length": str(minutes)}
        else:
            when = {"start": str(entry.start), "length": str(minutes // 1440)}
        return {"id": entry.id, "calendar": entry.calendar, "title": entry.title} | when

    def _form(self, who: str, values: Mapping[str, str], names: Mapping[str, str], *, timed: bool = True) -> str:
        """`names`: the calendars there are to choose from."""
        shown = {name: escape(values.get(name, "")) for name in ("id", "calendar", "title", "start", "length")}
        options = "".join(
            f'<option value="{escape(key)}"{" selected" if key == values["calendar"] else ""}>{escape(name)}</option>' for key, name in names.items()
        )
        place = (
            f'<label>Calendar<select name="calendar">{options}</select></label>'
            if names
            else f'<input type="hidden" name="calendar" value="{shown["calendar"]}">'
        )
        kind, unit, most = ("datetime-local", "minutes", LONGEST) if timed else ("date", "days", LONGEST // 1440)
        return f"""<form class="grid" method="post" action="/event"><input type="hidden" name="who" value="{escape(who)}"><input type="hidden" name="id" value="{shown["id"]}">
<label>Title<input name="title" value="{shown["title"]}" required maxlength="500"></label>
<label>Begins<input name="start" type="{kind}" value="{shown["start"]}" required></label>
<label>Lasts ({unit})<input name="length" type="number" value="{shown["length"]}" min="1" max="{most}" required></label>
{place}<div class="acts"><button class="key">{"Save" if values["id"] else "Add"}</button></div></form>"""

    def _shown(self, who: str, entry: Entry, values: Mapping[str, str], problem: str = "") -> Answer:
        hidden = "".join(
            f'<input type="hidden" name="{name}" value="{escape(value)}">' for name, value in (("who", who), ("calendar", entry.calendar), ("id", entry.id))
        )
        back = urlencode({"who": who, "day": self._day_of(entry)})
        body = f"""<p><a href="/?{escape(back)}">Back to the week</a></p><h1>{escape(entry.title or "(no title)")}</h1>
<p class="soft">{escape(" · ".join(text for text in (entry.location, entry.note) if text))}</p>
<div class="card">{_said(problem)}{self._form(who, values, {}, timed=isinstance(entry.start, datetime))}</div>
<form method="post" action="/remove">{hidden}<button>Delete this event</button></form>"""
        return self._page(body, status=400 if problem else 200)

    def _gone(self, who: str, text: str) -> Answer:
        back = escape(urlencode({"who": who}))
        return self._page(f'<h1>Not there</h1><p>{escape(text)}</p><p><a href="/?{back}">Back to the week</a></p>', status=404)

    def _done(self, who: str, path: str, given: Mapping[str, str]) -> Answer:
        calendar, entry_id = given.get("calendar", ""), given.get("id", "")
        try:
            before = self.diary.entry(who, calendar, entry_id) if entry_id else None
        except Wrong as error:
            return self._gone(who, str(error))
        try:
            if path == "/remove":
                self.diary.remove(who, calendar, entry_id)
                day = self._day_of(before) if before else None
            else:
                entry = self._read(given, timed=before is None or isinstance(before.start, datetime))
                self.diary.write(who, entry)
                day = self._day_of(entry)
        except Wrong as error:
            if before:
                return self._shown(who, before, given, str(error))
            return self._page(self._week(who, "", str(error), given), status=400)
        return 303, {"Location": f"/?{urlencode({'who': who, 'day': day})}"}, b""

    def _read(self, given: Mapping[str, str], *, timed: bool) -> Entry:
        title = given.get("title", "").strip()
        try:
            length, begins = int(given.get("length", "")), datetime.fromisoformat(given.get("start", ""))
        except ValueError:
            raise Wrong("Please enter when it begins and how long it lasts.") from None
        if not title or len(title) > 500 or not 1 <= length <= (LONGEST if timed else LONGEST // 1440) or not 1970 <= begins.year <= 2200:
            raise Wrong("Please enter a title, when it begins and how long it lasts.")
        if not timed:
            return Entry(given.get("id", ""), given.get("calendar", ""), title, begins.date(), begins.date() + timedelta(days=length))
        start = begins.replace(tzinfo=self.zone)
        return Entry(given.get("id", ""), given.get("calendar", ""), title, start, start + timedelta(minutes=length))

    def _day_of(self, entry: Entry) -> date:
        return entry.start.astimezone(self.zone).date() if isinstance(entry.start, datetime) else entry.start


def _said(problem: str) -> str:
    return f'<p class="wrong" role="alert">{escape(problem)}</p>' if problem else ""
