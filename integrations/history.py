"""Undoing what the sync did: an ordinary change with the old value, that travels like any other."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from booking.errors import BookingError, WrongState
from integrations import outbox
from integrations.local import KINDS
from integrations.models import FieldChange, Run
from integrations.models.history import Direction

ENDED = gettext_lazy("This calendar is no longer connected: its changes can be looked at, but not reverted. Please change the entry itself.")


def revertible(change: FieldChange) -> bool:
    """Whether going back means something: guests belong to the booking, and a time that lost a conflict is settled, not reverted."""
    if change.reverted_at is not None or change.pair is None or change.field == "attendees":
        return False
    if change.kind == FieldChange.Kind.CONFLICT:
        return change.field != "when" and change.new is not None
    if change.kind == FieldChange.Kind.CREATE:
        return change.field == "when"  # one of the rows stands for the whole creation
    return change.field in ("when", "event") or change.field in change.pair.base


def revert_run(run: Run, *, user: Any) -> tuple[int, list[str]]:
    """Undoes a whole run, newest first; returns how many changes went back, and for the others why not."""
    done, refused = 0, []
    for change in run.changes.select_related("pair").order_by("-at", "-pk"):
        if revertible(change):
            try:
                revert(change, user=user)
                done += 1
            except BookingError as error:
                refused.append(str(error))
    return done, list(dict.fromkeys(refused))


def revert(change: FieldChange, *, user: Any) -> None:
    """The old value comes back here and goes to the calendars. Raises WrongState or SlotTaken when that is no longer possible."""
    with transaction.atomic():
        change = FieldChange.objects.select_for_update(of=("self",)).select_related("pair__link").get(pk=change.pk)
        if change.reverted_at is not None:
            raise WrongState(_("This change has already been reverted."))
        if (pair := change.pair) is None:
            raise WrongState(ENDED)
        if not revertible(change):
            raise WrongState(_("This change can't be reverted."))
        local, now = KINDS[pair.kind], timezone.now()
        item = local.load(pair.item_id)
        if item is None:
            raise WrongState(_("This entry no longer exists."))
        reason = f"reverted: {change.field}"
        if change.kind == FieldChange.Kind.CREATE and change.direction == Direction.IN:
            pair.let_go()  # what its owner entered there stays there
            pair.save(update_fields=["state"])
        if change.kind == FieldChange.Kind.DELETE:
            local.reinstate(item, now, reason=reason)
        elif change.kind == FieldChange.Kind.CREATE:
            local.cancel(item, None, now, reason=reason)
        elif change.field == "when":
            _times_back(change, local, item, reason)
        else:
            local.field_back(change, pair, item, now, reason=reason)
        outbox.enqueue([pair.link_id], pair.kind, pair.item_id, now=now)
        change.reverted_at, change.reverted_by = now, user
        change.save(update_fields=["reverted_at", "reverted_by"])


def _times_back(change: FieldChange, local: ModuleType, item: Any, reason: str) -> None:
    if not change.old or "start" not in change.old:
        raise WrongState(_("There is no earlier time."))
    local.set_times(item, change.old, timezone.now(), reason=reason)
