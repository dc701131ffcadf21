"""What every session with a provider needs: the lease, the provider, the run's record, and what its failures mean."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone, translation

from booking.actions import busy
from integrations import connect, outbox, registry
from integrations.bell import ring
from integrations.contract import NeedsPerson, Provider, Retry, Window
from integrations.engine import copies
from integrations.items import snapshot
from integrations.local import KINDS
from integrations.merge import Snapshot
from integrations.models import Account, FieldChange, Installation, Link, Pair, Run, Subscription
from integrations.models.history import Direction
from integrations.rules import Resolved, resolve, window


class Session:
    """One link being pushed or pulled by the holder of its lease. `run` is saved with the first thing worth telling."""

    looks = True  # for what is missing, in the owner's other calendars

    def __init__(self, link: Link, lease: str, direction: Direction) -> None:
        self.link, self.lease = link, lease
        self.config = registry.config(link.account.provider)
        self.reading: Resolved = resolve(link)  # what counts of the calendar, whatever kind of item is concerned
        self._rules: dict[str, Resolved] = {}
        self.run = Run(link=link, calendar=link.calendar, remote_name=link.remote_name, direction=direction, started_at=timezone.now())
        self.provider: Provider = connect.provider_for(link.account, timezone=link.calendar.timezone)
        if self.config.capabilities.silent_attendees and self.config.capabilities.copies_to_attendees:  # then customers get no .ics from us
            self.provider.settings["invites"] = any(self.rule(kind).attendees for kind in KINDS)

    @cached_property
    def window(self) -> Window:
        """What is read; asked for by readers only."""
        return window(self.link, self.reading, self.run.started_at)

    def rule(self, kind: str) -> Resolved:
        """What holds for items of that kind."""
        if kind not in self._rules:
            self._rules[kind] = resolve(self.link, kind)
        return self._rules[kind]

    @cached_property
    def awaited(self) -> dict[str, tuple[str, int, int]]:
        """Copies of organisers' events that may turn up in this calendar, by UID."""
        return copies.awaited(self.link)

    def project(self, pair: Pair, item: Any) -> tuple[Snapshot | None, bool]:
        """What should stand there now as a snapshot (None: nothing), and whether it is to be left alone."""
        hides = self.config.capabilities.hides_attendees
        found = KINDS[pair.kind].project(item, self.link, self.rule(pair.kind), pair, timezone.now(), hides_attendees=hides)
        return (snapshot(found.event) if found.event else None), found.leave

    def hold(self) -> None:
        """Prolongs the lease before each call. `durable` makes sure that no transaction waits for the other side: it refuses to be nested."""
        until = timezone.now() + timedelta(seconds=settings.LEASE_SECONDS)
        with transaction.atomic(durable=True):
            held = Link.objects.filter(pk=self.link.pk, lease=self.lease).update(lease_until=until)
        if not held:
            raise lost()

    @contextmanager
    def applying(self) -> Iterator[None]:
        """A transaction for what was read there, or is intended or done there. It locks the link first, so that whoever takes the lease over waits
        for its end; and who has lost the lease meanwhile puts nothing old over what is newer (Retry)."""
        with transaction.atomic():
            if not Link.objects.select_for_update(of=("self",), no_key=True).filter(pk=self.link.pk, lease=self.lease).exists():
                raise lost()
            yield

    def save(self, pair: Pair) -> None:
        with self.applying():
            pair.save_agreed()

    def record(self, pair: Pair, direction: Direction, kind: FieldChange.Kind, field: str, old: Any, new: Any) -> None:
        if self.run._state.adding:
            self.run.save()
        item = {"item_kind": pair.kind, "item_id": pair.item_id}
        FieldChange.objects.create(run=self.run, pair=pair, direction=direction, kind=kind, field=field, old=old, new=new, at=timezone.now(), **item)

    def tell(self) -> None:
        """How far a first reading is, for who waits for it; the later ones are short."""
        if self.link.pulled_at is None:
            self.run.save()

    def close(self, outcome: Run.Outcome, error: str = "") -> None:
        """Runs that neither did anything nor failed leave no trace."""
        if self.run._state.adding and outcome == Run.Outcome.OK and not self.run.written:
            return
        self.run.outcome, self.run.error, self.run.ended_at = outcome, error[:500], timezone.now()
        self.run.save()


def marker(kind: str, item_id: int, link_id: int, generation: int) -> str:
    return f"{Installation.mark()}.{kind}.{item_id}.{link_id}.{generation}"


