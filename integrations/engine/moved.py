"""An event of ours that is missing may have been moved into another of the owner's calendars: there it is looked for, and followed."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from integrations.engine import absorb
from integrations.engine.session import Session
from integrations.models import Link, Pair


def others(session: Session) -> QuerySet[Link]:
    """The owner's other linked calendars at the same account."""
    link = session.link
    return Link.objects.filter(calendar=link.calendar_id, state=Link.State.ACTIVE, account=link.account_id).exclude(pk=link.pk)


def followed(session: Session, pair: Pair) -> bool:
    """Whether it was found in another calendar, where the pair lives from now on."""
    for other in others(session):
        session.hold()
        found = session.provider.find(other.remote_id, pair.key, pair.uid)
        if found is not None and found.item is not None and not absorb.is_anothers(found.item.uid, pair.uid):
            with session.applying():
                absorb.follow(pair, other)
                pair.state, pair.gone_at, pair.remote_id = Pair.State.LIVE, None, found.remote_id
                pair.save_agreed()
                Link.objects.filter(pk=other.pk).update(dirty=True)  # its next read takes in what changed on the way
            return True
    return False


def may_turn_up(pair: Pair) -> datetime | None:
    """Until when it may still appear in another calendar; None when that is over or there is none."""
    if pair.gone_at is None or not Link.objects.filter(calendar=pair.link.calendar_id).exclude(pk=pair.link_id).exists():
        return None
    until = pair.gone_at + timedelta(seconds=settings.MOVE_GRACE_SECONDS)
    return until if timezone.now() < until else None
