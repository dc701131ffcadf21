"""Which remote calendars are read and into which one is written; what follows when that, or a rule, changes; and letting go of them."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from booking.actions import busy
from booking.models import BusySource, Calendar
from integrations import outbox
from integrations.contract import NeedsPerson
from integrations.local import KINDS
from integrations.models import Account, FieldChange, Link, Outgoing, Pair
from integrations.rules import max_age, resolve


def choose(account: Account, calendar: Calendar, *, reads: set[str], writes: str) -> None:
    """Which remote calendars are read for `calendar` and into which one is written ("" for none). What is no longer chosen is let go."""
    now = timezone.now()
    known = {str(one["id"]): one for one in account.calendars}
    if unknown := (reads | ({writes} - {""})) - set(known):
        raise ValueError(f"no such calendar: {sorted(unknown)}")
    if writes and not known[writes]["writable"]:
        raise NeedsPerson(_("This calendar is read-only."), _("Choose another calendar to write to."), code="permission")
    with transaction.atomic():
        before = next((link for link in Link.objects.select_for_update().filter(calendar=calendar).order_by("pk") if link.writes), None)
        # Another account's link may be the one written so far: it is let go together with the choice of the new one.
        if writes:
            Link.objects.filter(calendar=calendar, writes=True).update(writes=False)
        else:
            account.links.filter(calendar=calendar, writes=True).update(writes=False)
        for remote in reads | ({writes} - {""}):
            defaults = {"remote_name": known[remote]["name"][:300], "reads": False}
            link, _created = Link.objects.get_or_create(account=account, calendar=calendar, remote_id=remote, defaults=defaults)
            was_read, link.reads, link.writes = link.reads, remote in reads, remote == writes
            if link.reads and not was_read:
                _start_reading(link)
            elif was_read and not link.reads:
                _stop_reading(link)
            link.next_pull_at = now
            link.save(update_fields=["reads", "writes", "source", "cursor", "listed_at", "next_pull_at"])
        for link in account.links.filter(calendar=calendar).exclude(remote_id__in=reads | {writes}):
            _stop_reading(link)
        _hand_over(before, Link.objects.filter(calendar=calendar, writes=True).first(), now)
        retire()
    _pull_later(account)


def _start_reading(link: Link) -> None:
    """Until its first read the times are closed, also where a source that only held conflicts never closed any."""
    link.cursor, link.listed_at = "", None
    if link.source is None:
        link.source = busy.add_source(calendar=link.calendar, label=link.remote_name, max_age=max_age())
    else:
        busy.set_policy(link.source, BusySource.Policy.CLOSE)


def _stop_reading(link: Link) -> None:
    """Its times are freed. One that is still written keeps a source for what conflicts hold, which closes nothing by its age."""
    link.reads, link.cursor, link.truncated, link.quarantine = False, "", False, {}
    source = link.source
    if source and link.writes:
        busy.keep_only(source, source.rows.filter(key__startswith="conflict:").values_list("key", flat=True))
        busy.set_policy(source, BusySource.Policy.OFFER)
    elif source:
        link.source = None
    link.save(update_fields=["reads", "source", "cursor", "truncated", "quarantine"])
    if source and not link.source:
        busy.drop_source(source)


def end(link: Link) -> None:
    """Forgets the link, its pairs and its busy times; the history stays, and what its owner made private stays private in it."""
    private = link.pairs.filter(Q(base__private=True) | Q(theirs__private=True))
    with transaction.atomic():
        FieldChange.objects.filter(pair__link=link).exclude(pair__in=private).update(private=False)
        if link.source:
            busy.drop_source(link.source)
        link.delete()


def retire() -> None:
    """Ends the links that are neither read nor written, once nothing of ours is waiting to be taken away there or was moved there by its owner."""
    moved = Pair.objects.filter(mode="moved").exclude(state__in=[Pair.State.CLOSED, Pair.State.UNLINKED])
    unused = Link.objects.filter(reads=False, writes=False).exclude(pk__in=Outgoing.objects.values("link")).exclude(pk__in=moved.values("link"))
    for pk in unused.values_list("pk", flat=True):
        with transaction.atomic():
            for link in unused.select_for_update(of=("self",)).filter(pk=pk):  # it may have been chosen again this instant
                end(link)


def _hand_over(before: Link | None, after: Link | None, now: datetime) -> None:
    """Coming appointments leave the calendar written so far and enter the new one."""
    if before == after:
        return
    for link in (before, after):
        if link is not None and Link.objects.filter(pk=link.pk).exists():
            outbox.enqueue_all(link, now=now)


def _pull_later(account: Account) -> None:
    from integrations.tasks import listen, pull

    ids = list(account.links.values_list("pk", flat=True))
    transaction.on_commit(lambda: [*(pull.delay(pk) for pk in ids), listen.delay(account.pk)])


def set_reading(link: Link, *, honour: str, policy: str) -> None:
    """What of a calendar counts as busy (Link.Honour), and what holds while it can't be read (BusySource.Policy)."""
    with transaction.atomic():
        if link.source:
            busy.set_policy(link.source, policy)
        if link.honour != honour:
            link.honour, link.listed_at, link.next_pull_at = Link.Honour(honour), None, timezone.now()  # every event is looked at anew
            link.save(update_fields=["honour", "listed_at", "next_pull_at"])
            _pull_later(link.account)


def rule_changed(links: list[Link]) -> None:
    """What the calendars show may look different now, and other busy times may count: write and read anew."""
    now = timezone.now()
    for link in links:
        outbox.enqueue_all(link, now=now, kinds=[kind for kind in KINDS if resolve(link, kind).sends])
        Link.objects.filter(pk=link.pk).update(listed_at=None, next_pull_at=now)
