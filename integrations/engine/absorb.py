"""Takes in one remote event as it is now: ours or foreign, changed or gone. Never calls the provider, so it may run in a transaction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils import timezone

from booking.actions import busy
from booking.errors import SlotTaken, WrongState
from booking.models import BusySource
from integrations import outbox
from integrations.contract import Change
from integrations.decide import Action, Ours, Theirs, decide
from integrations.engine import copies
from integrations.engine.session import Session
from integrations.engine.takeover import take_over
from integrations.items import TAKES_NO_TIME, Event, snapshot
from integrations.local import KINDS, sharing
from integrations.merge import Snapshot, changed, merge
from integrations.models import FieldChange, Installation, Link, Pair
from integrations.models.history import Direction
from integrations.rules import max_age
from integrations.wire import recurrence

UID_ENDING = "@kalends"
FOLLOWED = [Pair.State.CLOSED, Pair.State.UNLINKED]


def one(session: Session, change: Change) -> None:
    """Decides and applies in one savepoint: what breaks here leaves nothing half done."""
    with transaction.atomic():
        pair = _pair_of(session, change)
        session.run.read += 1
        session.link.quarantine.pop(change.remote_id, None)
        if pair is None:
            if change.item is not None and copies.is_copy(session, change.item) and _makes_way(session, change.item):
                copies.take_over(session, change, change.item)
            else:
                _foreign(session, change)
        elif pair.mode == Pair.Mode.COPY:
            copies.follow(session, pair, change)
        elif change.gone or (change.item is not None and change.item.status == "cancelled"):
            gone(session, pair)
        elif change.item is None or (change.problem and KINDS[pair.kind].SERIES):  # half a series would undo the other half
            _unreadable(session, change, pair)
        else:
            _ours(session, pair, change, replace(change.item, exceptions=change.exceptions))


def _pair_of(session: Session, change: Change) -> Pair | None:
    """The pair a remote event belongs to: by its id, else by the marker it carries, if that marker has no other living event."""
    link = session.link
    pairs = Pair.objects.select_for_update()  # nobody else may change it until we have
    pair = pairs.filter(link=link, remote_id=change.remote_id).exclude(state__in=FOLLOWED).first()
    if pair is not None or change.item is None or not change.item.key.startswith(Installation.mark() + "."):
        return pair
    pair = pairs.filter(key=change.item.key).exclude(state__in=FOLLOWED).first()
    if pair is None:
        return _adopted(session, change.item)
    if is_anothers(change.item.uid, pair.uid):
        return None
    if pair.link_id == link.pk and (pair.state == Pair.State.CREATING or pair.state == Pair.State.GONE_THERE):
        return pair  # the answer to our creation was lost, or it was moved away and back
    if pair.state == Pair.State.GONE_THERE and pair.link.calendar_id == link.calendar_id:
        return follow(pair, link)
    return None


def _makes_way(session: Session, event: Event) -> bool:
    """Whether the copy can take the place of what we have there. Not while we are writing: what becomes of that is known first."""
    kind, item_id, _organizer = session.awaited[event.uid]
    pair = Pair.objects.filter(link=session.link, kind=kind, item_id=item_id).first()
    if pair is not None and pair.mode == Pair.Mode.OWN and pair.state == Pair.State.CREATING:
        return False
    if pair is not None and pair.state == Pair.State.CONFLICT:
        clear_conflict(pair)
        pair.save()
    return True


def is_anothers(uid: str, own: str) -> bool:
    """Whether an event that carries an item's marker is another item's all the same: after a backup was restored, ids are given a second time."""
    return bool(own) and uid.endswith(UID_ENDING) and uid != own


def _adopted(session: Session, event: Event) -> Pair | None:
    """A new pair for what was written before the account was disconnected, with no base: where the sides differ, the rule's priority decides.

    What has left the link's calendar meanwhile is agreed as it stands, for the next push to delete.
    """
    link, left = session.link, _left_behind(session, event)
    if left is None or not link.writes or link.pairs.filter(kind=left[0], item_id=left[1]).exists():
        return None
    kind, item_id, generation = left
    base: Snapshot = {"attendees": []}
    if not KINDS[kind].is_of(link, item_id, _own(event.uid)):
        base |= snapshot(replace(event, attendees=()))
        outbox.enqueue([link.pk], kind, item_id, now=timezone.now())
    return Pair.objects.create(link=link, kind=kind, item_id=item_id, generation=generation, key=event.key, state=Pair.State.LIVE, uid=event.uid, base=base)


def _left_behind(session: Session, event: Event) -> tuple[str, int, int] | None:
    """(kind, item id, generation) of an event that a link wrote which is no longer here, of an item that is in the link's calendar or once was.

    Two employees may share a remote calendar: only the history tells whose item it was. Of what it doesn't know (a restored database has lost it)
    the event is all that is left: that counts as foreign. So does what a rule that sends nothing leaves there.
    """
    link = session.link
    match event.key.split("."):
        case [mark, kind, item_id, link_id, generation] if mark == Installation.mark() and kind in KINDS and (item_id + link_id + generation).isdecimal():
            known = Link.objects.filter(pk=int(link_id)).exists() or Pair.objects.filter(key=event.key).exists()
            if not known and (
                _is_here(link, kind, int(item_id), event.uid) or (session.rule(kind).sends and _was_written(link, kind, int(item_id), event.uid))
            ):
                return kind, int(item_id), int(generation)
    return None


def _is_here(link: Link, kind: str, item_id: int, uid: str) -> bool:
    """Whether the event is of an item in the link's calendar: its UID tells, or where the server gives UIDs of its own, the history."""
    return KINDS[kind].is_of(link, item_id, _own(uid)) and (_own(uid) != "" or _was_written(link, kind, item_id, uid))


