"""PURE: reads iCalendar as it is found in the wild."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta, tzinfo
from types import MappingProxyType
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from booking.ical.contentline import IcalError, Line, duration, moment, parse, unescape
from booking.ical.entry import PROPERTIES, ROLES, STATES, Entry, Problem

Zone = Callable[[str, str], tzinfo]  # (TZID, text of its VTIMEZONE or "") -> zone; raises ValueError for an unknown one


def read(data: bytes | str, *, zone: Zone | None = None, floating: tzinfo = UTC, problems: list[Problem] | None = None) -> list[Entry]:
    """Every VEVENT of the text. A broken one becomes a Problem in `problems`; without that list it is raised as IcalError.

    `zone` turns a TZID into a zone (default: IANA names only); times without any zone are read in `floating`.
    """
    lines = list(parse(data))
    if not lines or not lines[0].opens("VCALENDAR"):
        raise IcalError("This is not an iCalendar text.")
    zones = zones_of(lines)
    entries: list[Entry] = []
    for component, whole in _events(lines):
        try:
            if not whole:
                raise IcalError("The event is cut short.")
            entries.append(_entry(component, lambda tzid: (zone or named)(tzid, zones.get(tzid, "")), floating))
        except (ValueError, OverflowError) as error:
            reason = str(error) if isinstance(error, IcalError) else "The event has a value that can't be read."
            if problems is None:
                raise IcalError(reason) from error
            problems.append(Problem(next((line.value for line in component if line.name == "UID"), ""), reason, _closed(component)))
    return entries


def named(tzid: str, text: str = "") -> tzinfo:
    """The zone of an IANA name. Raises IcalError."""
    try:
        return ZoneInfo(tzid)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise IcalError("The event is in a time zone that is not known.") from error


def zones_of(lines: list[Line]) -> dict[str, str]:
    """The VTIMEZONEs of the text by TZID, as text."""
    found: dict[str, str] = {}
    begin = 0
    for index, line in enumerate(lines):
        if line.opens("VTIMEZONE"):
            begin = index
        elif line.closes("VTIMEZONE"):
            part = lines[begin : index + 1]
            name = next((line.value for line in part if line.name == "TZID"), "")
            found[name] = b"".join(line.raw for line in part).decode("utf-8", "replace")
    return found


def _events(lines: list[Line]) -> Iterator[tuple[list[Line], bool]]:
    """The lines between BEGIN and END of each VEVENT, and whether the END was there."""
    current: list[Line] | None = None
    for line in lines:
        if line.opens("VEVENT"):
            if current is not None:
                yield current, False
            current = []
        elif line.closes("VEVENT") and current is not None:
            yield current, True
            current = None
        elif current is not None:
            current.append(line)
    if current is not None:
        yield current, False


def _entry(lines: list[Line], zone: Callable[[str], tzinfo], floating: tzinfo) -> Entry:
    own, alarm = _own(lines)
    first = {line.name: line for line in reversed(own)}
    if "DTSTART" not in first:
        raise IcalError("The event has no start.")
    start, end = _times(first, zone, floating)
    original = first.get("RECURRENCE-ID")
    if original and original.params.get("RANGE"):
        raise IcalError("The event changes a whole rest of a series at once, which can't be read.")
    key = getattr(start.tzinfo, "key", "UTC" if start.tzinfo is UTC else "") if isinstance(start, datetime) else "UTC"
    guests = tuple(_guest(line) for line in own if line.name == "ATTENDEE")
    organizer = first.get("ORGANIZER")
    status = _text(first, "STATUS").strip().lower()
    sequence = _text(first, "SEQUENCE").strip()
    return Entry(
        start=start,
        end=end,
        uid=_text(first, "UID"),
        sequence=int(sequence) if sequence.isdecimal() and len(sequence) < 10 else 0,
        summary=_text(first, "SUMMARY"),
        description=_text(first, "DESCRIPTION"),
        location=_text(first, "LOCATION"),
        timezone=key,
        status=status if status in STATES else "confirmed",
        transparent=_text(first, "TRANSP").strip().upper() == "TRANSPARENT",
        private=_text(first, "CLASS").strip().upper() not in ("", "PUBLIC"),
        organizer=(organizer.params.get("CN", ""), address(organizer)) if organizer else None,
        attendees=guests,
        recurrence=tuple(_unfolded(line) for line in own if line.name in PROPERTIES["recurrence"]),
        recurrence_id=moment(original, zone, floating) if original else None,
        alarm_minutes=alarm,
        extra=MappingProxyType({line.name: unescape(line.value) for line in own if line.name.startswith("X-")}),
        schedule_agent_client=any(line.params.get("SCHEDULE-AGENT", "").upper() == "CLIENT" for line in own if line.name == "ATTENDEE"),
        url=_text(first, "URL"),
    )


def _own(lines: list[Line]) -> tuple[list[Line], int | None]:
    """The event's own lines, without those of its alarms, and the first alarm's minutes before the start."""
    own, depth, alarm = [], 0, None
    for line in lines:
        depth += line.name == "BEGIN"
        if not depth:
            own.append(line)
        elif line.name == "TRIGGER" and alarm is None and line.value.strip().upper().startswith(("-P", "P")):
            try:
                alarm = max(0, round(-duration(line.value).total_seconds() / 60))
            except IcalError:
                continue  # a reminder nobody can read is no reason to close the event's time
        depth -= line.name == "END"
    return own, alarm


def _times(first: Mapping[str, Line], zone: Callable[[str], tzinfo], floating: tzinfo) -> tuple[datetime | date, datetime | date]:
    start = moment(first["DTSTART"], zone, floating)
    if "DTEND" in first:
        end = moment(first["DTEND"], zone, floating)
        if isinstance(start, datetime) != isinstance(end, datetime):
            raise IcalError("The event starts at a time and ends on a day, or the other way round.")
    elif "DURATION" in first:
        length = duration(first["DURATION"].value)
        # A duration in hours is exact, in days nominal (RFC 5545 §3.3.6): adding hours goes through UTC.
        exact = isinstance(start, datetime) and "T" in first["DURATION"].value.upper()
        end = (start.astimezone(UTC) + length).astimezone(start.tzinfo) if exact and isinstance(start, datetime) else start + length
    else:
        end = start if isinstance(start, datetime) else start + timedelta(days=1)
    if isinstance(start, datetime) and isinstance(end, datetime):
        if end.astimezone(UTC) < start.astimezone(UTC):
            raise IcalError("The event ends before it starts.")
    elif end <= start:  # some clients write an all-day event's own day as its end
        end = start + timedelta(days=1)
    return start, end


def _guest(line: Line) -> tuple[str, str, str, str]:
    roles = {wire: ours for ours, wire in ROLES.items() if ours != "resource"}
    role = "resource" if line.params.get("CUTYPE", "").upper() in ("RESOURCE", "ROOM") else roles.get(line.params.get("ROLE", "").upper(), "required")
    return line.params.get("CN", ""), address(line), role, line.params.get("PARTSTAT", "NEEDS-ACTION").lower()


def _text(first: Mapping[str, Line], name: str) -> str:
    return unescape(first[name].value) if name in first else ""


def _unfolded(line: Line) -> str:
    return line.name + "".join(f";{name}={value}" for name, value in line.params.items()) + ":" + line.value.strip()


def _closed(lines: list[Line]) -> tuple[datetime, datetime] | None:
    """Instants that contain a broken event whatever its zone is: zones reach from 12 hours behind UTC to 14 hours ahead."""
    first = {line.name: Line(line.name, line.value) for line in reversed(_own(lines)[0])}
    try:
        begin = moment(first["DTSTART"], named, UTC)
    except (KeyError, IcalError):
        return None
    try:
        end = _times(first, named, UTC)[1]
    except (IcalError, OverflowError):
        try:
            end = moment(first.get("DTEND", first["DTSTART"]), named, UTC)
        except IcalError:
            end = begin
    first_instant, last_instant = sorted(_instant(value) for value in (begin, end))
    if first_instant == last_instant:
        last_instant += timedelta(days=1)
    try:
        return first_instant - timedelta(hours=14), last_instant + timedelta(hours=12)
    except OverflowError:
        return None


def _instant(value: datetime | date) -> datetime:
    return value if isinstance(value, datetime) else datetime(value.year, value.month, value.day, tzinfo=UTC)


def address(line: Line) -> str:
    value = line.params.get("EMAIL") or line.value
    return re.sub("^mailto:", "", value.strip(), flags=re.IGNORECASE).lower()
