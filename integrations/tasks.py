"""What runs in the background: each task calls one function and may run twice without harm."""

from __future__ import annotations

from celery import shared_task
from django.core.cache import cache
from django.db.models import Q
from django.utils import timezone

from integrations import answers, choosing, connect, engine, outbox
from integrations.models import Account, Link


@shared_task
def drain(link_id: int) -> None:
    engine.drain(link_id)


@shared_task
def pull(link_id: int, full: bool = False) -> None:
    engine.pull(link_id, full=full)


@shared_task
def check_account(account_id: int) -> None:
    connect.check(account_id)


@shared_task
def create_separate(account_id: int) -> None:
    connect.create_separate(account_id)


@shared_task
def disconnect_account(account_id: int) -> None:
    for account in Account.objects.filter(pk=account_id):  # none: it ran before
        connect.disconnect(account)


@shared_task
def answer_gone(link_id: int) -> None:
    answers.answer_gone(link_id)


@shared_task
def sweep() -> None:
    """Finds whatever was not woken or was lost with a worker: rows to write, calendars to read."""
    now = timezone.now()
    outbox.wake(outbox.due(now))
    choosing.retire()
    unleased = Q(lease_until=None) | Q(lease_until__lte=now)
    unpaused = Q(account__paused_until=None) | Q(account__paused_until__lte=now)
    free = Link.objects.filter(unleased, unpaused, account__state=Account.State.CONNECTED)
    for pk in free.filter(state=Link.State.PARKED).exclude(answer="").values_list("pk", flat=True):
        answer_gone.delay(pk)
    for pk in free.filter(Q(dirty=True) | Q(next_pull_at=None) | Q(next_pull_at__lte=now)).values_list("pk", flat=True):
        pull.delay(pk)
    for state, task in ((Account.State.CHECKING, check_account), (Account.State.DISCONNECTING, disconnect_account)):
        for pk in Account.objects.filter(state=state).values_list("pk", flat=True):
            if cache.add(f"{state}:{pk}", True, timeout=60):  # begun by a worker that died, or about to begin
                task.delay(pk)
