"""PURE: from the time zone names found in calendars to a zone, or a refusal. Never a guess, never UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from icalendar import Timezone
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from booking.ical import IcalError
from booking.ical.contentline import parse
from booking.ical.rule import Rule

_WINDOWS = {name.lower(): zone for name, zone in WINDOWS_TO_OLSON.items()}
_IANA = {name.lower(): name for name in available_timezones()}
_UTC = frozenset({"utc", "z", "gmt", "etc/utc", "coordinated universal time", "tzone://microsoft/utc"})
MAX_TEXT = 20_000  # characters of a VTIMEZONE; a real one that lists a century of changes has 8,000


def resolve(tzid: str, text: str = "") -> tzinfo:
    """The zone meant by a TZID; `text` is the VTIMEZONE that came with it. An IANA zone wherever one says the same; else the embedded rules.

    Raises IcalError when nothing says what is meant: the event is then set aside, its time closed.
    """
    name = _known(tzid)
    if name:
        return ZoneInfo(name)
    if text:
        return _embedded(text)
    raise IcalError("The event is in a time zone that is not known.")


def _known(tzid: str) -> str:
    """The IANA name for names that differ from it only in form, and for Windows names; "" for none."""
    cleaned = tzid.strip().strip('"').strip()
    # Outlook numbers the zones of a text: "GMT Standard Time 1".
    for candidate in (cleaned, re.sub(r"\s+\d+$", "", cleaned)):
        key = re.sub(r"\s+", " ", candidate).lower()
        if key in _UTC:
            return "UTC"
        if key in _WINDOWS:
            return _WINDOWS[key]
        # "/citadel.org/20190914_1/Europe/Berlin", "/freeassociation.sourceforge.net/America/Indiana/Knox"
        parts = key.strip("/").split("/")
        for start in range(len(parts)):
            found = _IANA.get("/".join(parts[start:]))
            if found and (start == 0 or len(parts) - start > 1):
                return found
    return ""


@lru_cache(maxsize=512)
def _embedded(text: str) -> tzinfo:
    """The zone that a VTIMEZONE describes, as IANA zone if one has the same offsets on each day of two years."""
    rules = re.findall(r"^RRULE[^:\r\n]*:(.*)$", re.sub(r"\r?\n[ \t]", "", text), re.MULTILINE | re.IGNORECASE)
    # A hostile rule would be expanded second by second.
    if len(text) > MAX_TEXT or len(rules) > 40 or not all(re.fullmatch(r"[A-Z0-9=;,+-]*", rule.strip()) for rule in rules):
        raise IcalError("The time zone in the event can't be read.")
    if not all("FREQ=YEARLY" in rule and not re.search("BYHOUR|BYMINUTE|BYSECOND|INTERVAL", rule) for rule in rules):
        raise IcalError("The time zone in the event can't be read.")
    for rule in rules:
        Rule.read(rule, UTC)
    try:
        component = Timezone.from_ical(text)
        if not isinstance(component, Timezone):
            raise IcalError("The time zone in the event can't be read.")
        zone: tzinfo = component.to_tz(lookup_tzid=False)
        onsets = [int(year) for year in re.findall(r"DTSTART[^:\r\n]*:(\d{4})", text)]
        begin = datetime(min(2036, max(2024, *onsets, 0)), 1, 1, 12)  # noqa: DTZ001 - wall time
        offsets = [(day, zone.utcoffset(day.replace(tzinfo=zone))) for day in (begin + timedelta(days=number) for number in range(731))]
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, IndexError) as error:
        raise IcalError("The time zone in the event can't be read.") from error
    if any(offset is None for _, offset in offsets):
        raise IcalError("The time zone in the event can't be read.")
    return _twin(offsets) or zone


def _twin(offsets: list[tuple[datetime, timedelta | None]]) -> tzinfo | None:
    common = list(dict.fromkeys(WINDOWS_TO_OLSON.values()))
    for name in [*common, *sorted(set(_IANA.values()) - set(common))]:
        try:
            zone = ZoneInfo(name)
        except ZoneInfoNotFoundError:
            continue
        if all(zone.utcoffset(day) == offset for day, offset in offsets):
            return UTC if name in ("Etc/UTC", "UTC") else zone
    return None


def name(text: str) -> str:
    """The IANA name of the zone in an iCalendar text such as CALDAV:calendar-timezone, "" where it has none that is known."""
    tzid = next((line.value for line in parse(text) if line.name == "TZID"), "")
    if not tzid:
        return ""
    begin, end = text.find("BEGIN:VTIMEZONE"), text.rfind("END:VTIMEZONE")
    try:
        zone = resolve(tzid, text[begin : end + len("END:VTIMEZONE")] if 0 <= begin < end else "")
    except IcalError:
        return ""
    return zone.key if isinstance(zone, ZoneInfo) else ""
