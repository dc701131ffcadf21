"""Copies of an organiser's event in the attendees' calendars: awaited, taken over, followed, let go. What attendees answer. Decides nothing about items."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from booking.actions import busy
from booking.models import Allocation
from integrations import outbox, registry
from integrations.contract import Change
from integrations.items import Event, snapshot
from integrations.local import KINDS
from integrations.models import Installation, Link, Pair

if TYPE_CHECKING:
    from integrations.engine.session import Session
    from integrations.local.projection import Projection

GRACE = timedelta(minutes=5)  # so long a copy may take; then the calendar gets an event of our own
AGAIN = timedelta(seconds=30)  # it is looked for so often meanwhile
REFUSED = ("declined", "removed")


def awaited(link: Link) -> dict[str, tuple[str, int, int]]:
    """(kind, item id, that calendar) of what takes the calendar's time and was written to another one, by the UID that a copy would have."""
    holds = Allocation.objects.filter(calendar=link.calendar_id, kind=OuterRef("kind"), holder_id=OuterRef("item_id"))
    copying = [name for name, config in registry.providers().items() if config.capabilities.copies_to_attendees]
    events = Pair.objects.filter(Exists(holds), link__account__provider__in=copying, state__in=[Pair.State.LIVE, Pair.State.CONFLICT])
    events = events.exclude(link__calendar=link.calendar_id).exclude(mode=Pair.Mode.COPY).exclude(uid="")
    return {uid: item for uid, *item in events.values_list("uid", "kind", "item_id", "link__calendar")}  # type: ignore[misc]


class Wait(Exception):
    """Nothing can be decided before `until`."""

    def __init__(self, until: datetime) -> None:
        super().__init__("waits for a copy")
        self.until = until


def looked_for(session: Session, pair: Pair | None, projection: Projection, kind: str, item_id: int) -> Change | None:
    """The copy, where one is expected and has come meanwhile; else it is waited for (Wait), or given up so that an event of our own is written, or what
    is no longer wanted is let go."""
    if projection.event is None and not projection.wait:
        if pair is not None:
            _let_go(session, pair)
        return None
    if found := _look(session, kind, item_id):
        return found
    if projection.wait:
        raise Wait(_expect(session, kind, item_id, pair))
    if pair is not None:  # no copy comes, or the link now leads: the next generation is our own
        pair.mode, pair.state, pair.wait_until = Pair.Mode.OWN, Pair.State.CLOSED, None
    return None


def _look(session: Session, kind: str, item_id: int) -> Change | None:
    session.awaited = awaited(session.link)
    for uid, item in session.awaited.items():
        if item[:2] == (kind, item_id) and _led(session, uid):
            session.hold()
            found = session.provider.copy_of(session.link.remote_id, uid)
            known = found is not None and session.link.pairs.filter(remote_id=found.remote_id).exclude(kind=kind, item_id=item_id).exists()
            if found is not None and found.item is not None and is_copy(session, found.item) and not known:
                return found
    return None


def is_copy(session: Session, event: Event) -> bool:
    """An event that is led elsewhere and carries no marker of ours: with one it is the organiser's own, in a calendar that two share."""
    return _led(session, event.uid) and event.status != "cancelled" and not event.key.startswith(f"{Installation.mark()}.")


def _led(session: Session, uid: str) -> bool:
    """Whether that is the organiser's event of an item that belongs into this calendar too."""
    if uid not in session.awaited:
        return False
    kind, item_id, organizer = session.awaited[uid]
    calendars = KINDS[kind].calendars(item_id)
    return calendars[:1] == [organizer] and session.link.calendar_id in calendars[1:]


def _expect(session: Session, kind: str, item_id: int, pair: Pair | None) -> datetime:
    """Notes that a copy is expected; returns when to look again."""
    now = timezone.now()
    if pair is None:
        pair = Pair(link=session.link, kind=kind, item_id=item_id, key=first_key(kind, item_id, session.link))
    if pair.mode != Pair.Mode.COPY or pair.state != Pair.State.CREATING:
        if pair.mode == Pair.Mode.COPY:  # of an event that is no longer the organiser's
            pair.leftover = pair.remote_id
        pair.mode, pair.state, pair.remote_id, pair.etag, pair.gone_at = Pair.Mode.COPY, Pair.State.CREATING, "", "", None
        pair.wait_until = now + GRACE
        session.save(pair)
    assert pair.wait_until is not None
    return min(pair.wait_until, now + AGAIN)


