"""Being told of changes by those who can tell: subscriptions are made, renewed before they end, and ended. Never in the way of polling."""

from __future__ import annotations

import logging
import random
import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.urls import reverse
from django.utils import timezone

from integrations.bell import ring
from integrations.connect import provider_for
from integrations.contract import NeedsPerson, Provider, Retry
from integrations.models import Account, Link, Subscription
from integrations.models.subscription import digest
from integrations.outbox import backoff
from integrations.registry import providers

logger = logging.getLogger(__name__)

LIFE = timedelta(days=7)  # asked for; the answer says what holds
RENEWED = (0.5, 0.8)  # of its life, so that many made at once don't come back at once
CLAIM = timedelta(minutes=5)  # within which a worker has made its calls, or is dead
HOPELESS = timedelta(hours=12)  # until it is tried again where a person had to change something
LEFT = "A subscription of account %s could not be ended; it ends by itself"
STUBBORN = 5  # attempts to end one that is not wanted any more; then it ends by itself


def due(now: datetime) -> list[int]:
    """Accounts where something is to be made, renewed or ended."""
    unpaused = Q(account__paused_until=None) | Q(account__paused_until__lte=now)
    rows = Subscription.objects.filter(unpaused, due_at__lte=now, account__state=Account.State.CONNECTED).values_list("account", flat=True)
    current = Subscription.objects.filter(link=OuterRef("pk"), ending=False)
    deaf = _wanted().filter(unpaused, ~Exists(current)).values_list("account", flat=True)
    unwanted = Subscription.objects.filter(unpaused, _unwanted(), account__state=Account.State.CONNECTED).values_list("account", flat=True)
    return sorted({*rows, *deaf, *unwanted})


def _wanted() -> QuerySet[Link]:
    """Links whose changes we want to be told of, where that is possible."""
    able = [name for name, config in providers().items() if config.webhook and config.capabilities.push] if settings.PUSH_ADDRESS else []
    return Link.objects.filter(Q(reads=True) | Q(writes=True), account__provider__in=able, account__state=Account.State.CONNECTED)


def _unwanted() -> Q:
    """Current ones of links that are no longer used, and those that call an address that is not ours any more."""
    elsewhere = ~Q(remote_id="") & ~Q(address__startswith=f"{settings.PUSH_ADDRESS}/")
    return Q(ending=False) & (Q(link=None) | elsewhere | ~Q(link__in=_wanted()))


def tend(account_id: int) -> None:
    """Does what is due for one account. May run twice at once: each row is taken by one."""
    now = timezone.now()
    account = Account.objects.filter(pk=account_id, state=Account.State.CONNECTED).first()
    if account is None or (account.paused_until and account.paused_until > now):
        return
    account.subscriptions.filter(_unwanted()).update(ending=True, due_at=now)
    for link in _wanted().filter(account=account):
        Subscription.objects.get_or_create(link=link, ending=False, defaults={"account": account, "due_at": now})
    rows = account.subscriptions.filter(due_at__lte=now).select_related("link__account").order_by("-ending", "due_at", "pk")
    provider = provider_for(account) if rows else None
    for row in rows:
        if provider and account.subscriptions.filter(pk=row.pk, due_at=row.due_at).update(due_at=now + CLAIM):
            _end(provider, row) if row.ending else _make(provider, row)


def _make(provider: Provider, row: Subscription) -> None:
    """Makes or renews it. A new one begins before the one it replaces ends."""
    link, token, now = row.link, secrets.token_urlsafe(32), timezone.now()
    if link is None:
        return
    try:
        if row.remote_id:
            made = provider.renew(link.remote_id, row.plain(), address(link), token, LIFE)
        else:
            made = provider.subscribe(link.remote_id, address(link), token, LIFE)
    except (Retry, NeedsPerson) as error:
        _failed(row, error)
        return
    except Exception as error:  # whatever it is, the calendar is read all the same
        logger.exception("Link %s: the subscription could not be made", link.pk)
        _failed(row, Retry(type(error).__name__))
        return
    due_at = now + (made.expires - now) * random.uniform(*RENEWED)  # noqa: S311  # jitter, no secret
    values = {"remote_id": made.id, "resource": made.resource, "expires_at": made.expires, "due_at": due_at, "failures": 0, "problem": ""}
    fresh, old = made.id != row.remote_id, None
    with transaction.atomic():
        wanted = Subscription.objects.select_for_update().filter(pk=row.pk, ending=False).exists()
        if fresh:  # nobody has told us of what happened before it
            values |= {"secret": digest(token), "address": address(link), "told": Subscription.Told.CHANGED, "unheard": 0}
        if wanted and fresh and row.remote_id:
            kept = ("account_id", "link_id", "remote_id", "resource", "expires_at", "address", "secret")
            old = Subscription.objects.create(**{name: getattr(row, name) for name in kept}, ending=True, due_at=now + CLAIM)
        if wanted:
            Subscription.objects.filter(pk=row.pk).update(**values)
    if fresh and not wanted:  # meanwhile it was disconnected, or is no longer chosen
        try:
            provider.unsubscribe(made)
        except (Retry, NeedsPerson):
            logger.warning(LEFT, row.account_id)
        return
    if fresh:
        from integrations.tasks import catch_up

        ring(catch_up, [link.pk])
    if old:
        _end(provider, old)


def _failed(row: Subscription, error: Retry | NeedsPerson) -> None:
    """Tried again after a growing pause. Meanwhile the calendar is polled as if nobody told us of changes: the one we have may have ended there."""
    now = timezone.now()
    pause = HOPELESS if isinstance(error, NeedsPerson) else timedelta(seconds=error.after if error.after is not None else backoff(min(row.failures + 1, 12)))
    known = Subscription.objects.filter(pk=row.pk)
    known.update(failures=row.failures + 1, problem=str(error)[:500], due_at=now + pause, unheard=max(1, row.unheard))
    if row.link and not row.ending:
        poll = now + timedelta(seconds=settings.POLL_SECONDS)
        Link.objects.filter(pk=row.link.pk, next_pull_at__gt=poll).update(next_pull_at=poll)


def _end(provider: Provider, row: Subscription) -> None:
    if row.lives(timezone.now()):
        try:
            provider.unsubscribe(row.plain())
        except (Retry, NeedsPerson) as error:
            if row.failures < STUBBORN:
                _failed(row, error)
                return
            logger.warning(LEFT, row.account_id)
    row.delete()


def address(link: Link) -> str:
    """Where changes of this link's calendar are told."""
    return settings.PUSH_ADDRESS + reverse("hook", args=[link.account.provider, link.pk])
