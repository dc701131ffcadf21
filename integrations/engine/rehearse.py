"""What a choice of calendars would do, found by doing it: the engine carries it out in a transaction that is rolled back, and nothing is written there."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from typing import Any

from django.db import transaction
from django.utils import timezone

from booking.models import Calendar
from integrations import choosing, connect, registry
from integrations.contract import Change, NeedsPerson, Provider, Receipt, Retry
from integrations.engine import absorb, copies, push
from integrations.engine.session import Session
from integrations.engine.takeover import take_over
from integrations.items import Event
from integrations.local import KINDS
from integrations.models import Account, FieldChange, Installation, Link, Outgoing
from integrations.models.history import Direction
from integrations.rules import resolve_for_user, window

NEW = "new"  # stands for a calendar that is yet to be made
INVITATION = "invitation"  # an item's kind of change: its organiser's calendar will send it
Listing = dict[str, list[Change]]  # remote calendar -> what stands there


class Still(Provider):
    """Stands in for the provider: says what was read there before, and writes nothing."""

    def __init__(self, listing: Listing) -> None:
        self.listing, self._ids = listing, count(1)

    def get(self, calendar: str, remote_id: str) -> Change:
        if calendar not in self.listing:
            raise Retry
        return next((one for one in self.listing[calendar] if one.remote_id == remote_id), Change(remote_id, gone=True))

    def find(self, calendar: str, key: str, uid: str) -> Change | None:
        return next((one for one in self.listing.get(calendar, []) if one.item and one.item.key == key), None)

    def copy_of(self, calendar: str, uid: str) -> Change | None:
        return next((one for one in self.listing.get(calendar, []) if one.item and one.item.uid == uid), None)

    def create(self, calendar: str, item: Event, key: str) -> Receipt:
        found = self.find(calendar, key, item.uid)
        return Receipt(found.remote_id, item.uid, found.etag, item=found.item) if found else Receipt(f"rehearsed-{next(self._ids)}", item.uid, "1")

    def update(self, calendar: str, remote_id: str, item: Event, fields: Collection[str], etag: str) -> Receipt:
        return Receipt(remote_id, item.uid, etag or "1")

    def delete(self, calendar: str, remote_id: str, etag: str) -> None:
        """There is nothing to do, for nothing is written."""


class Rehearsal(Session):
    """Needs no lease: whatever it does is taken back. It knows only what was read: what is there already is taken to be as it was left."""

    looks = False

    def __init__(self, link: Link, direction: Direction, still: Still) -> None:
        super().__init__(link, "", direction)
        self.provider = still

    def hold(self) -> None:
        """No other worker is kept away."""

    @contextmanager
    def applying(self) -> Iterator[None]:
        with transaction.atomic():
            yield


def read(account: Account, calendar: Calendar, remotes: Collection[str]) -> Iterator[tuple[str, Sequence[Change]]]:
    """What stands in the remote calendars now, page by page with the calendar's id. Calls the provider: never in a transaction."""
    rule, _default = resolve_for_user(account.user_id)
    span = window(Link(account=account, calendar=calendar), rule, timezone.now())
    provider = connect.provider_for(account, timezone=calendar.timezone)
    for remote in remotes:
        for page in provider.changes(remote, "", span):
            yield remote, page.changes


def to_be_read(account: Account, calendar: Calendar, *, reads: set[str], writes: str) -> list[str]:
    """The remote calendars about which the choice is something new."""
    known = {link.remote_id: link for link in account.links.filter(calendar=calendar)}
    fresh = {one for one in reads if one not in known or not known[one].reads}
    fresh |= {writes} - {"", NEW} if writes not in known or not known[writes].writes else set()
    return sorted(fresh)


