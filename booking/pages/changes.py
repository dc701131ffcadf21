"""The history of a record in words: who changed which field from what to what."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from django.db.models import Model
from django.utils.translation import gettext as _

SHOWN = 50
UNTOLD = {"sequence", "ends_at"}


@dataclass(frozen=True, slots=True)
class FieldChange:
    label: str
    old: Any
    new: Any


@dataclass(frozen=True, slots=True)
class Entry:
    """One version. `who` is empty when no signed-in person did it; `reason` says what else did."""

    at: datetime
    who: str
    reason: str
    created: bool
    fields: list[FieldChange]


def changes_of(item: Any, words: Mapping[str, Callable[[Any], str]] = MappingProxyType({})) -> list[Entry]:
    """The newest versions first; versions that differ in nothing worth telling are left out. `words` say values that need more than a look."""
    versions = list(item.history.select_related("history_user").order_by("-history_date", "-history_id")[: SHOWN + 1])
    entries = []
    for place, version in enumerate(versions[:SHOWN]):
        created = version.history_type == "+"
        before = versions[place + 1] if place + 1 < len(versions) else None
        fields = [] if created or before is None else list(_differences(before, version, item._meta, words))
        if created or fields:
            who = version.history_user.get_username() if version.history_user else ""
            entries.append(Entry(version.history_date, who, version.history_change_reason or "", created, fields))
    return entries


def _differences(before: Model, after: Model, meta: Any, words: Mapping[str, Callable[[Any], str]]) -> Iterable[FieldChange]:
    for field in meta.concrete_fields:
        if field.primary_key or field.name in UNTOLD or getattr(before, field.attname, None) == getattr(after, field.attname, None):
            continue
        old, new = (_told(version, field, words.get(field.name)) for version in (before, after))
        yield FieldChange(str(field.verbose_name), old, new)


def _told(version: Model, field: Any, words: Callable[[Any], str] | None = None) -> Any:
    value = getattr(version, field.attname)
    if words:
        return words(value) or "–"
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if field.choices:
        return dict(field.flatchoices).get(value, value)
    if field.is_relation:
        return str(getattr(version, field.name) or "–")
    return "–" if value in (None, "") else value
