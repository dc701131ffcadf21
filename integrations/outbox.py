"""The outbox: one open row per link and item, written in the transaction of the change it stands for."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Model, Q
from django.utils import timezone

from booking import health
from integrations.local import KINDS
from integrations.models import Account, Link, Outgoing

logger = logging.getLogger(__name__)

POISON = 5  # attempts that broke in our own code before a person has to look
LONGEST_WAIT = 4 * 3600  # seconds


def on_item_changed(*, item: Model, origin: object = None, **_: Any) -> None:
    """Receiver of the shop's announcement: every link concerned gets a row, but for the one the change came from."""
    for kind, local in KINDS.items():
        if isinstance(item, local.MODEL):
            ids = [pk for pk in local.links(item.pk) if not (isinstance(origin, Link) and origin.pk == pk)]
            enqueue(ids, kind, item.pk, now=timezone.now())


def enqueue(link_ids: Iterable[int], kind: str, item_id: int, *, now: datetime) -> None:
    """Opens a row or renews the open one; a row that had been given up gets another chance."""
    ids = list(link_ids)
    if not ids:
        return
    Outgoing.objects.bulk_create(
        [Outgoing(link_id=pk, kind=kind, item_id=item_id, not_before=now) for pk in ids],
        update_conflicts=True,
        unique_fields=["link", "kind", "item_id"],
        update_fields=["version", "state", "not_before", "attempts", "error", "hint"],
    )
    transaction.on_commit(lambda: wake(ids))


def enqueue_all(link: Link, *, now: datetime) -> None:
    """Every coming item of the link's calendar and all that it has already: after a rule or the written calendar changed."""
    for kind, local in KINDS.items():
        known = link.pairs.filter(kind=kind).exclude(state__in=["closed", "unlinked"]).values_list("item_id", flat=True)
        for item_id in {*local.upcoming(link, now), *known}:
            enqueue([link.pk], kind, item_id, now=now)


def wake(link_ids: Iterable[int]) -> None:
    """Rings the alarm clock. If nobody hears it the sweep finds the rows: the table is the truth."""
    from integrations.tasks import drain

    for pk in link_ids:
        try:
            drain.apply_async([pk], retry=False)
        except Exception:
            logger.warning("The broker does not answer; the sweep will find what is waiting.", exc_info=True)
            return


def due(now: datetime) -> list[int]:
    """Links that have something to write now."""
    ready = Q(link__account__paused_until=None) | Q(link__account__paused_until__lte=now)
    rows = Outgoing.objects.filter(ready, state=Outgoing.State.OPEN, not_before__lte=now, link__account__state=Account.State.CONNECTED)
    return list(rows.values_list("link_id", flat=True).distinct())


def oldest_due(now: datetime) -> health.Finding:
    """For the health page: what has waited longest of what could be written."""
    rows = Outgoing.objects.filter(state=Outgoing.State.OPEN, not_before__lte=now, link__account__state=Account.State.CONNECTED)
    return health.oldest(rows.order_by("not_before").values_list("not_before", flat=True).first(), now)


def waits(link_id: int, now: datetime) -> bool:
    """Whether a row of the link is due."""
    return Outgoing.objects.filter(link_id=link_id, state=Outgoing.State.OPEN, not_before__lte=now).exists()


def next_row(link: Link, now: datetime) -> Outgoing | None:
    """The oldest row that is due; whoever calls holds the link's lease."""
    return link.outgoing.filter(state=Outgoing.State.OPEN, not_before__lte=now).order_by("not_before", "pk").first()


def done(row: Outgoing) -> None:
    """Only if nothing changed meanwhile; else the row stays and is looked at again."""
    Outgoing.objects.filter(pk=row.pk, version=row.version).delete()


def later(row: Outgoing, now: datetime, *, error: str, after: float | None = None) -> None:
    """Tries again after what the other side asked for, else after a growing pause. An outage may last: it is never given up for that."""
    attempts = row.attempts + 1
    pause = after if after is not None else backoff(attempts)
    Outgoing.objects.filter(pk=row.pk).update(attempts=attempts, not_before=now + timedelta(seconds=pause), error=error[:500])


def give_up(row: Outgoing, *, error: str, hint: str) -> None:
    """Stays in the table, shown with its reason and "try again"; the others go on. A change made meanwhile opens it anew."""
    Outgoing.objects.filter(pk=row.pk, version=row.version).update(state=Outgoing.State.FAILED, error=error[:500], hint=hint[:500])


def backoff(attempts: int) -> float:
    """Seconds: doubling from RETRY_SECONDS to four hours, with jitter, so that many links don't come back at once."""
    return float(min(settings.RETRY_SECONDS * 2 ** (attempts - 1), LONGEST_WAIT) * random.uniform(0.8, 1.2))  # noqa: S311  # jitter, no secret