def lost() -> Retry:
    return Retry("The lease was lost to another worker.")


@contextmanager
def open_session(link_id: int, direction: Direction) -> Iterator[Session | None]:
    """None when another worker has the link, or its account is paused or waits for a person.

    What was told meanwhile is read right afterwards: whoever was to read it found the link taken.
    """
    now = timezone.now()
    lease = uuid.uuid4().hex
    opened = False
    free = Q(lease_until=None) | Q(lease_until__lte=now)
    taken = Link.objects.filter(free, pk=link_id).update(lease=lease, lease_until=now + timedelta(seconds=settings.LEASE_SECONDS))
    if not taken:
        yield None
        return
    try:
        link = Link.objects.select_related("account__user__employee", "calendar__employee", "source").get(pk=link_id)
        account = link.account
        if account.state != Account.State.CONNECTED or (account.paused_until and account.paused_until > now):
            yield None
            return
        with translation.override(link.calendar.employee.language if hasattr(link.calendar, "employee") else settings.LANGUAGE_CODE):
            opened = True
            yield Session(link, lease, direction)
    finally:
        Link.objects.filter(pk=link_id, lease=lease).update(lease="", lease_until=None)
        if opened and Subscription.objects.filter(link=link_id).exclude(told="").exists():
            from integrations.tasks import catch_up

            ring(catch_up, [link_id])


def succeeded(session: Session) -> None:
    """The other side answered: whatever troubled the account is over. Except that a limit may hold for writing only: as long as something waits to be
    written, reading does not tell; and another worker may have met it just now."""
    now, account = timezone.now(), Account.objects.filter(pk=session.link.account_id)
    account.update(failures=0, last_ok_at=now)
    over = account.filter(Q(pauses=0) | Q(paused_until=None) | Q(paused_until__lte=now))
    if session.run.direction == Direction.IN and outbox.account_waits(session.link.account_id, now):
        over = over.filter(pauses=0)
    if over.update(problem="", hint="", paused_until=None, pauses=0):
        session.link.account.pauses = 0


def failed(session: Session, error: Exception, now: datetime) -> None:
    """Notes a failure where it belongs: at the account (wait, or a person), or at the link (calendar gone, or what is said of it can't be taken)."""
    link, account = session.link, session.link.account
    if isinstance(error, NeedsPerson) and error.code in ("permission", "gone", "rejected"):
        Link.objects.filter(pk=link.pk).update(state=Link.State.LOST, problem=error.reason[:500])
        if link.source and session.run.direction == Direction.IN:
            busy.mark_lost(link.source)
    elif isinstance(error, NeedsPerson):
        connect.refused(account, error, now)
    elif isinstance(error, Retry) and error.after is not None:
        Account.objects.filter(pk=account.pk).update(paused_until=now + timedelta(seconds=error.after), problem=str(error)[:500])
    elif isinstance(error, Retry) and error.whole:
        _pause(account, error, now)
    if session.run.direction == Direction.IN:  # what can't be written may well be read
        link.failures += 1
        pause = max(settings.POLL_SECONDS, outbox.backoff(min(link.failures, 6)))
        Link.objects.filter(pk=link.pk).update(failures=link.failures, next_pull_at=now + timedelta(seconds=pause))
    session.close(Run.Outcome.FAILED, str(error))


def _pause(account: Account, error: Retry, now: datetime) -> None:
    """No call at all would succeed, and nobody says for how long: the account waits, each time twice as long, but never longer than its calendars go
    unread anyway. Whoever else fails meanwhile changes nothing."""
    unpaused = Account.objects.filter(Q(paused_until=None) | Q(paused_until__lte=now), pk=account.pk, pauses=account.pauses)
    pause = min(outbox.backoff(min(account.pauses, 20) + 1), settings.POLL_SECONDS)
    unpaused.update(paused_until=now + timedelta(seconds=pause), pauses=account.pauses + 1, problem=str(error)[:500], hint="")


def next_pull(link: Link, now: datetime) -> datetime:
    """When the calendar is read next if nobody tells us of a change; rarely while somebody does, and no later than that ends."""
    poll = now + timedelta(seconds=settings.POLL_SECONDS)
    told_by = link.subscriptions.filter(ending=False, unheard=0, expires_at__gt=now).exclude(remote_id="").values_list("expires_at", flat=True).first()
    return min(now + timedelta(seconds=settings.SAFETY_POLL_SECONDS), max(poll, told_by)) if told_by else poll
