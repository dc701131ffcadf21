"""The history of a model: django-simple-history, as all our models use it."""

from __future__ import annotations

from functools import cache
from typing import Any

from simple_history.manager import HistoryManager
from simple_history.models import HistoricalRecords


class Versions(HistoryManager):
    """Makes its class once instead of at each look at `.history`, thus at each save."""

    @classmethod
    @cache
    def from_queryset(cls, queryset_class: Any, class_name: str | None = None) -> Any:
        return super().from_queryset(queryset_class, class_name)


def records(**options: Any) -> HistoricalRecords:
    return HistoricalRecords(history_manager=Versions, **options)
