"""Meetings and their guests in Exchange: who is invited finds the meeting in the own default calendar, and what a guest answers is seen at the organiser's.

"event resource type": iCalUId is one across calendars, ids are not; isOrganizer, responseStatus; hideAttendees: each guest sees only itself. A request that
is not answered yet shows as tentative; what the organiser cancels stays there, marked isCancelled, until its owner removes it. "event: decline" and
"event: accept" tell the organiser; a deletion by a guest does not. Extended properties stay in the organiser's mailbox.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from integrations.testing.servers.graph_rules import Refusal

if TYPE_CHECKING:
    from integrations.testing.servers.graph_mailbox import Mailbox, Stored

SHARED = ("subject", "body", "location", "start", "end", "isAllDay", "recurrence", "sensitivity", "importance", "hideAttendees", "isOnlineMeeting")
SHOWN = {"accepted": "busy", "tentativelyAccepted": "tentative"}


def address(attendee: dict[str, Any]) -> str:
    return str(attendee["emailAddress"]["address"]).lower()


def spread(mine: Mailbox, stored: Stored, *, ended: bool = False) -> None:
    """After the organiser wrote or (`ended`) deleted an event: the copies follow."""
    if stored.organizer or stored.master:
        return
    for email, guest in mine.peers.items():
        if guest is mine:
            continue
        copy = next((one for one in guest.events.values() if one.copied == stored.uid), None)
        invited = None if ended else next((one for one in stored.fields["attendees"] if address(one) == email), None)
        if invited is not None:
            _invite(guest, copy, stored, invited, mine.address)
        elif copy and not copy.is_cancelled:
            copy.is_cancelled = True
            copy.fields = copy.fields | {"subject": f"Canceled: {stored.fields['subject']}", "showAs": "free"}
            guest.changed(copy, guest.calendars[copy.calendar])


def _invite(guest: Mailbox, copy: Stored | None, stored: Stored, invited: dict[str, Any], organizer: str) -> None:
    attendees = [invited] if stored.fields["hideAttendees"] else stored.fields["attendees"]
    fields = {name: stored.fields[name] for name in SHARED} | {"attendees": [{name: one[name] for name in one if name != "status"} for one in attendees]}
    if copy and not copy.is_cancelled and all(copy.fields[name] == value for name, value in fields.items()):
        return
    if copy is None or copy.is_cancelled:
        fields |= {"showAs": "tentative", "responseStatus": {"response": "notResponded", "time": "0001-01-01T00:00:00Z"}}
    place = next(one for one in guest.calendars.values() if one.default)
    if copy is None:
        copy = guest.copy_of(stored, place, organizer)
    copy.is_cancelled = False
    copy.fields = copy.fields | fields
    guest.changed(copy, guest.calendars[copy.calendar])


def answer(mine: Mailbox, stored: Stored, verb: str) -> None:
    """accept, tentativelyAccept or decline; who declines has it no longer. Raises Refusal."""
    if not stored.organizer:
        raise Refusal(400, "ErrorInvalidRequest", "Your request can't be completed. You need to be an attendee of the meeting.")
    response = {"accept": "accepted", "tentativelyAccept": "tentativelyAccepted", "decline": "declined"}[verb]
    place, status = mine.calendars[stored.calendar], {"response": response, "time": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"}
    if verb == "decline":
        mine.drop(stored, place)
    else:
        stored.fields = stored.fields | {"responseStatus": status, "showAs": SHOWN[response]}
        mine.changed(stored, place)
    leader = mine.peers[stored.organizer]
    event = next((one for one in leader.events.values() if one.uid == stored.copied), None)
    if event is not None:
        guests = [one | {"status": status} if address(one) == mine.address.lower() else one for one in event.fields["attendees"]]
        event.fields = event.fields | {"attendees": guests}
        leader.changed(event, leader.calendars[event.calendar])
