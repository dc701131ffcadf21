"""PURE: our events as Google's rows, and back."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5
from zoneinfo import ZoneInfo

from booking.ical import IcalError
from booking.ical.series import instant
from integrations.contract import Change
from integrations.items import OWNED, Event, Person, ShowAs
from integrations.wire import zones

Row = dict[str, Any]
KEY, SHOWN, GUESTS = "kalendsKey", "kalendsShowAs", "kalendsGuests"  # private extended properties
RESPONSES = {"needsAction": "needs-action", "accepted": "accepted", "declined": "declined", "tentative": "tentative"}
MARK = 5  # characters that tell a guest of ours: 200, more than Google allows, fit into the 1024 of a property
UNREADABLE = (KeyError, TypeError, ValueError, AttributeError, OverflowError)  # what a row that is not as described leads to


def event_id(key: str, number: int = 0) -> str:
    """The same id for the same key, so that a repeated creation meets the first one: an UUID in hex, as base32hex may look.

    `number`: an id is used up for good once its event was deleted, then the next one is taken.
    """
    return uuid5(NAMESPACE_URL, f"kalends:{key}#{number}" if number else f"kalends:{key}").hex


def body(item: Event, key: str) -> Row:
    """A new event. Guests never see each other. Its UID is Google's: an own one excludes an own id."""
    made = fields(item, OWNED) | {"guestsCanSeeOtherGuests": False}
    if item.reminder is not None:  # else the calendar's own, as for all that its owner enters
        made["reminders"] = {"useDefault": False, "overrides": [{"method": "popup", "minutes": item.reminder}]}
    made["extendedProperties"]["private"][KEY] = key
    made["start"], made["end"] = (_trimmed(made[name]) for name in ("start", "end"))
    return made | ({"recurrence": list(item.recurrence)} if item.recurrence else {})


def fields(item: Event, groups: Collection[str], before: Row | None = None) -> Row:
    """What a patch writes for these groups; everything else stays. `before` is needed for attendees: an array is replaced whole."""
    found: Row = {}
    private: dict[str, str] = {}
    for group, name in (("title", "summary"), ("description", "description"), ("location", "location")):
        if group in groups:
            found[name] = getattr(item, group)
    if "when" in groups:
        found |= {"start": _time(item.start, item.timezone), "end": _time(item.end, item.timezone)}
    if "show_as" in groups:
        found |= {"transparency": "transparent" if item.show_as == "free" else "opaque", "status": "tentative" if item.show_as == "tentative" else "confirmed"}
        private[SHOWN] = item.show_as
    if "private" in groups:
        found["visibility"] = "private" if item.private else "default"
    if "attendees" in groups:
        found["attendees"] = _guests(item.attendees, before or {})
        private[GUESTS] = "".join(_mark(one.email) for one in item.attendees if one.email)
        if item.attendees:
            found["guestsCanSeeOtherGuests"] = False
    if "recurrence" in groups and before is not None:
        found["recurrence"] = list(item.recurrence) or None
    if private:
        found["extendedProperties"] = {"private": private}
    return found


def _time(value: datetime | date, zone: str) -> Row:
    """null takes away what a time of the other kind has."""
    if not isinstance(value, datetime):
        return {"date": value.isoformat(), "dateTime": None, "timeZone": None}
    return {"dateTime": value.astimezone(ZoneInfo(zone)).isoformat(timespec="seconds"), "timeZone": zone, "date": None}


def _trimmed(value: Row) -> Row:
    return {name: one for name, one in value.items() if one is not None}


def _guests(wanted: Sequence[Person], before: Row) -> list[Row]:
    """Those already there stay as they are, with their answers; of the others go only those that we had written."""
    known = [one for one in before.get("attendees", ()) if isinstance(one, dict)]
    ours, names = private_of(before).get(GUESTS, ""), {one.email.lower() for one in wanted}
    marks = {ours[begin : begin + MARK] for begin in range(0, len(ours), MARK)}
    kept = [one for one in known if str(one.get("email", "")).lower() in names or _mark(str(one.get("email", ""))) not in marks]
    there = {str(one.get("email", "")).lower() for one in kept}
    return kept + [_guest(one) for one in wanted if one.email and one.email.lower() not in there]


def _guest(one: Person) -> Row:
    row: Row = {"email": one.email, "responseStatus": next((theirs for theirs, ours in RESPONSES.items() if ours == one.response), "needsAction")}
    row |= {"displayName": one.name} if one.name else {}
    row |= {"optional": True} if one.role == "optional" else {}
    return row | ({"resource": True} if one.role == "resource" else {})


def _mark(email: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(email.strip().lower().encode()).digest()).decode()[:MARK]


def private_of(row: Row) -> dict[str, str]:
    found: dict[str, str] = (row.get("extendedProperties") or {}).get("private") or {}
    return found


def cancelled(row: Row) -> bool:
    return row.get("status") == "cancelled"


