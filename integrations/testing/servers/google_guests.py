"""Events and their guests at Google: who is invited finds a copy in the own primary calendar, and what a guest answers is seen at the organiser's.

"Share calendars and events": inviting puts a copy of the event on the guest's calendar, by which it can be accepted or rejected. "Invite users to an
event": changes of the organiser reach the copies. All copies have one id and one iCalUID; what is private to a calendar is not carried over ("Extended
properties"; discovery document, EventAttendee.self, Event.guestsCanSeeOtherGuests).
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import Any, Protocol

from integrations.testing.servers.discovery import Refusal

Row = dict[str, Any]
OWN = ("reminders", "transparency", "colorId", "visibility")  # what each guest chooses for the own copy
ORGANIZERS = ("guestsCanInviteOthers", "guestsCanModify", "guestsCanSeeOtherGuests")


class Place(Protocol):
    """A calendar, as far as this needs to know it."""

    id: str
    events: dict[str, Row]


class Mailbox(Protocol):
    """An account's calendars."""

    email: str
    calendars: dict[str, Any]

    def keep(self, calendar: Any, row: Row) -> Row: ...


def check_guest(before: Row, body: Row) -> None:
    """ "Handle API errors", 403 forbiddenForNonOrganizer: shared properties can only be set in the organiser's copy. Raises Refusal."""
    if not before["organizer"].get("self") and any(name in body for name in ORGANIZERS):
        raise Refusal(403, "forbiddenForNonOrganizer", "Shared properties can only be changed by the organizer of the event.", domain="calendar")


def spread(mine: Mailbox, row: Row, others: Sequence[Mailbox]) -> None:
    """After an event was written: its copies follow, or the organiser's hears the answer."""
    if "organizer" not in row:
        return
    rest = [one for one in others if one is not mine]
    if not row["organizer"].get("self"):
        _answer(mine, row, rest)
        return
    for guest in rest:
        _copy(guest, row)


def _copy(guest: Mailbox, row: Row) -> None:
    place = guest.calendars[guest.email]
    there = place.events.get(row["id"])
    invited = next((one for one in row.get("attendees", ()) if one["email"].lower() == guest.email.lower()), None)
    if row["status"] == "cancelled" or invited is None:
        if there and there["status"] != "cancelled":
            guest.keep(place, there | {"status": "cancelled"})
        return
    if there and there["status"] == "cancelled" and invited["responseStatus"] == "declined":
        return  # who has taken it away is not given it again
    made = {name: value for name, value in deepcopy(row).items() if name not in OWN}
    shared = (row.get("extendedProperties") or {}).get("shared")
    made["extendedProperties"] = {"shared": shared} if shared else {}
    made["organizer"] = {"email": row["organizer"]["email"]}
    made["creator"] = {"email": row["creator"]["email"]}
    seen = row.get("attendees", ()) if row.get("guestsCanSeeOtherGuests", True) else [invited]
    made["attendees"] = [{**one, "self": True} if one["email"] == invited["email"] else dict(one) for one in seen]
    made["reminders"] = {"useDefault": True}
    if there:
        made |= {name: there[name] for name in (*OWN, "created") if name in there}
        private = (there.get("extendedProperties") or {}).get("private")
        made["extendedProperties"] |= {"private": private} if private else {}
    if there is None or {**there, "etag": "", "updated": ""} != {**made, "etag": "", "updated": ""}:
        guest.keep(place, made)


def _answer(mine: Mailbox, row: Row, others: Sequence[Mailbox]) -> None:
    """Taking a copy away declines it."""
    known: Row = next((one for one in row.get("attendees", ()) if one.get("self")), {})
    answer = "declined" if row["status"] == "cancelled" else known.get("responseStatus", "needsAction")
    for other in others:
        for place in other.calendars.values():
            event = place.events.get(row["id"])
            if event and event["organizer"].get("self") and event["status"] != "cancelled":
                guests = [one | {"responseStatus": answer} if one["email"].lower() == mine.email.lower() else one for one in event.get("attendees", ())]
                if guests != event.get("attendees"):
                    other.keep(place, event | {"attendees": guests})
