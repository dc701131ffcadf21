"""The outbox: one open row per link and item, written in the transaction of the change it stands for."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Model, Q, QuerySet
from django.utils import timezone

import booking.wake
from booking import health
from integrations.bell import ring
from integrations.local import KINDS
from integrations.models import Account, Link, Outgoing
from integrations.models.outgoing import new_version

POISON = 5  # attempts that broke in our own code before a person has to look
LONGEST_WAIT = 4 * 3600  # seconds
# By hand, because every booking waits for it.
OPEN = """
INSERT INTO integrations_outgoing (link_id, kind, item_id, version, state, attempts, not_before, error, hint, created_at)
VALUES (%s, %s, %s, %s, 'open', 0, %s, '', '', %s)
ON CONFLICT (link_id, kind, item_id) DO UPDATE SET version = excluded.version, state = 'open', attempts = 0, not_before = excluded.not_before,
    error = '', hint = ''
"""


def on_item_changed(*, item: Model, origin: object = None, **_: Any) -> None:
    """Receiver of the shop's announcement: every link concerned gets a row, but for the one the change came from."""
    for kind, local in KINDS.items():
        for item_id in local.concerned(item):
            ids = [pk for pk in local.links(item_id) if not (isinstance(origin, Link) and origin.pk == pk)]
            enqueue(ids, kind, item_id, now=timezone.now())


def enqueue(link_ids: Iterable[int], kind: str, item_id: int, *, now: datetime) -> None:
    """Opens a row or renews the open one; a row that had been given up gets another chance."""
    from integrations.tasks import drain

    at = connection.ops.adapt_datetimefield_value(now)
    with connection.cursor() as cursor:
        for pk in link_ids:
            cursor.execute(OPEN, [pk, kind, item_id, new_version(), at, at])
            booking.wake.wake_after_commit(drain, pk)


def enqueue_all(link: Link, *, now: datetime, kinds: Collection[str] = KINDS.keys()) -> None:
    """Every coming item of the link's calendar and all that it has already: after a rule or the written calendar changed."""
    for kind in kinds:
        local = KINDS[kind]
        known = link.pairs.filter(kind=kind).exclude(state__in=["closed", "unlinked"]).values_list("item_id", flat=True)
        for item_id in {*local.upcoming(link, now), *known}:
            enqueue([link.pk], kind, item_id, now=now)


def wake(link_ids: Iterable[int]) -> None:
    """Rings the alarm clock now; who has changed something rings it after the commit."""
    from integrations.tasks import drain

    ring(drain, link_ids)


def hurry(link_ids: list[int]) -> None:
    """What waited for the other side need not wait any more."""
    Outgoing.objects.filter(link_id__in=link_ids, state=Outgoing.State.OPEN).update(not_before=timezone.now())
    transaction.on_commit(lambda: wake(link_ids))


def due(now: datetime) -> list[int]:
    """Links that have something to write now."""
    return list(_ready(now).values_list("link_id", flat=True).distinct())


def _ready(now: datetime) -> QuerySet[Outgoing]:
    """Rows that could be written now."""
    unpaused = Q(link__account__paused_until=None) | Q(link__account__paused_until__lte=now)
    return Outgoing.objects.filter(unpaused, state=Outgoing.State.OPEN, not_before__lte=now, link__account__state=Account.State.CONNECTED)


def oldest_due(now: datetime) -> health.Finding:
    """For the health page: what has waited longest of what could be written."""
    return health.oldest(_ready(now).order_by("not_before").values_list("not_before", flat=True).first(), now)


def account_waits(account_id: int, now: datetime) -> bool:
    """Whether a row of any of the account's links is due."""
    return Outgoing.objects.filter(link__account=account_id, state=Outgoing.State.OPEN, not_before__lte=now).exists()


def waits(link_id: int, now: datetime) -> bool:
    """Whether a row of the link is due."""
    return Outgoing.objects.filter(link_id=link_id, state=Outgoing.State.OPEN, not_before__lte=now).exists()


def probe(link: Link, now: datetime) -> list[Outgoing]:
    """One row that is due, to see whether the other side takes calls again: not always the same, for it might be the reason."""
    return list(link.outgoing.filter(state=Outgoing.State.OPEN, not_before__lte=now).order_by("attempts", "not_before", "pk")[:1])


def next_rows(link: Link, now: datetime, limit: int) -> list[Outgoing]:
    """The oldest rows that are due, to be written together; whoever calls holds the link's lease. With each failed attempt of the first they are
    half as many: what fails because of one of them soon fails without the others."""
    rows = list(link.outgoing.filter(state=Outgoing.State.OPEN, not_before__lte=now).order_by("not_before", "pk")[:limit])
    return rows[: max(1, limit >> rows[0].attempts)] if rows else []


def done(row: Outgoing) -> None:
    """Only if nothing changed meanwhile; else the row stays and is looked at again."""
    Outgoing.objects.filter(pk=row.pk, version=row.version).delete()


def later(row: Outgoing, now: datetime, *, error: str, after: float | None = None) -> None:
    """Tries again after what the other side asked for, else after a growing pause. An outage may last: it is never given up for that."""
    attempts = row.attempts + 1
    pause = after if after is not None else backoff(attempts)
    Outgoing.objects.filter(pk=row.pk).update(attempts=attempts, not_before=now + timedelta(seconds=pause), error=error[:500])


def hold(row: Outgoing, *, error: str) -> None:
    """It keeps its place: the other side takes no calls at all, and its account waits for that. Who failed least is tried first afterwards."""
    Outgoing.objects.filter(pk=row.pk).update(attempts=row.attempts + 1, error=error[:500])


def sleep(row: Outgoing, until: datetime) -> None:
    """Nothing is wrong, it is only too early. A change made meanwhile wakes it."""
    Outgoing.objects.filter(pk=row.pk, version=row.version).update(not_before=until)


def give_up(row: Outgoing, *, error: str, hint: str) -> None:
    """Stays in the table, shown with its reason and "try again"; the others go on. A change made meanwhile opens it anew."""
    Outgoing.objects.filter(pk=row.pk, version=row.version).update(state=Outgoing.State.FAILED, error=error[:500], hint=hint[:500])


def backoff(attempts: int) -> float:
    """Seconds: doubling from RETRY_SECONDS to four hours, with jitter, so that many links don't come back at once."""
    return float(min(settings.RETRY_SECONDS * 2 ** (attempts - 1), LONGEST_WAIT) * random.uniform(0.8, 1.2))  # noqa: S311  # jitter, no secret
