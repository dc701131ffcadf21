"""PURE: our events as iCalendar entries, and back."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from uuid import NAMESPACE_URL, uuid5

from booking.ical import Entry, IcalError, Problem, instances, read, rewrite, write
from booking.ical.contentline import Line, moment, parse, stamp
from booking.ical.series import instant
from integrations.contract import Change
from integrations.items import Event, Person, ShowAs
from integrations.wire import zones

KEY, SHOWN, GUESTS, BUSY = "X-KALENDS-KEY", "X-KALENDS-SHOW-AS", "X-KALENDS-GUESTS", "X-MICROSOFT-CDO-BUSYSTATUS"
STATES: dict[ShowAs, str] = {"free": "FREE", "tentative": "TENTATIVE", "busy": "BUSY", "away": "OOF", "elsewhere": "WORKINGELSEWHERE"}
FIELDS = {  # what each group of an item is in an Entry
    "title": {"summary"},
    "description": {"description"},
    "location": {"location"},
    "when": {"start", "end", "sequence"},
    "show_as": {"transparent", "status", "extra"},
    "private": {"private"},
    "attendees": {"attendees", "extra"},
    "recurrence": {"recurrence"},
}
OF_INSTANCES = ("title", "description", "location", "when", "show_as", "private")  # what an exception may say otherwise than its series


def name(key: str) -> str:
    """The same name for the same key, so that a repeated creation meets the first one; nobody else can guess it."""
    return str(uuid5(NAMESPACE_URL, f"kalends:{key}"))


def entry(item: Event, key: str, owner: str, groups: Collection[str] = FIELDS.keys()) -> Entry:
    """The item to be written; of the own properties only those of the named groups."""
    guests = tuple((one.name, one.email, one.role, one.response) for one in item.attendees if one.email)
    leader = item.organizer or Person(email=owner)
    extra = {KEY: key} if key else {}
    if "show_as" in groups:
        extra |= {BUSY: STATES[item.show_as], SHOWN: item.show_as}
    if "attendees" in groups:
        extra[GUESTS] = " ".join(guest[1].lower() for guest in guests)
    return Entry(
        start=item.start,
        end=item.end,
        uid=item.uid or f"{name(key)}@kalends",
        summary=item.title,
        description=item.description,
        location=item.location,
        timezone=item.timezone,
        status="tentative" if item.status == "confirmed" and item.show_as == "tentative" else item.status,
        transparent=item.show_as == "free",
        private=item.private,
        organizer=(leader.name, leader.email) if guests and "@" in leader.email else None,
        attendees=guests,
        recurrence=item.recurrence,
        recurrence_id=item.recurrence_id,
        alarm_minutes=item.reminder,
        extra=extra,
        schedule_agent_client=True,
    )


def body(item: Event, key: str, owner: str) -> bytes:
    master = entry(item, key, owner)
    return write([master, *_instances(item, owner, master.uid)])


def _instances(item: Event, owner: str, uid: str) -> list[Entry]:
    return [replace(entry(one, "", owner, OF_INSTANCES), uid=uid) for one in item.exceptions]


def changed(data: bytes, item: Event, groups: Collection[str], owner: str) -> bytes:
    """The text with only these groups of the item written into it. Raises IcalError when the event is not there."""
    entries = read(data, zone=zones.resolve, problems=[])
    before = next((one for one in entries if one.recurrence_id == item.recurrence_id), entries[0] if entries else None)
    if before is None:
        raise IcalError("The event is not in this text.")
    fields = {field for group in groups for field in FIELDS[group]}
    after = replace(entry(item, "", owner, groups), sequence=before.sequence + 1)
    text = rewrite(data, after, fields, ours=before.extra.get(GUESTS, "").split(), zone=zones.resolve)
    if "recurrence" not in groups:
        return text
    of_instances = {field for group in OF_INSTANCES for field in FIELDS[group]}
    return instances(text, _instances(item, owner, before.uid), of_instances, zone=zones.resolve)


def change(path: str, etag: str, data: bytes, *, owner: str = "", floating: tzinfo = UTC) -> Change | None:
    """A resource as the engine sees it; None when it holds no event (a task, a journal)."""
    problems: list[Problem] = []
    events: list[Event] = []
    try:
        for one in read(data, zone=zones.resolve, floating=floating, problems=problems):
            try:
                events.append(_event(one, owner))
            except IcalError as error:
                problems.append(Problem(one.uid, str(error), (instant(one.start, UTC), instant(one.end, UTC))))
    except IcalError as error:
        problems.append(Problem("", str(error)))
    spans = [one.closed for one in problems if one.closed]
    closed = (min(start for start, _ in spans), max(end for _, end in spans)) if spans else None
    if not events and not problems:
        return None
    masters = [one for one in events if one.recurrence_id is None]
    first: Event | None = next(iter([*masters, *events]), None)
    exceptions = tuple(one for one in events if one.recurrence_id is not None and one is not first)
    reason = problems[0].reason if problems else ""
    return Change(path, etag, item=first, exceptions=exceptions, problem=reason, closed=closed)


def _event(one: Entry, owner: str) -> Event:
    start, end, timezone = one.start, one.end, one.timezone
    if not timezone:  # a zone that only this text knows: exact for a single event, no ground for a series
        if one.recurrence or not isinstance(start, datetime) or not isinstance(end, datetime):
            raise IcalError("The series is in a time zone that is not known.")
        start, end, timezone = start.astimezone(UTC), end.astimezone(UTC), "UTC"
    shown = _shown(one)
    if owner and any(address == owner.lower() and response == "declined" for _, address, _, response in one.attendees):
        shown = "free"
    return Event(
        start=start,
        end=end,
        key=one.extra.get(KEY, ""),
        uid=one.uid,
        title=one.summary,
        description=one.description,
        location=one.location,
        all_day=not isinstance(start, datetime),
        timezone=timezone,
        show_as=shown,
        private=one.private,
        attendees=tuple(Person(address, name, role, response) for name, address, role, response in one.attendees),
        organizer=Person(one.organizer[1], one.organizer[0]) if one.organizer else None,
        reminder=one.alarm_minutes,
        recurrence=tuple(_line(text, start.tzinfo) if isinstance(start, datetime) else text for text in one.recurrence),
        recurrence_id=one.recurrence_id,
        status=one.status,  # type: ignore[arg-type]
    )


def _shown(one: Entry) -> ShowAs:
    """Free or not is TRANSP, tentative is STATUS. The finer values count as long as they agree: most clients leave them behind unread."""
    plain: ShowAs = "free" if one.transparent else "tentative" if one.status == "tentative" else "busy"
    for text in (one.extra.get(BUSY, ""), STATES.get(one.extra.get(SHOWN, ""), "")):  # type: ignore[call-overload]
        fine = next((ours for ours, wire in STATES.items() if wire == text.strip().upper()), plain)
        if fine != plain and plain == "busy" and fine in ("away", "elsewhere"):
            return fine
    return plain


def _line(text: str, home: tzinfo | None) -> str:
    """EXDATE and RDATE in UTC, as nothing outside this text knows its zones; a name unknown there is the series' own."""
    line = next(parse(text))
    if "TZID" not in line.params:
        return text

    def zone(tzid: str) -> tzinfo:
        try:
            return zones.resolve(tzid)
        except IcalError:
            return home or UTC

    def utc(part: str) -> str:
        value = moment(Line(line.name, part, line.params), zone, UTC) if part[:1].isdecimal() else part
        return stamp(value) if isinstance(value, datetime) else part

    values = ("/".join(utc(part) for part in value.split("/")) for value in line.value.split(","))
    return f"{line.name}{';VALUE=PERIOD' if '/' in line.value else ''}:{','.join(values)}"