def _own(uid: str) -> str:
    return uid if uid.endswith(UID_ENDING) else ""


def _was_written(link: Link, kind: str, item_id: int, uid: str) -> bool:
    written = FieldChange.objects.filter(run__calendar=link.calendar_id, item_kind=kind, item_id=item_id, direction=Direction.OUT)
    return KINDS[kind].has_known(item_id, _own(uid)) and written.exists()


def follow(pair: Pair, link: Link) -> Pair:
    """It was moved to another of the owner's calendars: from now on it lives there. The caller saves."""
    Pair.objects.filter(link=link, kind=pair.kind, item_id=pair.item_id, state__in=FOLLOWED).delete()
    pair.link, pair.mode, pair.etag = link, "moved", ""
    outbox.enqueue([link.pk], pair.kind, pair.item_id, now=timezone.now())  # what changed here on its way was meant for where it was
    return pair


def _ours(session: Session, pair: Pair, change: Change, event: Event) -> None:
    """Ours as it stands there: an echo, a change to take over, or both sides changed."""
    now, etag_before = timezone.now(), pair.etag
    if event.recurrence and not KINDS[pair.kind].SERIES:  # turned into a series there: its first instance is ours, the rest takes time
        _close_time(session, change, first_is_ours=True)
        event = replace(event, recurrence=())
    elif session.link.source:
        busy.replace(session.link.source, change.remote_id, [])
    returned = pair.state in (Pair.State.CREATING, Pair.State.GONE_THERE)
    if returned:
        pair.state, pair.gone_at = Pair.State.LIVE, None
    pair.remote_id, pair.uid, pair.etag = change.remote_id, event.uid or pair.uid, change.etag
    shown = snapshot(event)
    sent = pair.base.pop("sent", {})
    pair.base |= {group: shown[group] for group, values in sent.items() if shown.get(group) in values}
    _heed(session, pair, event)
    theirs_now = _in_our_words(pair, shown)
    echo = etag_before != "" and change.etag == etag_before and not event.recurrence  # its single dates may have tags of their own
    if echo and pair.state == Pair.State.LIVE and pair.seen.get("when", shown["when"]) != shown["when"]:
        echo = _means_another_time(session, pair, shown)
    moved_back = pair.state == Pair.State.CONFLICT and not echo and theirs_now["when"] == pair.base.get("when")
    if moved_back:
        clear_conflict(pair)
    if echo or not changed(pair.base, theirs_now):
        if pair.state != Pair.State.CONFLICT:  # else the base is not what they show
            pair.seen = shown
        pair.save()
        if returned or moved_back:  # what ours says otherwise was not written meanwhile
            outbox.enqueue([session.link.pk], pair.kind, pair.item_id, now=now)
        return
    item = KINDS[pair.kind].load(pair.item_id)
    mine, leave = session.project(pair, item)
    if pair.state == Pair.State.CONFLICT and mine is None and not leave:
        clear_conflict(pair)  # it is no longer wanted there: nothing is left to settle
    if pair.state == Pair.State.CONFLICT and mine is not None:
        _merge(session, pair, item, mine, theirs_now, change)
    elif pair.state == Pair.State.CONFLICT:
        _note_conflict(session, pair, item, theirs_now, pair.problem)
    elif leave or not _theirs_changed(session, pair, item, mine, theirs_now, change):
        pair.etag = ""  # not taken in, so not known: it is looked at again as soon as it may be
    elif pair.state != Pair.State.CONFLICT:
        pair.seen = shown
    pair.save()


