"""Runs and synced changes, to look at. They are reverted on the profile's pages, which ask first."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from booking.admin.readonly import ReadOnlyAdmin
from integrations.models import FieldChange, Run
from integrations.told import told


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin):
    list_display = ["started_at", "calendar", "remote_name", "direction", "outcome", "read", "written", "what_is_wrong"]
    list_filter = ["outcome", "direction"]
    list_select_related = ["calendar"]
    date_hierarchy = "started_at"

    @admin.display(description=_("error"))
    def what_is_wrong(self, run: Any) -> str:
        return told(run.error)


@admin.register(FieldChange)
class FieldChangeAdmin(ReadOnlyAdmin):
    """Without the values: a text that its owner marked private is shown to nobody else."""

    list_display = ["at", "run", "item_kind", "item_id", "direction", "kind", "field", "reverted_at", "reverted_by"]
    list_filter = ["kind", "direction", "field"]
    list_select_related = ["run", "reverted_by"]
    date_hierarchy = "at"
    fields = ["at", "run", "item_kind", "item_id", "direction", "kind", "field", "reverted_at", "reverted_by"]
