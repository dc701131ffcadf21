"""The invariants of an honest sync: every scenario ends with all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

from django.db.models import F
from django.utils import timezone

from booking.models import Allocation, Busy, Message
from integrations import connect, engine, registry
from integrations.contract import Change
from integrations.items import snapshot
from integrations.local import KINDS
from integrations.merge import changed
from integrations.models import Installation, Link, Outgoing, Pair
from integrations.rules import Resolved, resolve, window

OPEN = [Pair.State.CONFLICT, Pair.State.GONE_THERE, Pair.State.UNLINKED]  # shown to a person, who has the word


def cycle() -> None:
    """Reads and writes each link once."""
    for pk in Link.objects.order_by("pk").values_list("pk", flat=True):
        engine.pull(pk)
        engine.drain(pk)


def assert_converged(writes: Callable[[], int]) -> None:
    """I1 no double booking, I2 exactly one mirror, I3 no lost intent, I5 busy times known, I6 quiescence. `writes` counts what the servers
    were told to change so far. (I4, that nothing comes back, follows: an event without a live item is a surplus mirror.)"""
    assert not doubly_allocated()
    before, mails = writes(), Message.objects.count()
    cycle()
    assert writes() == before, "a further cycle wrote again"
    assert Message.objects.count() == mails, "a further cycle told people again"
    assert not Outgoing.objects.exists(), list(Outgoing.objects.values("kind", "item_id", "state", "error"))
    for link in Link.objects.select_related("account__user", "calendar__employee", "source"):
        _assert_mirrored(link)


def doubly_allocated() -> list[Allocation]:
    in_order = list(Allocation.objects.order_by("calendar_id", "start"))
    return [later for one, later in pairwise(in_order) if one.calendar_id == later.calendar_id and later.start < one.end]


def listing(link: Link) -> list[Change]:
    """Everything the remote calendar shows."""
    span = window(link, resolve(link), timezone.now())
    pages = connect.provider_for(link.account, timezone=link.calendar.timezone).changes(link.remote_id, "", span)
    return [change for page in pages for change in page.changes]


def _assert_mirrored(link: Link) -> None:
    now, shown = timezone.now(), listing(link)
    pairs = {pair.remote_id: pair for pair in link.pairs.exclude(state__in=[Pair.State.CLOSED, Pair.State.UNLINKED])}
    living = [change.item for change in shown if change.item and change.item.status != "cancelled"]
    ids = {change.remote_id for change in shown if change.item and change.item.status != "cancelled"}
    mark, hides = Installation.mark(), registry.config(link.account.provider).capabilities.hides_attendees
    marked = [item.key for item in living if item.key.startswith(mark)]
    for kind, local in KINDS.items():
        rule = resolve(link, kind)
        for item_id in {*local.upcoming(link, now), *link.pairs.filter(kind=kind).values_list("item_id", flat=True)}:
            pair = link.pairs.filter(kind=kind, item_id=item_id).first()
            projection = local.project(local.load(item_id), link, rule, pair, now, hides_attendees=hides)
            if pair and pair.mode == Pair.Mode.COPY and pair.state == Pair.State.LIVE:
                _assert_copied(pair, shown)
            if projection.leave or (pair and pair.state in OPEN) or not rule.sends:
                continue
            if projection.event is None:
                # Told by its id: a copy that a person made carries the same marker and is theirs.
                assert pair is None or pair.state != Pair.State.CLOSED or pair.remote_id not in ids, f"{kind} {item_id} is over and still there"
                continue
            assert pair is not None, f"{kind} {item_id} was never written"
            taken_over = pair.mode == "moved" and pair.remote_id in ids  # what its owner entered there carries no marker
            assert pair.key in marked or taken_over, f"{kind} {item_id} has no event"
            there = next(change for change in shown if change.remote_id == pair.remote_id)
            assert there.item is not None
            theirs = replace(there.item, exceptions=there.exceptions) if local.SERIES else replace(there.item, recurrence=())
            if rule.direction == "both":  # one way there, what was edited there stays until our next change
                differing = set(changed(snapshot(theirs), snapshot(projection.event))) - {"attendees"}
                assert not differing, f"{kind} {item_id}: the sides differ in {differing}"
    live = [one for one in pairs.values() if one.state == Pair.State.LIVE]
    assert len({one.remote_id for one in live}) == len(live)
    _assert_busy(link, resolve(link), [change for change in shown if change.remote_id not in pairs])


def _assert_copied(pair: Pair, shown: list[Change]) -> None:
    """One event with the organiser's UID, at the item's time, and none of ours beside it."""
    copies = [change for change in shown if change.item and change.item.uid == pair.uid and change.item.status != "cancelled"]
    assert [one.remote_id for one in copies] == [pair.remote_id], f"{pair.kind} {pair.item_id}: copies {[one.remote_id for one in copies]}"
    event = next(iter(Pair.objects.filter(kind=pair.kind, item_id=pair.item_id, uid=pair.uid).exclude(mode=Pair.Mode.COPY)))
    when = snapshot(copies[0].item, ["when"])["when"] if copies[0].item else None
    assert when == event.base["when"], f"{pair.kind} {pair.item_id}: the copy is at another time"
    assert not pair.leftover
    own = [change.item.key for change in shown if change.item and change.item.key.rpartition(".")[0] == pair.key.rpartition(".")[0]]
    assert own == [], f"{pair.kind} {pair.item_id}: an event of ours beside the copy"


def _assert_busy(link: Link, rule: Resolved, foreign: list[Change]) -> None:
    """Single opaque events of others take exactly their time; nothing else does."""
    if not link.reads or link.truncated:
        return
    single = {change.remote_id: change.item for change in foreign if change.item and not change.item.recurrence and not change.item.all_day}
    now = timezone.now()
    span = window(link, rule, now)
    for remote_id, item in single.items():
        opaque = rule.busy and link.honour == Link.Honour.FLAGS and item.show_as in ("busy", "tentative", "away") and item.status != "cancelled"
        expected = [(item.start, item.end)] if opaque and item.start < span.end and item.end > span.start else []
        held = Busy.objects.filter(source=link.source, key=remote_id).annotate(at=F("start")).values_list("start", "end")
        if not any(pair.key == item.key for pair in Pair.objects.exclude(link=link)):
            assert list(held) == expected, f"{remote_id} takes {list(held)} instead of {expected}"
    known = {change.remote_id for change in foreign}
    orphans = Busy.objects.filter(source__link=link).exclude(key__in=known).exclude(key__startswith="conflict:").exclude(key__in=link.pairs.values("remote_id"))
    assert not orphans.exists(), f"times without an event: {list(orphans.values('key', 'start'))}"