def _means_another_time(session: Session, pair: Pair, shown: Snapshot) -> bool:
    """The very text we know means another instant now: its zone's rules were changed. A meeting is where its owner's calendar shows it. With a customer
    the instant was agreed, so ours is written again; the text is an echo all the same."""
    if KINDS[pair.kind].SERIES:
        return False
    pair.base["when"] = shown["when"]
    outbox.enqueue([session.link.pk], pair.kind, pair.item_id, now=timezone.now())
    return True


def _theirs_changed(session: Session, pair: Pair, item: Any, mine: Snapshot | None, theirs_now: Snapshot, change: Change) -> bool:
    """False: the rule lets it stand there without taking note of it."""
    ours = Ours.DELETED if mine is None else Ours.CHANGED if changed(pair.base, mine) else Ours.SAME
    rule = session.rule(pair.kind)
    action = decide(ours, Theirs.CHANGED, direction=rule.direction, on_remote_delete=rule.on_remote_delete)
    if action in (Action.APPLY_HERE, Action.MERGE) and mine is not None:
        _merge(session, pair, item, mine, theirs_now, change)
    elif action is Action.DELETE_THEIRS:
        for group in changed(pair.base, theirs_now):
            session.record(pair, Direction.IN, FieldChange.Kind.CONFLICT, group, theirs_now[group], None)
    elif action is Action.UNLINK:
        pair.let_go()
    if action is Action.NOTHING:
        return False
    if pair.state == Pair.State.CONFLICT:
        return True
    pair.base = theirs_now | {"own": pair.base.get("own")}
    if action is not Action.NOTE:
        pair.save()  # what is kept now takes part in the projection
        mine, _leave = session.project(pair, item)
        if mine is None or changed(theirs_now, mine):
            outbox.enqueue([session.link.pk], pair.kind, pair.item_id, now=timezone.now())  # ours goes there on top of theirs
    return True


def _heed(session: Session, pair: Pair, event: Event) -> None:
    """Whom the organiser has taken off the event there no longer serves the item here; who only declines still does, until a person decides."""
    if not pair.base.get("attendees"):
        return
    local = KINDS[pair.kind]
    item = local.load(pair.item_id)
    mine, _leave = session.project(pair, item)
    if mine is None or not sharing.leads(local.calendars(pair.item_id), session.link):
        return
    removed = copies.note_answers(pair, event, {email for email, _name in mine["attendees"]})
    if not session.config.capabilities.copies_to_attendees or session.rule(pair.kind).direction not in ("both", "from"):
        return  # where nobody is really invited, a program that drops attendees means nothing by it
    if removed and local.release(item, session.link, removed, timezone.now()):
        session.record(pair, Direction.IN, FieldChange.Kind.UPDATE, "attendees", pair.base["attendees"], None)
        pair.base["attendees"] = [one for one in pair.base["attendees"] if one[0] not in removed]


