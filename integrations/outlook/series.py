"""PURE: Graph's recurrence (pattern and range) as RFC 5545 rule, and back. What one can't say the other can't be given: ValueError."""

from __future__ import annotations

from datetime import UTC, date, datetime, tzinfo
from typing import Any

DAYS = {"MO": "monday", "TU": "tuesday", "WE": "wednesday", "TH": "thursday", "FR": "friday", "SA": "saturday", "SU": "sunday"}
CODES = {name: code for code, name in DAYS.items()}
PLACES = {"first": 1, "second": 2, "third": 3, "fourth": 4, "last": -1}
INDEXES = {place: name for name, place in PLACES.items()}
CLIPPED = 28  # every month has that many days


def rule(recurrence: dict[str, Any], start: datetime | date, home: tzinfo) -> str:
    """The line "RRULE:…" of a series that starts at `start` (aware, or a date) and lives in `home`. Raises ValueError, KeyError, TypeError."""
    pattern, reach = recurrence["pattern"], recurrence["range"]
    local = start.astimezone(home) if isinstance(start, datetime) else start
    kind, interval = pattern["type"], int(pattern["interval"])
    if interval < 1:
        raise ValueError("an interval of nothing")
    parts = {"FREQ": _frequency(kind)} | ({"INTERVAL": str(interval)} if interval > 1 else {})
    if kind == "weekly":
        days = _days(pattern)
        parts |= {"BYDAY": ",".join(days)} if days != [_weekday(local)] else {}
        first = CODES[str(pattern.get("firstDayOfWeek") or "sunday").lower()]
        parts |= {"WKST": first} if interval > 1 and first != "MO" else {}
    elif kind in ("relativeMonthly", "relativeYearly"):
        days, place = _days(pattern), PLACES[str(pattern.get("index") or "first").lower()]
        parts |= {"BYMONTH": str(_month(pattern))} if kind == "relativeYearly" else {}
        parts |= {"BYDAY": f"{place}{days[0]}"} if len(days) == 1 else {"BYDAY": ",".join(days), "BYSETPOS": str(place)}
    elif kind in ("absoluteMonthly", "absoluteYearly"):
        yearly, day = kind == "absoluteYearly", int(pattern["dayOfMonth"])
        month = _month(pattern) if yearly else 0
        if not 1 <= day <= 31:
            raise ValueError("no such day")
        if day > CLIPPED and month in (0, 2, 4, 6, 9, 11):  # Outlook takes the last day where a month is shorter
            parts |= {"BYMONTH": str(month)} if yearly else {}
            parts |= {"BYMONTHDAY": ",".join(str(one) for one in range(CLIPPED, day + 1)), "BYSETPOS": "-1"}
        elif day != local.day or (yearly and month != local.month):
            parts |= ({"BYMONTH": str(month)} if yearly else {}) | {"BYMONTHDAY": str(day)}
    match reach["type"]:
        case "numbered":
            if int(reach["numberOfOccurrences"]) < 1:
                raise ValueError("a series of nothing")
            parts["COUNT"] = str(int(reach["numberOfOccurrences"]))
        case "endDate":
            last = date.fromisoformat(reach["endDate"])
            parts["UNTIL"] = f"{last:%Y%m%d}" if not isinstance(local, datetime) else _stamp(datetime.combine(last, local.timetz().replace(fold=0)))
        case "noEnd":
            pass
        case other:
            raise ValueError(other)
    return "RRULE:" + ";".join(f"{name}={value}" for name, value in parts.items())


