"""Undoing what the sync did: an ordinary change with the old value, that travels like any other."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from booking.errors import WrongState
from integrations import outbox
from integrations.local import KINDS
from integrations.models import FieldChange, Pair


def revertible(change: FieldChange) -> bool:
    return change.reverted_at is None and (change.field == "when" or change.field == "event" or change.field in change.pair.base)


def revert(change: FieldChange, *, user: Any) -> None:
    """The old value comes back here and goes to the calendars. Raises WrongState or SlotTaken when that is no longer possible."""
    with transaction.atomic():
        change = FieldChange.objects.select_for_update(of=("self",)).select_related("pair__link").get(pk=change.pk)
        if change.reverted_at is not None:
            raise WrongState(_("This change has already been reverted."))
        pair, local, now = change.pair, KINDS[change.pair.kind], timezone.now()
        item = local.load(pair.item_id)
        if item is None:
            raise WrongState(_("This appointment no longer exists."))
        reason = f"reverted: {change.field}"
        if change.kind == FieldChange.Kind.DELETE:
            local.reinstate(item, now, reason=reason)
        elif change.kind == FieldChange.Kind.CREATE:
            local.cancel(item, None, now, reason=reason)
        elif change.field == "when":
            _times_back(change, item, reason)
        else:
            _text_back(change, pair)
        outbox.enqueue([pair.link_id], pair.kind, pair.item_id, now=now)
        change.reverted_at, change.reverted_by = now, user
        change.save(update_fields=["reverted_at", "reverted_by"])


def _times_back(change: FieldChange, item: Any, reason: str) -> None:
    if not change.old or "start" not in change.old:
        raise WrongState(_("There is no earlier time."))
    KINDS[change.pair.kind].set_times(item, change.old, timezone.now(), reason=reason)


def _text_back(change: FieldChange, pair: Pair) -> None:
    """The first value typed in the calendar gave way to the template's again; later ones go back one step."""
    earlier = pair.changes.filter(field=change.field, direction="in", pk__lt=change.pk, kind=FieldChange.Kind.UPDATE, reverted_at=None)
    if change.direction == "in" and not earlier.exists():
        pair.kept.pop(change.field, None)
    else:
        pair.kept[change.field] = change.old
    pair.save(update_fields=["kept"])