def _in_our_words(pair: Pair, shown: Snapshot) -> Snapshot:
    """Their snapshot with everything that only looks different because they rewrote it put back; attendees are ours alone."""
    same = {group: pair.base[group] for group, value in pair.seen.items() if group in pair.base and shown.get(group) == value}
    guests = {"attendees": pair.base["attendees"]} if "attendees" in pair.base else {}
    return shown | same | guests


def _merge(session: Session, pair: Pair, item: Any, mine: Snapshot, theirs_now: Snapshot, change: Change) -> None:
    local, rule, now = KINDS[pair.kind], session.rule(pair.kind), timezone.now()
    priority = "theirs" if rule.direction == "from" else rule.priority
    merged = merge(pair.base, mine, theirs_now, priority, ours_at=local.changed_at(item), theirs_at=change.modified)  # type: ignore[arg-type]
    values = {group: theirs_now[group] for group in merged.take if group != "when" or sharing.leads(local.calendars(pair.item_id), session.link)}
    before, told = local.own_times(item), pair.theirs
    if pair.state == Pair.State.CONFLICT:  # the time waits for a person, the rest doesn't
        _note_conflict(session, pair, item, theirs_now, pair.problem)
        values.pop("when", None)
    try:
        with transaction.atomic():
            local.apply(item, pair, values, rule, now)
    except (SlotTaken, WrongState) as error:
        if "when" not in values:
            raise
        item.refresh_from_db()  # it had been moved in memory
        _note_conflict(session, pair, item, theirs_now, str(error))
        values.pop("when")
        local.apply(item, pair, values, rule, now)
    for group, value in values.items():
        old, new = (before, local.own_times(item)) if group == "when" else (mine[group], value)
        session.record(pair, Direction.IN, FieldChange.Kind.UPDATE, group, old, new)
    waits = pair.state == Pair.State.CONFLICT
    for lost in merged.lost:
        if waits and (lost.group == "when" or told.get(lost.group) == lost.value):  # it waits for a person, or has been told before
            continue
        session.record(pair, Direction.IN, FieldChange.Kind.CONFLICT, lost.group, lost.value, merged.value[lost.group])
    pair.base["own"] = local.own_times(item)
    if waits:  # what was taken is agreed all the same, or the next edit of it would look like a quarrel
        pair.base |= values


def _note_conflict(session: Session, pair: Pair, item: Any, theirs_now: Snapshot, problem: str) -> None:
    """The appointment stays where it is, the time wanted there is held too, and neither side is written until a person settles it."""
    if pair.state != Pair.State.CONFLICT or pair.theirs != theirs_now:
        session.record(pair, Direction.IN, FieldChange.Kind.CONFLICT, "when", theirs_now["when"], None)
    pair.state, pair.theirs, pair.problem = Pair.State.CONFLICT, theirs_now, problem[:500]
    start, end = KINDS[pair.kind].read_when(item, theirs_now["when"], session.rule(pair.kind), session.link)
    busy.replace(source_of(session.link), f"conflict:{pair.pk}", [busy.Span(start, end)] if start < end else [])


def clear_conflict(pair: Pair) -> None:
    """The time that was wanted there is no longer held; the caller saves."""
    pair.state, pair.theirs, pair.problem = Pair.State.LIVE, {}, ""
    if pair.link.source:
        busy.replace(pair.link.source, f"conflict:{pair.pk}", [])


def source_of(link: Link) -> BusySource:
    """The link's source of busy times; one that is only written gets one that never closes anything by its age."""
    if link.source is None:
        link.source = busy.add_source(calendar=link.calendar, label=link.remote_name, max_age=max_age(), policy=BusySource.Policy.OFFER)
        Link.objects.filter(pk=link.pk).update(source=link.source)
    return link.source


def gone(session: Session, pair: Pair) -> None:
    """Proven to be gone: noted only. What follows is settled at the end of the run, when it is known how much else has gone."""
    if pair.state in (Pair.State.LIVE, Pair.State.CONFLICT, Pair.State.CREATING):
        pair.state, pair.gone_at, pair.etag = Pair.State.GONE_THERE, timezone.now(), ""
        pair.save()


