"""Who books."""

from __future__ import annotations

from django.contrib import admin

from booking.admin.history import HistoryAdmin
from booking.models import Customer


@admin.register(Customer)
class CustomerAdmin(HistoryAdmin):
    list_display = ["full_name", "email", "phone", "created_at"]
    search_fields = ["first_name", "last_name", "email", "phone"]
    fields = ["first_name", "last_name", "email", "phone", "note", "created_at"]
    readonly_fields = ["created_at"]
