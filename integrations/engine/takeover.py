"""Makes a foreign event an item of ours, where a rule wants that."""

from __future__ import annotations

from dataclasses import replace
from zoneinfo import ZoneInfo

from integrations.contract import Change
from integrations.decide import Action, Ours, Theirs, decide
from integrations.engine.session import Session, marker
from integrations.items import Event, snapshot
from integrations.local import KINDS
from integrations.models import FieldChange, Installation, Pair
from integrations.models.history import Direction
from integrations.rules import Resolved
from integrations.wire import recurrence


def take_over(session: Session, change: Change, event: Event) -> Pair | None:
    """A foreign event that becomes an item here, where the rule of a kind wants that: it stays where it is, and is followed there.

    What was taken over and then deleted here, or let go, is foreign for good. So is what can't be read whole, and what another calendar of
    this installation wrote.
    """
    link = session.link
    wanting = [kind for kind, local in KINDS.items() if local.IMPORTS and _wants(session.rule(kind))]
    foreign = change.problem or event.recurrence_id is not None or event.key.startswith(Installation.mark() + ".")
    if not wanting or foreign or not link.reads or link.pairs.filter(remote_id=change.remote_id).exists():
        return None
    span = recurrence.expand(event, event.exceptions, session.window, zone=ZoneInfo(link.calendar.timezone))
    if span.problem or not span.instances:
        return None
    for kind in wanting:
        local = KINDS[kind]
        found = local.take_over(event, link, session.rule(kind))
        if found is None or link.pairs.filter(kind=kind, item_id=found[0].pk).exists():
            continue
        item, is_new = found
        pair = Pair(link=link, kind=kind, item_id=item.pk, key=marker(kind, item.pk, link.pk, 1), mode="moved", state=Pair.State.LIVE, uid=event.uid)
        # What was here before, when the account was connected once already, may say something else: then the rule's priority decides.
        pair.base = {"attendees": []} | (snapshot(replace(event, attendees=())) | {"own": local.own_times(item)} if is_new else {})
        pair.save()
        for group in ("title", "when") if is_new else ():
            new = pair.base["own"] if group == "when" else pair.base[group]
            session.record(pair, Direction.IN, FieldChange.Kind.CREATE, group, None, new)
        return pair
    return None


def _wants(rule: Resolved) -> bool:
    return decide(Ours.NONE, Theirs.NEW, direction=rule.direction, imports=rule.takes) is Action.CREATE_HERE