def rehearse(account: Account, calendar: Calendar, *, reads: set[str], writes: str, listing: Listing) -> dict[str, Any]:
    """What choosing.choose and the syncs after it would do, as JSON: {"items": [{"calendar", "direction", "kind", "item", "times", "private",
    "fields": [{"field", "old", "new"}]}], "busy": {"added": [[start, end]], "removed": […]}, "unreadable": n, "left_out": n}; instants as ISO texts."""
    if writes == NEW:
        account.calendars = [*account.calendars, {"id": NEW, "name": connect.separate_name(account), "writable": True, "primary": False}]
    with transaction.atomic():
        before, sessions = _busy(calendar), list[Session]()
        read_before = set(account.links.filter(calendar=calendar, reads=True).values_list("remote_id", flat=True))
        choosing.choose(account, calendar, reads=reads, writes=writes)
        still, unreadable, left_out = Still(listing), 0, 0
        spans: set[tuple[str, str]] = set()
        for link in _links(account, calendar):
            sessions.append(session := Rehearsal(link, Direction.IN, still))
            foreign = [] if link.remote_id in read_before else [one for one in listing.get(link.remote_id, []) if not _take_in(session, one)]
            times = [absorb.times(session, one) for one in foreign] if link.reads else []
            taking = sorted((found for found, _problem in times if found), key=lambda found: found[0].start)
            spans |= {_instants(span.start, span.end) for found in taking[: session.reading.max_events] for span in found}
            unreadable += sum(1 for _found, problem in times if problem)
            left_out += max(0, len(taking) - session.reading.max_events)
        written, awaited = _write(calendar, still)
        sessions += written
        after = _busy(calendar) | spans
        result = {
            "items": _items([session.run.pk for session in sessions if session.run.pk]) + [_invitation(row) for row in awaited],
            "busy": {"added": sorted(after - before), "removed": sorted(before - after)},
            "unreadable": unreadable,
            "left_out": left_out,
        }
        transaction.set_rollback(True)
    return result


def _links(account: Account, calendar: Calendar) -> list[Link]:
    return list(account.links.filter(calendar=calendar).select_related("account__user__employee", "calendar__employee", "source"))


def _take_in(session: Session, change: Change) -> bool:
    """Ours, by its marker, is taken in as a sync would, and so is what becomes an item of ours. False: it is foreign."""
    if change.item is None:
        return False
    if not change.item.key.startswith(Installation.mark() + "."):
        return take_over(session, change, replace(change.item, exceptions=change.exceptions)) is not None
    absorb.one(session, change)
    return True


def _write(calendar: Calendar, still: Still) -> tuple[list[Session], list[Outgoing]]:
    """Works off what is waiting for all links of the calendar, those of other accounts included: the choice may take something from them. And the rows that
    would wait for the copy of somebody else's event."""
    sessions, awaited = list[Session](), list[Outgoing]()
    rows = Outgoing.objects.filter(link__calendar=calendar, state=Outgoing.State.OPEN)
    for row in rows.select_related("link__account__user__employee", "link__calendar__employee", "link__source").order_by("link", "not_before", "pk"):
        if row.link.account.provider not in registry.providers():
            continue
        try:
            with transaction.atomic():
                (error,) = push.push(session := Rehearsal(row.link, Direction.OUT, still), [row])
                if error:
                    raise error
        except copies.Wait:
            awaited.append(row)
            continue
        except (Retry, NeedsPerson):  # what stands there is looked at first, when it is written in earnest
            continue
        sessions.append(session)
    return sessions, awaited


def _invitation(row: Outgoing) -> dict[str, Any]:
    labels, times = (named([row.item_id]).get(row.item_id) for named in (KINDS[row.kind].labels, KINDS[row.kind].times))
    return {
        "calendar": row.link.remote_name,
        "direction": Direction.OUT,
        "kind": INVITATION,
        "item": labels or "",
        "times": times,
        "private": False,
        "fields": [],
    }


def _busy(calendar: Calendar) -> set[tuple[str, str]]:
    return {_instants(start, end) for start, end in calendar.busy.exclude(key__startswith="conflict:").values_list("start", "end")}


def _instants(start: datetime, end: datetime) -> tuple[str, str]:
    return start.astimezone(UTC).isoformat(), end.astimezone(UTC).isoformat()


def _items(runs: list[int]) -> list[dict[str, Any]]:
    """The changes noted by these runs, an entry for each item, calendar, direction and kind."""
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    changes = list(FieldChange.objects.filter(run__in=runs).select_related("run", "pair").order_by("pk"))
    items = {(kind, one.item_id) for one in changes if (kind := one.item_kind) in KINDS}
    of_kind = {kind: [pk for known, pk in items if known == kind] for kind, _pk in items}
    labels = {(kind, pk): text for kind, ids in of_kind.items() for pk, text in KINDS[kind].labels(ids).items()}
    times = {(kind, pk): span for kind, ids in of_kind.items() for pk, span in KINDS[kind].times(ids).items()}
    for one in changes:
        item = (one.item_kind, one.item_id)
        entry = {"calendar": one.run.remote_name, "direction": one.direction, "kind": one.kind, "item": labels.get(item, ""), "times": times.get(item)}
        private = one.pair is not None and one.pair.is_private
        entry = found.setdefault((one.run.remote_name, one.direction, one.kind, *item), entry | {"private": private, "fields": []})
        entry["fields"].append({"field": one.field, "old": one.old, "new": one.new})
    return list(found.values())
