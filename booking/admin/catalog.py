"""What is sold: categories, services, places."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from booking.admin.history import HistoryAdmin
from booking.models import Category, Location, Service, SpecialDay, WorkingHours


@admin.register(Category)
class CategoryAdmin(admin.ModelAdmin):
    list_display = ["name", "position"]
    list_editable = ["position"]
    search_fields = ["name"]


@admin.register(Location)
class LocationAdmin(admin.ModelAdmin):
    list_display = ["name", "address", "phone"]
    search_fields = ["name", "address"]


@admin.register(Service)
class ServiceAdmin(HistoryAdmin):
    list_display = ["name", "category", "duration", "price", "needs_approval", "is_active", "position"]
    list_editable = ["position"]
    list_filter = ["is_active", "category", "locations"]
    list_select_related = ["category"]
    search_fields = ["name"]
    filter_horizontal = ["employees", "locations"]
    history_list_display = ["price", "is_active"]
    fieldsets = [
        (None, {"fields": ["name", "category", "locations", "description", "color", "price", "employees", "is_active", "position"]}),
        (_("Time"), {"fields": ["duration", "buffer_before", "buffer_after", "slot_step"]}),
        (_("Booking"), {"fields": ["needs_approval", "min_notice", "horizon", "reschedule_notice", "cancel_notice"]}),
    ]

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Hours that are for it alone would be for everything without it."""
        found, counted, missing, protected = super().get_deleted_objects(objs, request)
        return found, counted, missing, [*protected, *_alone([one.pk for one in objs])]


def _alone(services: list[int]) -> list[str]:
    """The hours that are for nothing but these services, in words."""
    told = []
    for kind in (WorkingHours, SpecialDay):
        others = kind.services.through.objects.filter(**{f"{kind._meta.model_name}_id": OuterRef("pk")}).exclude(service__in=services)
        for one in kind.objects.filter(services__in=services).exclude(Exists(others)).select_related("calendar").distinct():
            told.append(f"{one.calendar}: {one}")
    return told
