"""The history of a model: django-simple-history, as all our models use it."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.db import models
from simple_history.manager import HistoryManager
from simple_history.models import HistoricalRecords

from booking.models.quick import insert


class Versions(HistoryManager):
    """Makes its class once instead of at each look at `.history`, thus at each save."""

    @classmethod
    @cache
    def from_queryset(cls, queryset_class: Any, class_name: str | None = None) -> Any:
        return super().from_queryset(queryset_class, class_name)


class Version(models.Model):
    """One version of a row. Each change writes one, so it is written quickly."""

    class Meta:
        abstract = True

    def save(self, **options: Any) -> None:
        if self._state.adding and self.pk is None:
            insert(self)
        else:
            super().save(**options)


def records(**options: Any) -> HistoricalRecords:
    return HistoricalRecords(history_manager=Versions, bases=(Version,), **options)