def recurrence(lines: tuple[str, ...], start: datetime | date, home: tzinfo, timezone: str) -> dict[str, Any]:
    """Graph's object for a series; `timezone` is the name Graph knows `home` by. Raises ValueError for what Outlook can't repeat."""
    if len(lines) != 1 or not lines[0].upper().startswith("RRULE:"):
        raise ValueError("Outlook takes one rule, and exceptions only afterwards")
    parts = dict(part.split("=", 1) for part in lines[0][6:].upper().strip(";").split(";"))
    local = start.astimezone(home) if isinstance(start, datetime) else start
    first = local.date() if isinstance(local, datetime) else local
    try:
        pattern = _pattern(parts, first)
    except KeyError as error:
        raise ValueError("days that Outlook can't name") from error
    reach: dict[str, Any] = {"type": "noEnd", "startDate": first.isoformat(), "recurrenceTimeZone": timezone}
    if count := parts.pop("COUNT", ""):
        reach |= {"type": "numbered", "numberOfOccurrences": int(count)}
    if until := parts.pop("UNTIL", ""):
        reach |= {"type": "endDate", "endDate": _until(until, local, home).isoformat()}
    if parts:
        raise ValueError(f"Outlook has no {min(parts)}")
    return {"pattern": pattern, "range": reach}


def _pattern(parts: dict[str, str], first: date) -> dict[str, Any]:
    """Takes what it uses out of `parts`."""
    frequency, interval, start_of_week = parts.pop("FREQ", ""), int(parts.pop("INTERVAL", "1")), DAYS[parts.pop("WKST", "MO")]
    days, places = parts.pop("BYDAY", ""), parts.pop("BYSETPOS", "")
    if frequency == "DAILY" and not days:
        return {"type": "daily", "interval": interval}
    if frequency == "WEEKLY" or (frequency == "DAILY" and interval == 1):
        named = [DAYS[day] for day in (days or _weekday(first)).split(",")]
        return {"type": "weekly", "interval": interval, "daysOfWeek": named, "firstDayOfWeek": start_of_week}
    if frequency not in ("MONTHLY", "YEARLY"):
        raise ValueError("not a frequency of Outlook's")
    kind = frequency.capitalize()
    if days and kind == "Yearly" and "BYMONTH" not in parts:
        raise ValueError("a weekday of the whole year")
    months = {"month": int(parts.pop("BYMONTH", first.month))} if kind == "Yearly" else {}
    if days:
        if not places:
            places, days = days[:-2], days[-2:]
        named = [DAYS[day] for day in days.split(",")]
        return {"type": f"relative{kind}", "interval": interval, "daysOfWeek": named, "index": INDEXES[int(places)]} | months
    numbers = [int(number) for number in parts.pop("BYMONTHDAY", str(first.day)).split(",")]
    last = 31 if numbers == [-1] else numbers[-1]
    long = months.get("month") in (1, 3, 5, 7, 8, 10, 12)
    clipped = numbers == [-1] or (numbers == list(range(CLIPPED, last + 1)) and places == "-1")
    if not clipped and (len(numbers) != 1 or places or not 1 <= last <= (31 if long else CLIPPED)):
        raise ValueError("days that Outlook can't name")
    return {"type": f"absolute{kind}", "interval": interval, "dayOfMonth": last} | months


def _frequency(kind: str) -> str:
    found = {"daily": "DAILY", "weekly": "WEEKLY", "absoluteMonthly": "MONTHLY", "relativeMonthly": "MONTHLY"}
    return (found | {"absoluteYearly": "YEARLY", "relativeYearly": "YEARLY"})[kind]


def _days(pattern: dict[str, Any]) -> list[str]:
    named = {CODES[str(day).lower()] for day in pattern["daysOfWeek"]}
    if not named:
        raise ValueError("no day of the week")
    return [day for day in DAYS if day in named]


def _month(pattern: dict[str, Any]) -> int:
    if not 1 <= int(pattern["month"]) <= 12:
        raise ValueError("no such month")
    return int(pattern["month"])


def _weekday(day: date) -> str:
    return list(DAYS)[day.weekday()]


def _stamp(value: datetime) -> str:
    return f"{value.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _until(text: str, start: datetime | date, home: tzinfo) -> date:
    """The last day on which an occurrence may begin."""
    if "T" not in text:
        return datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007 - a date
    value = datetime.strptime(text.removesuffix("Z"), "%Y%m%dT%H%M%S").replace(tzinfo=UTC if text.endswith("Z") else home).astimezone(home)
    earlier = isinstance(start, datetime) and value.time() < start.time().replace(microsecond=0)
    return date.fromordinal(value.toordinal() - 1) if earlier else value.date()
