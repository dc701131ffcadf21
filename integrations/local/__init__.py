"""Our rows as items and back, one module a kind. The engine knows the kinds by this table only."""

from __future__ import annotations

from types import ModuleType

from integrations.local import appointments

KINDS: dict[str, ModuleType] = {appointments.KIND: appointments}
