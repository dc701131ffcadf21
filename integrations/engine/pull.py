"""Their side to ours: reads what changed in one remote calendar."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import islice

from django.conf import settings
from django.db import OperationalError
from django.db.models import F, Min
from django.utils import timezone
from django.utils.translation import gettext_noop as _

from booking.actions import busy
from integrations import outbox
from integrations.contract import Change, CursorExpired, NeedsPerson, Retry
from integrations.engine import absorb, settle
from integrations.engine.session import Session, failed, next_pull, open_session, succeeded
from integrations.models import Link, Pair, Run, Subscription
from integrations.models.history import Direction

logger = logging.getLogger(__name__)

BATCH = 100  # items in one transaction
GIVE_WAY = 3  # times that somebody else may have read the calendar while we waited
FULL_EVERY = timedelta(hours=24)
PROBES = 25  # foreign events looked up by id before a shorter listing is believed


def pull(link_id: int, *, full: bool = False) -> bool:
    """Reads once; False when somebody else has the link or its account is paused. Whoever has it is told to read again."""
    with open_session(link_id, Direction.IN) as session:
        if session is None:
            Link.objects.filter(pk=link_id).update(dirty=True)
            return False
        _pull(session, full=full)
    _drain_later(link_id)
    return True


def catch_up(link_id: int) -> bool:
    """Reads what we were told of, unless somebody has done so since; then False. Calls in quick succession are one reading: the first is followed at
    once, the others together after a rest. None gets lost: what is told while we read is told again to whoever comes after (see open_session)."""
    for _attempt in range(GIVE_WAY):
        before = Link.objects.filter(pk=link_id).exclude(failures__gt=0, next_pull_at__gt=timezone.now()).first()
        if before is None or not before.subscriptions.exclude(told="").exists():
            return False  # read already; or it can't be read at present, which the sweep tries at its time
        if before.pulled_at is not None:
            rested = (timezone.now() - before.pulled_at).total_seconds()
            time.sleep(min(max(0, settings.PUSH_GAP_SECONDS - rested), settings.PUSH_GAP_SECONDS))
        with open_session(link_id, Direction.IN) as session:
            if session is None:
                return False
            if session.link.pulled_at != before.pulled_at:
                continue  # somebody was faster; what was told after that is still to be read, but not at once
            _pull(session)
        _drain_later(link_id)
        return True
    return False


def _pull(session: Session, *, full: bool = False) -> None:
    link, now = session.link, timezone.now()
    told = _listen(link)
    try:
        whole = full or not link.cursor or link.truncated or link.listed_at is None or now - link.listed_at > FULL_EVERY
        _read_or_list(session, "" if whole else link.cursor)
        settle.settle(session)
    except (Retry, NeedsPerson) as error:
        failed(session, error, timezone.now())
        return
    _note_unheard(session, told=told, whole=whole)
    session.close(Run.Outcome.PARKED if link.state == Link.State.PARKED else Run.Outcome.OK)
    succeeded(session)


def _listen(link: Link) -> bool:
    """Takes what was told off the list before anything is read: what is told from now on is told anew. Whether there was anything."""
    Link.objects.filter(pk=link.pk).update(dirty=False)
    told = dict(link.subscriptions.exclude(told="").values_list("pk", "told"))
    if not told:
        return False
    if Subscription.Told.MISSED in told.values():  # stays asked for until it has been done
        Link.objects.filter(pk=link.pk).update(listed_at=None)
        link.listed_at = None
    for pk, what in told.items():
        Subscription.objects.filter(pk=pk, told=what).update(told="")
    return True


def _note_unheard(session: Session, *, told: bool, whole: bool) -> None:
    """Something had changed and nobody told us: then we had better ask as often as where nobody ever does, until we are told of something again."""
    if not told and not whole and session.run.read:
        session.link.subscriptions.filter(ending=False).exclude(remote_id="").update(unheard=F("unheard") + 1)
        Link.objects.filter(pk=session.link.pk).update(next_pull_at=next_pull(session.link, timezone.now()))


def _drain_later(link_id: int) -> None:
    if outbox.waits(link_id, timezone.now()):
        outbox.wake([link_id])


def _read_or_list(session: Session, cursor: str) -> None:
    """From the cursor; if it is no longer known there, everything afresh."""
    try:
        _read(session, cursor)
    except CursorExpired as error:
        if not cursor:
            raise Retry(_("The list of events could not be read to its end.")) from error
        logger.info("Link %s: the cursor has expired, listing afresh", session.link.pk)
        Link.objects.filter(pk=session.link.pk).update(cursor="")
        _read_or_list(session, "")


def _read(session: Session, cursor: str) -> None:
    link, began = session.link, timezone.now()
    seen: set[str] = set()
    new_cursor, listed = "", not cursor
    session.hold()
    if listed:  # whoever wants everything read anew from now on takes this away again
        Link.objects.filter(pk=link.pk).update(listed_at=began, cursor="")
        link.listed_at = began
    for page in session.provider.changes(link.remote_id, cursor, session.window):
        for batch in _batches(page.changes):
            _absorb(session, batch)
        seen |= {change.remote_id for change in page.changes}
        if page.last:
            new_cursor, listed = page.cursor, page.full
            break
        session.hold()
    else:
        raise Retry(_("The list of events was cut short."))
    if listed:
        _missing(session, seen)
    with session.applying():
        link.cursor, link.pulled_at, link.failures = new_cursor, timezone.now(), 0
        link.listed_at = began if listed else link.listed_at
        link.next_pull_at = next_pull(link, timezone.now())
        if Link.objects.filter(pk=link.pk, listed_at=None).exists():  # what counts was changed while we read
            link.cursor, link.listed_at, link.next_pull_at = "", None, timezone.now()
        if link.state == Link.State.LOST:
            link.state, link.problem = Link.State.ACTIVE, ""
        complete = _limit(session) if listed or not link.truncated else None
        link.save(update_fields=["cursor", "pulled_at", "failures", "listed_at", "next_pull_at", "state", "problem", "truncated", "quarantine"])
        if link.source and link.reads and (listed or link.source.complete_until):
            known = complete or (session.window.end if listed else link.source.complete_until)
            busy.mark_read(link.source, at=began, complete_until=known)


def _batches(changes: Sequence[Change]) -> Iterable[list[Change]]:
    feed = iter(changes)
    while batch := list(islice(feed, BATCH)):
        yield batch


def _absorb(session: Session, batch: list[Change]) -> None:
    with session.applying():
        for change in batch:
            try:
                absorb.one(session, change)
            except OperationalError:  # the database's trouble, not the event's: all of it is read again
                raise
            except Exception as error:  # one odd event must not stop the calendar; its time is closed as far as it is known
                logger.exception("Link %s: an event could not be taken in", session.link.pk)
                absorb.quarantine(session, change, type(error).__name__)
        if len(batch) == BATCH:
            session.tell()


def _missing(session: Session, seen: set[str]) -> None:
    """What a full listing no longer shows. A listing proves nothing: ours are looked up one by one, of foreign ones a sample."""
    link = session.link
    pairs = link.pairs.filter(state__in=[Pair.State.LIVE, Pair.State.CONFLICT]).exclude(remote_id="")
    for pair in [one for one in pairs if one.remote_id not in seen]:
        session.hold()
        change = session.provider.get(link.remote_id, pair.remote_id)
        with session.applying():
            absorb.one(session, change)
    lost = [key for key in dict.fromkeys([*absorb.known_keys(link), *link.quarantine]) if key not in seen]
    for key in lost[:PROBES]:
        session.hold()
        change = session.provider.get(link.remote_id, key)
        with session.applying():
            absorb.one(session, change)
        if not change.gone and _in_window(session, key):
            raise Retry(_("The list of events was not complete."))
    with session.applying():
        for key in lost:
            busy.replace(absorb.source_of(link), key, [])
            link.quarantine.pop(key, None)


def _in_window(session: Session, key: str) -> bool:
    """Whether it still takes time there: a windowed listing rightly leaves out what was moved far away."""
    return absorb.source_of(session.link).rows.filter(key=key, start__lt=session.window.end, end__gt=session.window.start).exists()


def _limit(session: Session) -> datetime | None:
    """Keeps the first `max_events` events; returns the instant from which on something is left out. From there the source's policy decides."""
    link = session.link
    if link.source is None:
        return None
    firsts = list(link.source.rows.exclude(key__startswith="conflict:").values("key").annotate(first=Min("start")).order_by("first", "key"))
    beyond = firsts[session.reading.max_events :]
    link.truncated = bool(beyond)
    for row in beyond:
        busy.replace(link.source, row["key"], [])
    return beyond[0]["first"] if beyond else None
