"""Titles and descriptions that are made from templates: tidied, and taken back when a person had typed over them in the calendar."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Model

from integrations.models import FieldChange, Pair


def tidy(text: str) -> str:
    """Lines whose placeholders had nothing to say leave no gap."""
    return "\n".join(line.rstrip() for line in text.splitlines() if line.strip())


def field_back(change: FieldChange, pair: Pair, item: Model, now: datetime, *, reason: str) -> None:
    """A text goes back: the first value typed in the calendar gave way to the template's again; later ones go back one step."""
    pair = Pair.objects.select_for_update().get(pk=pair.pk)
    earlier = pair.changes.filter(field=change.field, direction="in", pk__lt=change.pk, kind=FieldChange.Kind.UPDATE, reverted_at=None)
    if change.direction == "in" and not earlier.exists():
        pair.kept.pop(change.field, None)
    else:
        pair.kept[change.field] = change.old
    pair.save(update_fields=["kept"])
