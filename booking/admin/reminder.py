"""When customers and employees are reminded, and when they hear of an appointment afterwards."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from booking.models import Reminder


@admin.register(Reminder)
class ReminderAdmin(admin.ModelAdmin):
    list_display = ["__str__", "of_services", "is_active"]
    list_filter = ["is_active", "when", "audience"]
    autocomplete_fields = ["services"]
    fieldsets = [
        (
            None,
            {
                "fields": ["hours", "when", "audience", "services", "is_active"],
                "description": _(
                    "Each confirmed appointment is reminded of once, by its present time. Nobody is reminded who was told of the booking, or of its new time, "
                    "later than the reminder would have come. Customers who did not come hear nothing afterwards."
                ),
            },
        )
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Reminder]:
        reminders: QuerySet[Reminder] = super().get_queryset(request)
        return reminders.prefetch_related("services")

    @admin.display(description=_("services"))
    def of_services(self, reminder: Reminder) -> str:
        return ", ".join(str(one) for one in reminder.services.all()) or str(_("all"))

    def save_model(self, request: HttpRequest, obj: Reminder, form: Any, change: bool) -> None:
        """What would have been due before this change is not caught up on."""
        if {"hours", "when", "is_active"} & set(form.changed_data):
            obj.since = timezone.now()
        super().save_model(request, obj, form, change)
