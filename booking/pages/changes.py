"""The history of an appointment's record in words: who changed which field from what to what."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Model
from django.utils.translation import gettext as _

from booking.models import Appointment

SHOWN = 50
UNTOLD = {"sequence"}


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


def changes_of(appointment: Appointment) -> list[Entry]:
    """The newest versions first; versions that differ in nothing worth telling are left out."""
    versions = list(appointment.history.select_related("history_user").order_by("-history_date", "-history_id")[: SHOWN + 1])
    entries = []
    for place, version in enumerate(versions[:SHOWN]):
        created = version.history_type == "+"
        before = versions[place + 1] if place + 1 < len(versions) else None
        fields = [] if created or before is None else list(_differences(before, version))
        if created or fields:
            who = version.history_user.get_username() if version.history_user else ""
            entries.append(Entry(version.history_date, who, version.history_change_reason or "", created, fields))
    return entries


def _differences(before: Model, after: Model) -> Iterable[FieldChange]:
    for field in Appointment._meta.concrete_fields:
        if field.primary_key or field.name in UNTOLD or getattr(before, field.attname, None) == getattr(after, field.attname, None):
            continue
        yield FieldChange(str(field.verbose_name), _told(before, field), _told(after, field))


def _told(version: Model, field: Any) -> Any:
    value = getattr(version, field.attname)
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if field.choices:
        return dict(field.flatchoices).get(value, value)
    if field.is_relation:
        return str(getattr(version, field.name) or "–")
    return "–" if value in (None, "") else value
