"""Our side to theirs: works off the outbox of one link."""

from __future__ import annotations

import logging
from collections.abc import Generator, Sequence
from typing import Any

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_noop as _

from integrations import outbox
from integrations.contract import Change, Changed, Create, Delete, NeedsPerson, Op, ProviderError, Receipt, Retry, Update
from integrations.decide import Action, Ours, Theirs, decide
from integrations.engine import absorb, copies, moved
from integrations.engine.session import Session, failed, marker, open_session, succeeded
from integrations.items import Event, snapshot
from integrations.local import KINDS
from integrations.merge import Snapshot, changed
from integrations.models import FieldChange, Link, Outgoing, Pair, Run
from integrations.models.history import Direction
from integrations.wire.rounds import together

logger = logging.getLogger(__name__)

# What is to be written for one item: yields each call and is given its receipt. Nothing is held while it waits, neither a transaction nor a lock.
Writing = Generator[Op, Receipt | None, None]


def drain(link_id: int) -> int:
    """Writes what waits for the link, oldest first; returns how many rows were worked off. Stops when the other side is in trouble."""
    count = 0
    if not outbox.waits(link_id, timezone.now()):  # notifications come twice, or late
        return 0
    with open_session(link_id, Direction.OUT) as session:
        if session is None or session.link.pulled_at is None:  # what stands there already is looked at before anything is added to it
            return 0
        if session.link.account.pauses and _reading_is_due(session.link.account_id):  # or it would never have its turn while writing is refused
            return 0
        while rows := _next_rows(session, probing=not count):
            trouble: list[ProviderError] = []
            for row, error in zip(rows, push(session, rows), strict=True):
                if error is None:
                    outbox.done(row)
                    count += 1
                elif stops := _noted(row, error, others=bool(count)):
                    trouble.append(stops)
            if trouble:
                if count:
                    succeeded(session)
                failed(session, max(trouble, key=_weight), timezone.now())
                return count
        session.close(Run.Outcome.OK)
        if count:
            succeeded(session)
    return count


def _reading_is_due(account_id: int) -> bool:
    """Whoever reads wakes us afterwards."""
    return Link.objects.filter(Q(dirty=True) | Q(next_pull_at__lte=timezone.now()), account=account_id).exists()


def _next_rows(session: Session, *, probing: bool) -> list[Outgoing]:
    """After a pause one row first: while a limit holds, each call counts."""
    if probing and session.link.account.pauses:
        return outbox.probe(session.link, timezone.now())
    return outbox.next_rows(session.link, timezone.now(), session.config.capabilities.batch)


def _weight(error: ProviderError) -> tuple[bool, float, bool]:
    """A person is wanted before any waiting; of pauses the longest."""
    return isinstance(error, NeedsPerson), getattr(error, "after", None) or 0, getattr(error, "whole", False)


def _noted(row: Outgoing, error: Exception, *, others: bool) -> ProviderError | None:
    """Notes at the row what kept it from being written; the error, if it is the other side's trouble and not this item's. `others`: some were
    written just before; if this one fails again all the same, it waits by itself."""
    match error:
        case copies.Wait():
            outbox.sleep(row, error.until)
            return None
        case Retry(whole=True, after=None) if not (others and row.attempts):
            outbox.hold(row, error=str(error))
            return error
        case Retry():
            outbox.later(row, timezone.now(), after=error.after, error=str(error))
            return error
        case NeedsPerson(code="rejected"):
            outbox.give_up(row, error=error.reason, hint=error.hint)
            return None
        case NeedsPerson():
            if error.code != "auth":  # the account goes on: don't ask every minute
                outbox.later(row, timezone.now(), error=error.reason)
            return error
    # One item must not stop the others.
    logger.error("Writing %s %s for link %s broke", row.kind, row.item_id, row.link_id, exc_info=error)
    if row.attempts + 1 >= outbox.POISON:
        outbox.give_up(row, error=_("Something went wrong on our side."), hint=type(error).__name__)
    else:
        outbox.later(row, timezone.now(), error=type(error).__name__)
    return None


def push(session: Session, rows: Sequence[Outgoing]) -> list[Exception | None]:
    """Items for one link, side by side: None for each that is written, else what kept it from being."""
    return together([_push(session, row) for row in rows], lambda ops: write(session, ops))


def write(session: Session, ops: Sequence[Op]) -> Sequence[Receipt | Exception | None]:
    session.hold()
    return session.provider.many(session.link.remote_id, ops)


