"""What runs in the background: each task calls one function and may run twice without harm."""

from __future__ import annotations

from celery import shared_task
from django.core.cache import cache
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from integrations import alerts, answers, choosing, connect, engine, expiry, listening, outbox, plan
from integrations.models import Account, Link, OAuthClient, Pair, Plan, Subscription
from integrations.oauth import trial


@shared_task
def drain(link_id: int) -> None:
    engine.drain(link_id)


@shared_task
def pull(link_id: int, full: bool = False) -> None:
    engine.pull(link_id, full=full)


@shared_task
def catch_up(link_id: int) -> None:
    engine.catch_up(link_id)


@shared_task
def listen(account_id: int) -> None:
    listening.tend(account_id)


@shared_task
def check_account(account_id: int) -> None:
    connect.check(account_id)


@shared_task
def check_client(client_id: int) -> None:
    trial.check(client_id)


@shared_task
def work_out(plan_id: int) -> None:
    plan.work_out(plan_id)


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
def tell_answers(pair_id: int) -> None:
    alerts.tell_answers(pair_id)


@shared_task
def remind_of_expiry() -> None:
    expiry.remind(timezone.localdate())


@shared_task
def sweep() -> None:
    """Finds whatever was not woken or was lost with a worker: rows to write, calendars to read."""
    now = timezone.now()
    outbox.wake(outbox.due(now))
    choosing.retire()
    plan.forget()
    unleased = Q(lease_until=None) | Q(lease_until__lte=now)
    unpaused = Q(account__paused_until=None) | Q(account__paused_until__lte=now)
    free = Link.objects.filter(unleased, unpaused, account__state=Account.State.CONNECTED)
    for pk in free.filter(state=Link.State.PARKED).exclude(answer="").values_list("pk", flat=True):
        answer_gone.delay(pk)
    for pk in free.filter(Q(dirty=True) | Q(next_pull_at=None) | Q(next_pull_at__lte=now)).values_list("pk", flat=True):
        pull.delay(pk)
    for pk in Pair.objects.filter(untold=True).values_list("pk", flat=True):
        tell_answers.delay(pk)
    for pk in free.filter(Exists(Subscription.objects.filter(link=OuterRef("pk")).exclude(told=""))).values_list("pk", flat=True):
        catch_up.delay(pk)
    for pk in listening.due(now):
        listen.delay(pk)
    for state, task in ((Account.State.CHECKING, check_account), (Account.State.DISCONNECTING, disconnect_account)):
        for pk in Account.objects.filter(state=state).values_list("pk", flat=True):
            if cache.add(f"{state}:{pk}", True, timeout=60):  # begun by a worker that died, or about to begin
                task.delay(pk)
    for pk in OAuthClient.objects.filter(checking=True).values_list("pk", flat=True):
        if cache.add(f"client:{pk}", True, timeout=60):
            check_client.delay(pk)
    for pk in Plan.objects.filter(state=Plan.State.RUNNING).values_list("pk", flat=True):
        if cache.add(f"plan:{pk}", True, timeout=60):
            work_out.delay(pk)
