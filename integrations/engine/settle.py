"""What follows when events of ours are gone there, or want a time that is taken: the rule decides, above a limit a person."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from booking.errors import WrongState
from integrations import outbox
from integrations.contract import Retry
from integrations.decide import Action, Ours, Theirs, decide
from integrations.engine import absorb, copies, moved
from integrations.engine.push import create, write
from integrations.engine.session import Session, failed, open_session
from integrations.local import KINDS, sharing
from integrations.merge import changed
from integrations.models import FieldChange, Link, Pair
from integrations.models.history import Direction
from integrations.rules import resolve
from integrations.wire.rounds import alone

GUARD_SPAN = timedelta(minutes=60)


def settle(session: Session) -> None:
    """Deals with what is known to be gone in the link's calendar. Parks and asks when it is suspiciously much."""
    gone = session.link.pairs.filter(state=Pair.State.GONE_THERE).order_by("gone_at")
    for pair in gone.filter(mode=Pair.Mode.COPY):
        _copy_gone(session, pair)
    waiting = list(gone.exclude(mode=Pair.Mode.COPY))
    if not waiting:
        return
    if session.link.state == Link.State.PARKED:
        return
    if suspicious(session.link):
        count = len(waiting)
        problem = ngettext(
            "%(count)s of our entries is gone in the calendar. Was it deleted on purpose?",
            "%(count)s of our entries are gone in the calendar. Were they deleted on purpose?",
            count,
        )
        session.link.state, session.link.problem = Link.State.PARKED, problem % {"count": count}
        session.link.save(update_fields=["state", "problem"])
        return
    for pair in waiting:
        if not moved.followed(session, pair) and moved.may_turn_up(pair) is None:
            _apply_rule(session, pair)


def suspicious(link: Link) -> bool:
    """More than 10 gone within 60 minutes, or at least 3 and more than 20 %, or all (at least 2)."""
    waiting = Q(state=Pair.State.GONE_THERE, gone_at__isnull=False)  # however long: the question may have been put aside by other trouble
    written = link.pairs.exclude(mode=Pair.Mode.COPY)  # that copies are gone cancels nothing
    gone = written.filter(waiting | Q(gone_at__gt=timezone.now() - GUARD_SPAN)).count()
    left = written.filter(state__in=[Pair.State.LIVE, Pair.State.CONFLICT]).count()
    return gone > 10 or (gone >= 3 and gone > 0.2 * (gone + left)) or (gone >= 2 and left == 0)


def _copy_gone(session: Session, pair: Pair) -> None:
    """With the organiser's event, then the item says so; else its owner took it away, which is noted once the organiser's calendar has been read since."""
    item = KINDS[pair.kind].load(pair.item_id)
    _mine, leave = session.project(pair, item)
    if item is None or not leave:
        outbox.enqueue([session.link.pk], pair.kind, pair.item_id, now=timezone.now())
        return
    event = sharing.leading(pair.kind, pair.item_id, KINDS[pair.kind].calendars(pair.item_id)[0])
    if event is None or event.uid != pair.uid or event.state != Pair.State.LIVE:
        outbox.enqueue([session.link.pk], pair.kind, pair.item_id, now=timezone.now())
        return
    if event.link.pulled_at is None or pair.gone_at is None or event.link.pulled_at <= pair.gone_at:
        Link.objects.filter(pk=event.link_id).update(dirty=True)
        Link.objects.filter(pk=session.link.pk).update(next_pull_at=timezone.now() + copies.AGAIN)
        return
    _withdrawn(session, pair)


def _withdrawn(session: Session, pair: Pair) -> None:
    """Somebody who serves the item together with others took it out of the own calendar: told to people, and nothing is cancelled (nor put back)."""
    local = KINDS[pair.kind]
    people = local.staff(pair.item_id)
    event, me = sharing.leading(pair.kind, pair.item_id, people[0].calendar_id), next(one for one in people if one.calendar_id == session.link.calendar_id)
    with session.applying():
        pair.state, pair.problem = Pair.State.UNLINKED, _("Deleted in the calendar; the appointment stays here.")
        pair.save_agreed()
        session.record(pair, Direction.IN, FieldChange.Kind.DELETE, "event", pair.base.get("title"), None)
        if event:
            copies.withdrew(event, sharing.addresses(people)[me.calendar_id].lower(), me.full_name)