def _push(session: Session, row: Outgoing) -> Writing:
    """One item. A mismatching etag is read, merged and tried again."""
    for _attempt in range(4):
        try:
            return (yield from _once(session, row.kind, row.item_id))
        except Changed:
            pair = Pair.objects.get(link=session.link, kind=row.kind, item_id=row.item_id)
            session.hold()
            _take_in(session, session.provider.get(session.link.remote_id, pair.remote_id))
    raise Retry("The event keeps changing over there.")


def _take_in(session: Session, found: Change) -> None:
    with session.applying():
        absorb.one(session, found)


def _once(session: Session, kind: str, item_id: int) -> Writing:
    local, now = KINDS[kind], timezone.now()
    item = local.load(item_id)
    pair = Pair.objects.filter(link=session.link, kind=kind, item_id=item_id).first()
    if pair and pair.leftover:
        copies.tidy(session, pair)
    if pair and pair.mode != Pair.Mode.COPY and pair.state == Pair.State.LIVE and not pair.etag and pair.remote_id and session.config.capabilities.etag:
        # It was moved, or edited while it was left alone: what stands there is not known yet.
        session.hold()
        _take_in(session, session.provider.get(session.link.remote_id, pair.remote_id))
        item, pair = local.load(item_id), Pair.objects.get(pk=pair.pk)
    rule = session.rule(kind)
    projection = local.project(item, session.link, rule, pair, now, hides_attendees=session.config.capabilities.hides_attendees)
    if pair and pair.state == Pair.State.UNLINKED:
        return
    copied = projection.wait or (pair and pair.mode == Pair.Mode.COPY and not projection.leave)
    if copied and (found := copies.looked_for(session, pair, projection, kind, item_id)):
        _take_in(session, found)
        return (yield from _once(session, kind, item_id))
    if projection.leave or (projection.event is None and pair and pair.mode == Pair.Mode.COPY):
        return
    if pair and pair.state == Pair.State.CONFLICT:
        if projection.event is not None:
            return
        with session.applying():  # no longer wanted there: nothing is left to settle
            absorb.clear_conflict(pair)
            pair.save_agreed()
    live = pair is not None and pair.state in (Pair.State.LIVE, Pair.State.GONE_THERE, Pair.State.CREATING)
    gone = pair is not None and pair.state == Pair.State.GONE_THERE
    wanted = projection.event
    if wanted is None:
        ours = Ours.DELETED if live else Ours.NONE
    elif pair is None or pair.state in (Pair.State.CLOSED, Pair.State.CREATING):
        ours = Ours.NEW
    else:
        ours = Ours.CHANGED if changed(pair.base, snapshot(wanted)) else Ours.SAME
    theirs = Theirs.DELETED if gone else Theirs.NONE if ours is Ours.NEW else Theirs.SAME
    action = decide(ours, theirs, direction=rule.direction, on_remote_delete=rule.on_remote_delete, put_back=bool(pair and pair.put_back))
    if gone and ours is Ours.SAME:
        return  # pull settles what was deleted there
    if gone and pair and action is Action.RECREATE_THEIRS:
        if moved.followed(session, pair):
            return
        if until := moved.may_turn_up(pair):
            raise copies.Wait(until)
    match action:
        case Action.CREATE_THEIRS if wanted:
            yield from create(session, kind, item_id, item, wanted, pair)
        case Action.RECREATE_THEIRS if wanted and pair:
            yield from create(session, kind, item_id, item, wanted, pair, anew=True)
        case Action.UPDATE_THEIRS if wanted and pair:
            yield from _update(session, item, wanted, pair)
        case Action.DELETE_THEIRS if pair:
            yield from _delete(session, pair)
        case Action.CLOSE | Action.UNLINK if pair:
            if action is Action.CLOSE:
                pair.state = Pair.State.CLOSED
            else:
                pair.let_go()
            session.save(pair)