def change(row: Row, exceptions: Sequence[Row] = (), zone: str = "UTC") -> Change:
    """An event, or a series with its exceptions, as the engine sees it. `zone` is the calendar's. Never raises for what is odd in it."""
    remote_id = str(row["id"])
    if cancelled(row):
        return Change(remote_id, gone=True)
    problem, closed = "", None
    try:
        item = event(row, zone)
    except (IcalError, *UNREADABLE) as error:
        return Change(remote_id, str(row.get("etag", "")), _modified(row), problem=_said(error), closed=_span(row))
    found = []
    for one in exceptions:
        try:
            found.append(event(one, zone, item))
        except (IcalError, *UNREADABLE) as error:
            problem, closed = _said(error), _span(one)
    return Change(remote_id, str(row.get("etag", "")), _modified(row), item, tuple(found), problem=problem, closed=closed)


def event(row: Row, zone: str, master: Event | None = None) -> Event:
    """Raises IcalError or one of UNREADABLE. Of a cancelled exception nothing is certain but where it was."""
    original = row.get("originalStartTime")
    recurrence_id = moment(original, zone)[0] if original else None
    if cancelled(row) and recurrence_id is not None:
        length = master.end - master.start if master else timedelta(0)  # type: ignore[operator]
        days = not isinstance(recurrence_id, datetime)
        return Event(recurrence_id, recurrence_id + length, all_day=days, uid=master.uid if master else "", recurrence_id=recurrence_id, status="cancelled")
    (start, timezone), (end, _) = moment(row["start"], zone), moment(row["end"], zone)
    if instant(end, UTC) < instant(start, UTC):
        raise IcalError("The event ends before it starts.")
    leader = row.get("organizer") or {}
    guests = [one for one in row.get("attendees", ()) if one.get("email")]
    return Event(
        start=start,
        end=end,
        key=private_of(row).get(KEY, ""),
        uid=str(row.get("iCalUID", "")),
        title=str(row.get("summary", "")),
        description=str(row.get("description", "")),
        location=str(row.get("location", "")),
        all_day=not isinstance(start, datetime),
        timezone=timezone,
        show_as=_shown(row),
        private=row.get("visibility") in ("private", "confidential"),
        attendees=tuple(
            Person(one["email"], str(one.get("displayName", "")), _role(one), RESPONSES.get(one.get("responseStatus"), "needs-action")) for one in guests
        ),
        organizer=Person(str(leader.get("email", "")), str(leader.get("displayName", ""))) if leader else None,
        reminder=next((one["minutes"] for one in (row.get("reminders") or {}).get("overrides", ())), None),
        recurrence=tuple(row.get("recurrence", ())),
        recurrence_id=recurrence_id,
        status="tentative" if row.get("status") == "tentative" else "confirmed",
    )


def moment(value: Row, zone: str) -> tuple[datetime | date, str]:
    """A time and the name of its zone. The offset beside it makes it exact even where the name is unknown here, but for a series that is no ground."""
    if "date" in value:
        return date.fromisoformat(value["date"]), zone
    found = datetime.fromisoformat(value["dateTime"])
    home = zones.resolve(value.get("timeZone") or zone)
    if not isinstance(home, ZoneInfo):
        raise IcalError("The event is in a time zone that is not known.")
    return (found if found.tzinfo else found.replace(tzinfo=home)).astimezone(UTC).astimezone(home), home.key  # by UTC: an instant that has none fails here


def _shown(row: Row) -> ShowAs:
    """Free or not is transparency, tentative is the status. Our finer value counts as long as it agrees: other clients leave it behind unread."""
    if any(one.get("self") and one.get("responseStatus") == "declined" for one in row.get("attendees", ())):
        return "free"
    kind = row.get("eventType")
    if kind == "workingLocation":  # where somebody works, not that they are busy
        return "elsewhere"
    if row.get("transparency") == "transparent":
        return "free"
    if row.get("status") == "tentative":
        return "tentative"
    if kind == "outOfOffice":
        return "away"
    fine = private_of(row).get(SHOWN)
    return "away" if fine == "away" else "elsewhere" if fine == "elsewhere" else "busy"


def _role(one: Row) -> str:
    return "resource" if one.get("resource") else "chair" if one.get("organizer") else "optional" if one.get("optional") else "required"


def _modified(row: Row) -> datetime | None:
    try:
        return datetime.fromisoformat(row["updated"]).astimezone(UTC)
    except UNREADABLE:
        return None


def _span(row: Row) -> tuple[datetime, datetime] | None:
    """The time it takes as far as that can be told: with a day on each side where only dates are known."""
    try:
        told = [datetime.fromisoformat(row[name].get("dateTime") or row[name]["date"]) for name in ("start", "end")]
        first, last = sorted(one.astimezone(UTC) if one.tzinfo else one.replace(tzinfo=UTC) for one in told)
        margin = timedelta(days=0 if all(one.tzinfo for one in told) else 1)
        return (first - margin, last + margin) if first < last else None
    except UNREADABLE:
        return None


def _said(error: Exception) -> str:
    return str(error) if isinstance(error, IcalError) else "The event can't be read."
