"""Where calendar services call us to say that something has changed. Verified before anything else; what follows is done in the background."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from integrations.bell import ring
from integrations.contract import Call, Notice
from integrations.models import Account, Subscription
from integrations.registry import providers

logger = logging.getLogger(__name__)

LARGEST = 256 * 1024  # bytes of a call
LONGEST = 2_000  # characters that are sent back when the other side asks whether the address is ours
MOST = 1_000  # notices in a call


@csrf_exempt  # called by programs that have no cookies; each notice is verified by its token
@require_POST
def hook(request: HttpRequest, provider: str, pk: int) -> HttpResponse:
    """`pk` of the link. What can't be verified, because it is forged, old or of an account that is no longer connected, is answered alike and without work."""
    config = providers().get(provider)
    if config is None or not config.webhook:
        return HttpResponse(status=404)
    if len(request.body) > LARGEST:
        return HttpResponse(status=413)
    said = config.hear(Call(request.headers, request.GET.dict(), request.body))
    known = Subscription.objects.filter(link=pk, account__provider=provider, account__state=Account.State.CONNECTED)
    if isinstance(said, str):
        if len(said) > LONGEST or not known.filter(ending=False).exists():
            return HttpResponse(status=404)
        return HttpResponse(said, content_type="text/plain; charset=utf-8")
    found = {row.remote_id: row for row in known.filter(remote_id__in={one.subscription for one in said[:MOST]} - {""})}
    believed = [(found[one.subscription], one) for one in said[:MOST] if one.subscription in found and found[one.subscription].knows(one.token)]
    if not believed:
        logger.info("A call of %s for link %s is not known", provider, pk)
        return HttpResponse(status=404)
    _note(pk, believed, timezone.now())
    return HttpResponse(status=202)


def _note(link_id: int, believed: Sequence[tuple[Subscription, Notice]], now: datetime) -> None:
    """At most one write and one ring until it has been read, however often they call."""
    from integrations.tasks import catch_up, listen

    # What has been told and not yet read need not be told again: whoever takes it off the list reads after that.
    missed = {row.pk for row, notice in believed if notice.missed and row.told != Subscription.Told.MISSED}
    rows = {row.pk for row, notice in believed if notice.changed and not row.told}
    news = Subscription.objects.filter(pk__in=missed).exclude(told=Subscription.Told.MISSED).update(told=Subscription.Told.MISSED, unheard=0) if missed else 0
    news += Subscription.objects.filter(pk__in=rows - missed, told="").update(told=Subscription.Told.CHANGED, unheard=0) if rows - missed else 0
    if news:
        ring(catch_up, [link_id])
    for row in {row.pk: row for row, notice in believed if notice.renew and not row.ending}.values():
        if Subscription.objects.filter(pk=row.pk, due_at__gt=now).update(due_at=now):
            ring(listen, [row.account_id])