def create(session: Session, kind: str, item_id: int, item: Any, wanted: Event, pair: Pair | None, *, anew: bool = False) -> Writing:
    """The intent, its content and the key that will be recognised are saved before the call: whatever becomes of the answer, there is one event."""
    link = session.link
    if pair is None:
        pair = Pair(link=link, kind=kind, item_id=item_id, key=marker(kind, item_id, link.pk, 1))
    elif anew or pair.state == Pair.State.CLOSED:
        if pair.remote_id:  # it may still stand there, marked as cancelled: the new one has the same UID and takes its place
            yield Delete(pair.remote_id, "")
        pair.generation += 1
        pair.put_back = pair.put_back or anew
        pair.key = marker(kind, item_id, link.pk, pair.generation)
        pair.state, pair.remote_id, pair.etag, pair.gone_at, pair.problem = Pair.State.CREATING, "", "", None, ""
    else:  # an earlier call may have arrived although its answer did not
        session.hold()
        found = session.provider.find(link.remote_id, pair.key, pair.uid)
        if found is not None and not (found.item and absorb.is_anothers(found.item.uid, wanted.uid)):
            _take_in(session, found)
            return (yield from _once(session, kind, item_id))
    pair.base, pair.seen, pair.uid = snapshot(wanted) | {"own": KINDS[kind].own_times(item)}, {}, wanted.uid
    session.save(pair)
    while absorb.is_anothers((receipt := _receipt((yield Create(wanted, pair.key)))).uid, wanted.uid):
        pair.generation += 1  # the event of a booking that was lost with its id stays untouched
        pair.key = marker(kind, item_id, link.pk, pair.generation)
        session.save(pair)
    _agree(session, pair, receipt, item, wanted, kind=FieldChange.Kind.CREATE, groups=("title", "when"))
    if receipt.item is not None and changed(snapshot(receipt.item), snapshot(wanted)):
        # Adopted, and it says something else: what stands there is the base, ours goes on top.
        pair.base, pair.seen = snapshot(receipt.item) | {"own": pair.base["own"]}, {}
        session.save(pair)
        yield from _once(session, kind, item_id)


def _receipt(answer: Receipt | None) -> Receipt:
    assert answer is not None, "a creation or an update that gives no receipt"
    return answer


def _update(session: Session, item: Any, wanted: Event, pair: Pair) -> Writing:
    groups = changed(pair.base, snapshot(wanted))
    if wanted.exceptions:  # they may say the same as the series did until now, in words of their own
        groups = tuple(dict.fromkeys([*groups, "recurrence"]))
    _remember(pair, snapshot(wanted), groups)
    session.save(pair)
    receipt = _receipt((yield Update(pair.remote_id, wanted, groups, pair.etag)))
    _agree(session, pair, receipt, item, wanted, kind=FieldChange.Kind.UPDATE, groups=groups)


def _remember(pair: Pair, wanted: Snapshot, groups: Sequence[str]) -> None:
    """What is sent, beside all that was sent before and never answered: whichever of it arrived, it is no change of theirs."""
    sent = pair.base.setdefault("sent", {})
    for group in groups:
        sent[group] = [*(value for value in sent.get(group, []) if value != wanted[group]), wanted[group]]


def _delete(session: Session, pair: Pair) -> Writing:
    """By id even where the answer to the creation was lost: the marker leads to it. What is missing may have been moved to another calendar."""
    if pair.remote_id and session.looks and moved.others(session).exists():
        session.hold()
        if session.provider.get(session.link.remote_id, pair.remote_id).gone and moved.followed(session, pair):
            return
    if pair.remote_id:
        yield Delete(pair.remote_id, pair.etag)
    else:
        session.hold()
        found = session.provider.find(session.link.remote_id, pair.key, pair.uid)
        if found is not None and found.item is None:
            yield Delete(found.remote_id, found.etag)
        elif found is not None and found.item and not absorb.is_anothers(found.item.uid, pair.uid):
            _take_in(session, found)  # what was typed there meanwhile is kept in the history
            return (yield from _once(session, pair.kind, pair.item_id))
    with session.applying():
        session.run.written += 1
        session.record(pair, Direction.OUT, FieldChange.Kind.DELETE, "event", pair.base.get("title"), None)
        pair.state = Pair.State.CLOSED
        pair.save_agreed()


def _agree(session: Session, pair: Pair, receipt: Receipt, item: Any, wanted: Event, *, kind: FieldChange.Kind, groups: tuple[str, ...]) -> None:
    """What stands there now is the new base. A server that rewrote what it was given is taken at its word, or every cycle would write again."""
    before = {} if kind == FieldChange.Kind.CREATE else pair.base
    now_there, times = snapshot(wanted), KINDS[pair.kind].own_times(item)
    with session.applying():
        session.run.written += 1
        for group in groups:
            old, new = before.get(group), now_there[group]
            if group == "when":
                old, new = before.get("own"), times
            if old != new or kind == FieldChange.Kind.CREATE:
                session.record(pair, Direction.OUT, kind, group, old, new)
        pair.base, pair.seen = now_there | {"own": times}, snapshot(receipt.item) if receipt.item else {}
        pair.remote_id, pair.etag = receipt.remote_id, receipt.etag
        pair.uid = receipt.uid or pair.uid or wanted.uid
        pair.state, pair.problem, pair.gone_at = Pair.State.LIVE, "", None
        pair.save_agreed()
