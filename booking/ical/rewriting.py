"""PURE: changes single fields of an iCalendar text and leaves all else as it is."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from booking.ical.contentline import IcalError, Line, fold, moment, parse, stamp
from booking.ical.entry import PROPERTIES, Entry
from booking.ical.reading import Zone, address, named, zones_of
from booking.ical.vtimezone import vtimezone
from booking.ical.writing import properties, write


def rewrite(
    data: bytes | str, entry: Entry, fields: Collection[str], *, ours: Collection[str] = (), now: datetime | None = None, zone: Zone | None = None
) -> bytes:
    """The same text with only the named fields of one VEVENT changed; every other line stays as it is, byte for byte.

    `fields` are keys of PROPERTIES. The VEVENT is the one with the entry's recurrence_id, else the master. Attendees that are in the text
    stay, except those in `ours` (addresses we wrote earlier) which the entry no longer names. An empty text in `extra` removes that property. `zone` knows the zones of the text, as
    for reading.
    """
    lines = list(parse(data))
    first, last = _span(lines, entry, zone)
    names = {name for chosen in fields for name in PROPERTIES[chosen]} | (set(entry.extra) if "extra" in fields else set())
    new = [line for name, line in properties(entry) if name in names and name not in PROPERTIES["attendees"]]
    new += [f"{name}:{stamp(now or datetime.now(UTC))}" for name in ("DTSTAMP", "LAST-MODIFIED")]
    kept, nested, depth = [], [], 0
    for line in lines[first + 1 : last]:
        if depth or line.name == "BEGIN":
            nested.append(line)
            depth += (line.name == "BEGIN") - (line.name == "END")
        elif line.name in PROPERTIES["attendees"] or line.name not in names | {"DTSTAMP", "LAST-MODIFIED"}:
            kept.append(line)
    if "attendees" in fields:
        kept, guests = _guests(kept, entry, {one.lower() for one in ours})
        new += guests
    needed, stale = _zone(lines, entry, zone, moved=bool({"start", "end"} & set(fields)))
    place = next(index for index, line in enumerate(lines) if line.opens("VEVENT"))
    return b"".join(
        [
            *(line.raw for index, line in enumerate(lines[:place]) if index not in stale),
            *(fold(line) for line in needed),
            *(line.raw for line in (*lines[place : first + 1], *kept)),
            *(fold(line) for line in new),
            *(line.raw for line in (*nested, *lines[last:])),
        ]
    )


def _zone(lines: list[Line], entry: Entry, zone: Zone | None, *, moved: bool) -> tuple[list[str], range]:
    """The rules of the zone that its times are in, where they are missing and it was `moved`, or where those in the text are of before they were changed;
    and which lines these are."""
    if not isinstance(entry.start, datetime) or entry.timezone in ("", "UTC"):
        return [], range(0)
    needed = list(vtimezone(entry.timezone, entry.start.year - 1))
    named_here = next((index for index, line in enumerate(lines) if line.name == "TZID" and line.value == entry.timezone), None)
    if named_here is None:
        return needed if moved else [], range(0)
    begin = next((index for index in range(named_here, -1, -1) if lines[index].opens("VTIMEZONE")), named_here)
    end = next((index for index in range(named_here, len(lines)) if lines[index].closes("VTIMEZONE")), named_here)
    part = range(begin, end + 1)
    return (needed, part) if _is_outdated(b"".join(lines[index].raw for index in part).decode("utf-8", "replace"), entry, zone) else ([], range(0))


def _is_outdated(text: str, entry: Entry, zone: Zone | None) -> bool:
    """Whether rules of the entry's zone put its times elsewhere than those we know. What can't be read is left as it is."""
    try:
        there = (zone or named)("", text)
    except IcalError:
        return False
    moments = [one for one in (entry.start, entry.end) if isinstance(one, datetime)]
    return any(one.astimezone(there).utcoffset() != one.astimezone(ZoneInfo(entry.timezone)).utcoffset() for one in moments)


def instances(data: bytes | str, wanted: Sequence[Entry], fields: Collection[str], *, now: datetime | None = None, zone: Zone | None = None) -> bytes:
    """The same text with these exceptions of its series: those that are there get the named fields, missing ones are added, all others go."""
    lines = list(parse(data))
    others = [one for one in _spans(lines, zone) if one[2] is not None and not any(_same(one[2], entry.recurrence_id) for entry in wanted)]
    gone = {place for begin, end, _ in others for place in range(begin, end + 1)}
    text = b"".join(line.raw for place, line in enumerate(lines) if place not in gone)
    for entry in wanted:
        lines = list(parse(text))
        if any(_same(original, entry.recurrence_id) for _, _, original in _spans(lines, zone)):
            text = rewrite(text, entry, fields, now=now, zone=zone)
            continue
        made = list(parse(write([entry], now=now)))
        zones = {line.value for line in lines if line.name == "TZID"}
        first, last = (next(place for place, line in enumerate(made) if told(line)) for told in (_begins_event, _ends_event))
        before = made[:first] if entry.timezone not in zones else []
        kept = [line for line in before if line.name not in ("VERSION", "PRODID", "CALSCALE") and not line.opens("VCALENDAR")]
        end = next(place for place in range(len(lines) - 1, -1, -1) if lines[place].closes("VCALENDAR"))
        text = b"".join(line.raw for line in (*lines[:end], *kept, *made[first : last + 1], *lines[end:]))
    return text


def _begins_event(line: Line) -> bool:
    return line.opens("VEVENT")


def _ends_event(line: Line) -> bool:
    return line.closes("VEVENT")


def _spans(lines: list[Line], zone: Zone | None) -> list[tuple[int, int, datetime | date | None]]:
    """Where each VEVENT begins and ends, and the original start of an exception."""
    spans: list[tuple[int, int, datetime | date | None]] = []
    zones = zones_of(lines)
    for index, line in enumerate(lines):
        if line.opens("VEVENT"):
            end = next((place for place in range(index, len(lines)) if lines[place].closes("VEVENT")), None)
            if end is None:
                raise IcalError("The event is cut short.")
            found = (part for part in lines[index:end] if part.name == "RECURRENCE-ID")
            original = next((moment(part, lambda tzid: (zone or named)(tzid, zones.get(tzid, "")), UTC) for part in found), None)
            spans.append((index, end, original))
    return spans


def _span(lines: list[Line], entry: Entry, zone: Zone | None) -> tuple[int, int]:
    """Where the VEVENT of this entry begins and ends."""
    spans = _spans(lines, zone)
    for begin, end, original in spans:
        if _same(original, entry.recurrence_id):
            return begin, end
    if len(spans) != 1:
        raise IcalError("The event is not in this text.")
    return spans[0][:2]


def _same(one: datetime | date | None, other: datetime | date | None) -> bool:
    """Equal instants. Python calls two aware datetimes in the hour that is repeated in autumn unequal, whatever they are."""
    if isinstance(one, datetime) and isinstance(other, datetime):
        return one.astimezone(UTC) == other.astimezone(UTC)
    return one == other


def _guests(lines: list[Line], entry: Entry, ours: set[str]) -> tuple[list[Line], list[str]]:
    """The lines without the attendees that go, and the content lines of those that come."""
    wanted = {one.lower() for _, one, _, _ in entry.attendees}
    kept = [line for line in lines if line.name != "ATTENDEE" or address(line) in wanted or address(line) not in ours]
    present = {address(line) for line in kept if line.name == "ATTENDEE"}
    coming = tuple(guest for guest in entry.attendees if guest[1].lower() not in present)
    if not present and not coming:
        return [line for line in kept if line.name != "ORGANIZER"], []
    led = any(line.name == "ORGANIZER" for line in kept)
    new = [line for name, line in properties(entry) if (name == "ORGANIZER" and not led) or name == "ATTENDEE"]
    return kept, [line for line in new if not line.startswith("ATTENDEE") or address(next(parse(line))) not in present]