def quarantine(session: Session, change: Change, reason: str) -> None:
    """It could not be taken in: its time is closed as far as it is known, and it is shown with the reason."""
    closed = change.closed
    if change.item is not None and closed is None:
        instances = [change.item, *change.exceptions]
        moments = [moment for one in instances for moment in (one.start, one.end) if isinstance(moment, datetime)]
        closed = (min(moments), max(moments)) if moments else None
    _unreadable(session, replace(change, item=None, problem=reason, closed=closed), Pair.objects.filter(link=session.link, remote_id=change.remote_id).first())


def _unreadable(session: Session, change: Change, pair: Pair | None) -> None:
    session.link.quarantine[change.remote_id] = change.problem[:300]
    if session.link.source and session.link.reads:
        busy.replace(session.link.source, change.remote_id, [busy.Span(*change.closed)] if change.closed else [])
    if pair is not None:
        pair.problem = change.problem[:500]
        pair.save()


def _foreign(session: Session, change: Change) -> None:
    link = session.link
    if change.gone:
        if link.source:
            busy.replace(link.source, change.remote_id, [])
    elif change.item is None:
        _unreadable(session, change, None)
    elif _held_already(session, change.item):
        busy.replace(source_of(link), change.remote_id, [])
    elif pair := take_over(session, change, replace(change.item, exceptions=change.exceptions)):
        busy.replace(source_of(link), change.remote_id, [])
        _ours(session, pair, change, replace(change.item, exceptions=change.exceptions))
    else:
        _close_time(session, change)


def _held_already(session: Session, event: Event) -> bool:
    """Our own event read through another link of the same calendar, or left by one that is gone: the item's allocation holds the time."""
    if event.key and _left_behind(session, event):
        return True
    link = session.link
    pair = Pair.objects.filter(key=event.key).exclude(state__in=FOLLOWED).first() if event.key else None
    return pair is not None and pair.link_id != link.pk and KINDS[pair.kind].occupies(link, pair.item_id)


def _close_time(session: Session, change: Change, *, first_is_ours: bool = False) -> None:
    """The times a foreign event takes, as the rule and the link say."""
    link = session.link
    if not link.reads or change.item is None:
        return
    spans, problem = times(session, change)
    if problem:  # of a series only an instance may be unreadable: the rest counts, and its time too
        link.quarantine[change.remote_id] = problem[:300]
    busy.replace(source_of(link), change.remote_id, spans[1:] if first_is_ours else spans)


def times(session: Session, change: Change) -> tuple[list[busy.Span], str]:
    """The times an event takes within the window, and what of it can't be read. Of a series that can't be followed its possible time is closed."""
    if change.item is None:
        return [busy.Span(*change.closed)] if change.closed else [], change.problem
    found = recurrence.expand(change.item, change.exceptions, session.window, zone=ZoneInfo(session.link.calendar.timezone))
    spans = [busy.Span(one.start, one.end, "" if one.item.private else one.item.title) for one in found.instances if _takes_time(one.item, session)]
    problem = change.problem or found.problem
    return spans + ([busy.Span(*closed) for closed in (change.closed, found.closed) if closed] if problem else []), problem


def _takes_time(event: Event, session: Session) -> bool:
    """One rule for every provider: cancelled ones and TAKES_NO_TIME don't, private ones as the owner chose, the rest does."""
    rule, honour = session.reading, session.link.honour
    if not rule.busy or event.status == "cancelled" or honour == Link.Honour.FREE or (event.private and not rule.private):
        return False
    return honour == Link.Honour.BUSY or event.show_as not in TAKES_NO_TIME


def known_keys(link: Link) -> Iterable[str]:
    """Remote ids whose times are kept for the link, our own conflicts left out."""
    if link.source is None:
        return []
    return link.source.rows.exclude(key__startswith="conflict:").values_list("key", flat=True).distinct()
