"""PURE decision table: what to do with one item and its remote event, given what happened on each side since they last agreed."""

from __future__ import annotations

from enum import Enum


class Ours(Enum):
    NEW = "new"  # wanted there, no pair yet
    SAME = "same"
    CHANGED = "changed"
    DELETED = "deleted"  # cancelled, deleted, reassigned: no longer wanted there
    NONE = "none"  # nothing of ours is concerned


class Theirs(Enum):
    NONE = "none"  # there never was one
    SAME = "same"
    CHANGED = "changed"
    DELETED = "deleted"  # proven
    NEW = "new"  # a foreign event


class Action(Enum):
    NOTHING = "nothing"
    UPDATE_THEIRS = "update theirs"
    APPLY_HERE = "apply here"
    MERGE = "merge field by field"
    NOTE = "remember theirs, apply nothing"
    CREATE_THEIRS = "create theirs"
    RECREATE_THEIRS = "create theirs anew"
    DELETE_THEIRS = "delete theirs"
    CANCEL_HERE = "cancel here"
    UNLINK = "stop following"
    CLOSE = "close the pair"
    BUSY = "keep its time"
    CREATE_HERE = "make it an item of ours"
    DROP_BUSY = "free its time"


class Part(Enum):
    """What a link has to do with an item that several people's calendars hold."""

    LEAD = "lead"  # the organiser's: writes the event, with the others as its attendees
    COPY = "copy"  # the provider's copy for an attendee stands there: followed, never written
    WAIT = "wait"  # such a copy may still come
    OWN = "own"  # writes an event without attendees, because no copy comes


_BOTH = {
    (Ours.SAME, Theirs.SAME): Action.NOTHING,
    (Ours.CHANGED, Theirs.SAME): Action.UPDATE_THEIRS,
    (Ours.SAME, Theirs.CHANGED): Action.APPLY_HERE,
    (Ours.CHANGED, Theirs.CHANGED): Action.MERGE,
    (Ours.NEW, Theirs.NONE): Action.CREATE_THEIRS,
    (Ours.DELETED, Theirs.NONE): Action.CLOSE,
    (Ours.DELETED, Theirs.SAME): Action.DELETE_THEIRS,
    (Ours.DELETED, Theirs.CHANGED): Action.DELETE_THEIRS,
    (Ours.DELETED, Theirs.DELETED): Action.CLOSE,
    (Ours.CHANGED, Theirs.DELETED): Action.RECREATE_THEIRS,
    (Ours.NONE, Theirs.NEW): Action.BUSY,
    (Ours.NONE, Theirs.CHANGED): Action.BUSY,
    (Ours.NONE, Theirs.DELETED): Action.DROP_BUSY,
}

# One way there: what a person edits there stays until our next change, what is deleted there is put back once.
_TO = _BOTH | {
    (Ours.SAME, Theirs.CHANGED): Action.NOTE,
    (Ours.CHANGED, Theirs.CHANGED): Action.UPDATE_THEIRS,
}

# One way back: our edits stay here, our deletions stay here.
_FROM = _BOTH | {
    (Ours.CHANGED, Theirs.SAME): Action.NOTHING,
    (Ours.CHANGED, Theirs.CHANGED): Action.APPLY_HERE,
    (Ours.CHANGED, Theirs.DELETED): Action.CANCEL_HERE,
    (Ours.NEW, Theirs.NONE): Action.NOTHING,
    (Ours.DELETED, Theirs.SAME): Action.UNLINK,
    (Ours.DELETED, Theirs.CHANGED): Action.UNLINK,
}

_TABLES = {"both": _BOTH, "to": _TO, "from": _FROM}
_WHEN_DELETED_THERE = {"cancel": Action.CANCEL_HERE, "restore": Action.RECREATE_THEIRS, "unlink": Action.UNLINK}


def part(*, leads: bool, copies: bool, has: str, waited: bool) -> Part:
    """`copies`: the organiser's event is or will be there and puts copies into attendees' calendars. `has`: what stands in this calendar: "copy" of the
    organiser's present event, "own" for one we wrote, "". `waited`: long enough for a copy. Where a copy comes after all it takes our event's place."""
    if leads:
        return Part.LEAD
    if not copies:
        return Part.OWN
    if has == "copy":
        return Part.COPY
    return Part.OWN if waited or has == "own" else Part.WAIT


def decide(ours: Ours, theirs: Theirs, *, direction: str, on_remote_delete: str = "cancel", put_back: bool = False, imports: bool = False) -> Action:
    """`direction`: off, to, from, both. `put_back`: it was deleted there before and has been put back already. `imports`: what others enter
    there is to become an item here."""
    if ours is Ours.NONE and imports and theirs in (Theirs.NEW, Theirs.CHANGED):
        return Action.CREATE_HERE
    if ours is Ours.NONE:
        return _BOTH.get((ours, theirs), Action.NOTHING)  # busy times don't depend on the direction of our items
    if direction == "off":
        return Action.NOTHING
    if (ours, theirs) == (Ours.SAME, Theirs.DELETED):
        if direction == "to":
            return Action.UNLINK if put_back else Action.RECREATE_THEIRS
        return Action.CANCEL_HERE if direction == "from" else _WHEN_DELETED_THERE[on_remote_delete]
    return _TABLES[direction].get((ours, theirs), Action.NOTHING)
