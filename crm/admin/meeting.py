"""Meetings of everybody. Each change goes through the actions; what a private one is about is for its owner alone."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AdminSplitDateTime
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from booking.admin.appointment_form import REASON, ActionForm
from crm import actions
from crm.models import Meeting
from crm.words import repetition

ABOUT = ["title", "location", "description"]
FIELDS = ["start", "end", "all_day", "timezone", "show_as", "private", "reminder", "status", "sync_enabled"]


class MeetingForm(ActionForm):
    """A new one, or whatever differs from the present. How it repeats is set by its owner, or in the calendar."""

    class Meta:
        model = Meeting
        fields = ["owner", *ABOUT, *FIELDS]
        widgets = {
            "title": forms.TextInput(attrs={"class": "vTextField"}),
            "location": forms.TextInput(attrs={"class": "vTextField"}),
            "start": AdminSplitDateTime,
            "end": AdminSplitDateTime,
        }

    def act(self) -> None:
        typed = {name: value for name, value in self.cleaned_data.items() if name in actions.EDITABLE}
        if self.instance._state.adding:
            self.instance = actions.create(owner=self.cleaned_data["owner"], reason=REASON, **typed)
            return
        present = Meeting.objects.select_related("owner__calendar").get(pk=self.instance.pk)
        if changes := {name: value for name, value in typed.items() if getattr(present, name) != value}:
            actions.edit(meeting=present, changes=changes, reason=REASON)
        self.instance.refresh_from_db()


@admin.register(Meeting)
class MeetingAdmin(admin.ModelAdmin):
    form = MeetingForm
    # By owner only: a search that found private ones by their words would tell them.
    search_fields = ["owner__first_name", "owner__last_name"]
    list_display = ["start", "end", "__str__", "owner", "how_it_repeats", "status", "sync_enabled"]
    list_filter = ["status", "owner"]
    list_select_related = ["owner"]
    date_hierarchy = "start"

    def get_fields(self, request: HttpRequest, obj: Meeting | None = None) -> Any:
        if obj is None:
            return ["owner", *ABOUT, *FIELDS]
        return ["owner", *([] if self.is_closed(request, obj) else ABOUT), *FIELDS, "how_it_repeats"]

    def get_readonly_fields(self, request: HttpRequest, obj: Meeting | None = None) -> Any:
        return [] if obj is None else ["owner", "how_it_repeats"]

    def is_closed(self, request: HttpRequest, meeting: Meeting) -> bool:
        return meeting.private and meeting.owner.user_id != request.user.pk

    def has_change_permission(self, request: HttpRequest, obj: Meeting | None = None) -> bool:
        return super().has_change_permission(request, obj) and not (obj is not None and self.is_closed(request, obj))

    @admin.display(description=_("repetition"))
    def how_it_repeats(self, meeting: Meeting) -> str:
        return repetition(meeting.recurrence, meeting.exceptions)

    def save_model(self, request: HttpRequest, obj: Meeting, form: Any, change: bool) -> None:
        """The form's action has saved it."""

    def delete_model(self, request: HttpRequest, obj: Meeting) -> None:
        actions.delete(meeting=obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Meeting]) -> None:
        with transaction.atomic():
            for meeting in queryset.select_related("owner__calendar"):
                actions.delete(meeting=meeting)
