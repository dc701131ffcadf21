"""What a person answers to what waits for one: noted in a page, carried out in the background as soon as the other side can be spoken to."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from integrations import engine, outbox
from integrations.contract import NeedsPerson
from integrations.models import Link, Outgoing


def answer_gone_later(link: Link, *, deleted: bool) -> None:
    """Noted on the link: an account may be paused for an hour, and whoever answers is not asked a second time for that."""
    from integrations.tasks import answer_gone

    answer = Link.Answer.DELETED if deleted else Link.Answer.BACK
    Link.objects.filter(pk=link.pk, state=Link.State.PARKED).update(answer=answer, answered_at=timezone.now())
    transaction.on_commit(lambda: answer_gone.delay(link.pk))


def answer_gone(link_id: int) -> None:
    """Carries out the noted answer, if the link is free; else the sweep comes again. What needs a person is told, and the question stays."""
    link = Link.objects.filter(pk=link_id, state=Link.State.PARKED).exclude(answer="").first()
    if link is None or link.answered_at is None:
        return
    try:
        if engine.answer_gone(link_id, deleted=link.answer == Link.Answer.DELETED, until=link.answered_at):
            outbox.wake([link_id])
    except NeedsPerson as error:
        Link.objects.filter(pk=link_id).update(answer="", problem=error.reason[:500])


def try_again(row: Outgoing) -> None:
    """Another chance for what had been given up."""
    outbox.enqueue([row.link_id], row.kind, row.item_id, now=timezone.now())
