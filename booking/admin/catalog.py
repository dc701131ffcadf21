"""What is sold: categories, services, places."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from booking.admin.history import HistoryAdmin
from booking.models import Category, Location, Service


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
    list_filter = ["is_active", "category", "location"]
    list_select_related = ["category"]
    search_fields = ["name"]
    filter_horizontal = ["employees"]
    history_list_display = ["price", "is_active"]
    fieldsets = [
        (None, {"fields": ["name", "category", "location", "description", "color", "price", "employees", "is_active", "position"]}),
        (_("Time"), {"fields": ["duration", "buffer_before", "buffer_after", "slot_step"]}),
        (_("Persons"), {"fields": ["min_capacity", "max_capacity", "assignment", "collective", "max_per_customer", "limit_days", "waiting_list"]}),
        (_("Booking"), {"fields": ["needs_approval", "min_notice", "horizon", "reschedule_notice", "cancel_notice"]}),
    ]
