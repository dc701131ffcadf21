"""Our rows as items and back, one module a kind. The engine knows the kinds by this table only."""

from __future__ import annotations

from types import ModuleType

from django.db.models import Model

from integrations.local import appointments, events, meetings, sharing

KINDS: dict[str, ModuleType] = {one.KIND: one for one in (appointments, events, meetings)}


def invites_customers(item: Model) -> bool:
    """Whether the customers of this appointment or period are invited by the organiser's calendar, not by our mails."""
    return any(sharing.invites_customers(kind, local.calendars(item.pk)) for kind, local in KINDS.items() if item.pk in local.concerned(item))
