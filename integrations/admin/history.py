"""Runs and synced changes, to look at. They are reverted on the profile's pages, which ask first."""

from __future__ import annotations

from django.contrib import admin

from booking.admin.readonly import ReadOnlyAdmin
from integrations.models import FieldChange, Run


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin):
    list_display = ["started_at", "link", "direction", "outcome", "read", "written", "error"]
    list_filter = ["outcome", "direction"]
    list_select_related = ["link"]
    date_hierarchy = "started_at"


@admin.register(FieldChange)
class FieldChangeAdmin(ReadOnlyAdmin):
    """Without the values: a text that its owner marked private is shown to nobody else."""

    list_display = ["at", "pair", "direction", "kind", "field", "reverted_at", "reverted_by"]
    list_filter = ["kind", "direction", "field"]
    list_select_related = ["pair__link", "reverted_by"]
    date_hierarchy = "at"
    fields = ["at", "run", "direction", "kind", "field", "reverted_at", "reverted_by"]
