"""What a person answers to what waits for one: given in a page, carried out in the background."""

from __future__ import annotations

import time

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from integrations import engine, outbox
from integrations.contract import ProviderError
from integrations.models import Link, Outgoing

PAUSE = 0.5  # seconds between two looks at a link that somebody else is busy with


def answer_gone_later(link: Link, *, deleted: bool) -> None:
    from integrations.tasks import answer_gone

    transaction.on_commit(lambda: answer_gone.delay(link.pk, deleted))


def answer_gone(link_id: int, *, deleted: bool) -> bool:
    """Waits its turn, for the worker that has the link will be done before its lease ends. False: the question stays."""
    until = time.monotonic() + settings.LEASE_SECONDS
    while Link.objects.filter(pk=link_id, state=Link.State.PARKED).exists():
        try:
            if engine.answer_gone(link_id, deleted=deleted):
                outbox.wake([link_id])
                return True
        except ProviderError as error:
            Link.objects.filter(pk=link_id).update(problem=str(error)[:500])
            return False
        if time.monotonic() > until:
            return False
        time.sleep(PAUSE)
    return False


def try_again(row: Outgoing) -> None:
    """Another chance for what had been given up."""
    outbox.enqueue([row.link_id], row.kind, row.item_id, now=timezone.now())
