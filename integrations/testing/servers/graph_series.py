"""When a series of Graph's takes place, by dateutil: the product has another way to find out, and the two must agree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from dateutil.rrule import DAILY, MONTHLY, WEEKLY, YEARLY, rrule

from integrations.testing.servers.graph_rules import moment, zone

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
PLACES = {"first": 1, "second": 2, "third": 3, "fourth": 4, "last": -1}
KINDS: dict[str, Any] = {
    "daily": DAILY,
    "weekly": WEEKLY,
    "absoluteMonthly": MONTHLY,
    "relativeMonthly": MONTHLY,
    "absoluteYearly": YEARLY,
    "relativeYearly": YEARLY,
}


def occurrences(fields: Mapping[str, Any], until: datetime) -> Iterator[tuple[date, datetime, datetime]]:
    """(day in the series' zone, start, end) of each occurrence that begins before `until`; start and end in UTC."""
    pattern, reach = fields["recurrence"]["pattern"], fields["recurrence"]["range"]
    home = zone(reach.get("recurrenceTimeZone") or fields["start"]["timeZone"])
    first = moment(fields["start"]).astimezone(home).replace(tzinfo=None)
    length = moment(fields["end"]) - moment(fields["start"])
    days = (moment(fields["end"]).astimezone(home).date() - first.date()) if fields.get("isAllDay") else None
    rule: dict[str, Any] = {"dtstart": first, "interval": pattern["interval"]}
    kind, named = pattern["type"], [DAYS.index(day) for day in pattern.get("daysOfWeek") or []]
    if kind == "weekly":
        rule |= {"byweekday": named, "wkst": DAYS.index(pattern.get("firstDayOfWeek") or "sunday")}
    elif kind.startswith("relative"):
        rule |= {"byweekday": named, "bysetpos": PLACES[pattern.get("index") or "first"]}
    elif kind.startswith("absolute"):
        # Outlook: where a month has no such day, its last one.
        day = pattern["dayOfMonth"]
        rule |= {"bymonthday": day} if day <= 28 else {"bymonthday": list(range(28, day + 1)), "bysetpos": -1}
    if kind.endswith("Yearly"):
        rule["bymonth"] = pattern["month"]
    if reach["type"] == "numbered":
        rule["count"] = reach["numberOfOccurrences"]
    if reach["type"] == "endDate":
        rule["until"] = datetime.combine(date.fromisoformat(reach["endDate"]), time.max)
    for local in rrule(KINDS[kind], **rule):
        start = local.replace(tzinfo=home).astimezone(UTC)
        if start >= until:
            return
        yield local.date(), start, (local + days).replace(tzinfo=home).astimezone(UTC) if isinstance(days, timedelta) else start + length