def _apply_rule(session: Session, pair: Pair) -> None:
    local, now = KINDS[pair.kind], timezone.now()
    item = local.load(pair.item_id)
    mine, leave = session.project(pair, item)
    if leave:
        return
    ours = Ours.DELETED if mine is None else Ours.CHANGED if changed(pair.base, mine) else Ours.SAME
    rule = session.rule(pair.kind)
    match decide(ours, Theirs.DELETED, direction=rule.direction, on_remote_delete=rule.on_remote_delete, put_back=pair.put_back):
        case Action.CANCEL_HERE if item is not None and not sharing.leads(local.calendars(pair.item_id), session.link):
            _withdrawn(session, pair)
        case Action.CANCEL_HERE:
            with session.applying():
                absorb.clear_conflict(pair)
                pair.state = Pair.State.CLOSED
                pair.save_agreed()
                session.record(pair, Direction.IN, FieldChange.Kind.DELETE, "event", pair.base.get("title"), None)
                local.cancel(item, session.link, now, reason=f"calendar: {session.link}")
        case Action.RECREATE_THEIRS:
            put_back(session, pair)
        case Action.UNLINK:
            with session.applying():
                pair.state, pair.problem = Pair.State.UNLINKED, _("Deleted in the calendar; it stays here.")
                pair.save_agreed()
                session.record(pair, Direction.IN, FieldChange.Kind.DELETE, "event", pair.base.get("title"), None)
        case Action.CLOSE:
            pair.state = Pair.State.CLOSED
            session.save(pair)


def put_back(session: Session, pair: Pair) -> None:
    """Creates the event anew under the next generation's key; should that be interrupted, the outbox knows of it."""
    local = KINDS[pair.kind]
    item = local.load(pair.item_id)
    event = local.project(item, session.link, session.rule(pair.kind), pair, timezone.now(), hides_attendees=session.config.capabilities.hides_attendees).event
    if event is not None:
        outbox.enqueue([session.link.pk], pair.kind, pair.item_id, now=timezone.now())
        alone(create(session, pair.kind, pair.item_id, item, event, pair, anew=True), lambda ops: write(session, ops))


def answer_gone(link_id: int, *, deleted: bool, until: datetime | None = None) -> bool:
    """The person's answer to a parked link: they were deleted on purpose (the rule is applied), or shall be put back. False: not now, try again.

    `until` is when it was given: what has gone since is another question.
    """
    asked = Q(gone_at__lte=until or timezone.now())
    with open_session(link_id, Direction.IN) as session:
        if session is None:
            return False
        try:
            for pair in session.link.pairs.filter(asked | Q(gone_at=None), state=Pair.State.GONE_THERE).exclude(mode=Pair.Mode.COPY):
                if deleted:
                    _apply_rule(session, pair)
                else:
                    put_back(session, pair)
        except Retry as error:
            failed(session, error, timezone.now())
            return False
        session.link.pairs.filter(asked).update(gone_at=None)  # answered: no longer counted
        session.link.state, session.link.problem, session.link.answer = Link.State.ACTIVE, "", ""
        session.link.save(update_fields=["state", "problem", "answer"])
    return True


def settle_conflict(pair: Pair, *, keep_ours: bool) -> None:
    """A person chose: our time goes to the calendar, or the calendar's time is tried once more here (SlotTaken if it is still taken).

    WrongState if it was settled meanwhile.
    """
    local, now = KINDS[pair.kind], timezone.now()
    with transaction.atomic():
        pair = Pair.objects.select_for_update(of=("self",)).select_related("link__calendar", "link__account", "link__source").get(pk=pair.pk)
        if pair.state != Pair.State.CONFLICT:
            raise WrongState(_("This has been settled already."))
        wanted = pair.theirs
        absorb.clear_conflict(pair)
        if not keep_ours:
            local.apply(local.load(pair.item_id), pair, {"when": wanted["when"]}, resolve(pair.link, pair.kind), now)
        pair.seen = {group: value for group, value in pair.seen.items() if group not in changed(pair.base, wanted)}
        pair.base = pair.base | wanted
        pair.save()
        outbox.enqueue([pair.link_id], pair.kind, pair.item_id, now=now)