def first_key(kind: str, item_id: int, link: Link) -> str:
    """No event carries it as long as a copy stands in its place."""
    return f"{Installation.mark()}.{kind}.{item_id}.{link.pk}.1"


def take_over(session: Session, change: Change, event: Event) -> Pair:
    """From now on the copy is what stands in this calendar; an event of our own there makes way for it at the next push."""
    link, (kind, item_id, _organizer) = session.link, session.awaited[event.uid]
    pairs = Pair.objects.select_for_update().filter(kind=kind, item_id=item_id)
    pair = pairs.filter(link=link).first() or Pair(link=link, kind=kind, item_id=item_id, key=first_key(kind, item_id, link))
    if pair.remote_id not in ("", change.remote_id) and pair.state != Pair.State.CLOSED:
        pair.leftover = pair.remote_id
    pair.mode, pair.state, pair.wait_until = Pair.Mode.COPY, Pair.State.LIVE, None
    follow(session, pair, change)
    pairs.filter(link__calendar=link.calendar_id, mode=Pair.Mode.COPY, state=Pair.State.CREATING).exclude(pk=pair.pk).delete()
    outbox.enqueue([link.pk], kind, item_id, now=timezone.now())
    return pair


def follow(session: Session, pair: Pair, change: Change) -> None:
    """A copy as it is now. What its owner does to it is no change of the item; that it is gone is settled when it is known why."""
    if change.item is None and not change.gone:
        pair.problem = change.problem[:500]
    elif change.gone or (change.item is not None and change.item.status == "cancelled"):
        if pair.state == Pair.State.LIVE:
            pair.state, pair.gone_at, pair.etag = Pair.State.GONE_THERE, timezone.now(), ""
    elif change.item is not None:
        pair.state, pair.gone_at, pair.problem = Pair.State.LIVE, None, ""
        pair.remote_id, pair.uid, pair.etag, pair.base, pair.seen = change.remote_id, change.item.uid, change.etag, snapshot(change.item), {}
    pair.save()
    if session.link.source:
        busy.replace(session.link.source, change.remote_id, [])


def tidy(session: Session, pair: Pair) -> None:
    """Takes away what a copy has taken the place of."""
    session.hold()
    session.provider.delete(session.link.remote_id, pair.leftover, "")
    pair.leftover = ""
    session.save(pair)


def _let_go(session: Session, pair: Pair) -> None:
    """No longer wanted in this calendar. The provider takes its copy away or marks it as cancelled; so that none is left, it is deleted too."""
    if pair.remote_id and session.rule(pair.kind).sends and pair.state in (Pair.State.LIVE, Pair.State.GONE_THERE):
        session.hold()
        session.provider.delete(session.link.remote_id, pair.remote_id, "")
    if pair.state != Pair.State.CLOSED:
        pair.state, pair.wait_until = Pair.State.CLOSED, None
        session.save(pair)


def note_answers(pair: Pair, event: Event, wanted: Collection[str]) -> list[str]:
    """What those we wrote as attendees, and still want, have answered to the organiser's event; the addresses newly taken off it there. A refusal is told
    to people and cancels nothing."""
    there = {one.email.strip().lower(): one.response for one in event.attendees}
    names = {email: name for email, name in pair.base.get("attendees", []) if email in wanted}
    found = {email: there.get(email, "removed") for email in names}
    before = {email: one["is"] for email, one in pair.responses.items()}
    if found != before:
        told = {email: one["told"] for email, one in pair.responses.items() if one["is"] == found.get(email)}
        answers = {email: {"is": answer, "told": told.get(email, answer not in REFUSED)} for email, answer in found.items()}
        pair.responses = {email: one | {"name": names[email]} for email, one in answers.items()}
        _tell(pair)
    return [email for email, answer in found.items() if answer == "removed" and before.get(email) != "removed"]


def withdrew(pair: Pair, address: str, name: str) -> None:
    """Somebody took the organiser's event out of the own calendar."""
    if pair.responses.get(address, {"is": ""})["is"] not in REFUSED:
        pair.responses = pair.responses | {address: {"is": "declined", "told": False, "name": name}}
        _tell(pair)


def _tell(pair: Pair) -> None:
    """The sweep finds what nobody was told of; this only makes it sooner."""
    from integrations.tasks import tell_answers

    pair.untold = any(not one["told"] for one in pair.responses.values())
    Pair.objects.filter(pk=pair.pk).update(responses=pair.responses, untold=pair.untold)
    if pair.untold:
        transaction.on_commit(lambda: tell_answers.apply_async([pair.pk], retry=False), robust=True)
