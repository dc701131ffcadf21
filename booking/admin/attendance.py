"""Customers' places in appointments, to look at."""

from __future__ import annotations

from django.contrib import admin

from booking.admin.readonly import ReadOnlyAdmin, ReadOnlyInline
from booking.models import Attendance


class AttendanceInline(ReadOnlyInline):
    model = Attendance
    fields = ["customer", "status", "price", "notes", "language", "timezone"]


@admin.register(Attendance)
class AttendanceAdmin(ReadOnlyAdmin):
    list_display = ["customer", "appointment", "status", "price", "created_at"]
    list_filter = ["status"]
    list_select_related = ["customer", "appointment__service"]
    search_fields = ["customer__first_name", "customer__last_name", "customer__email"]
    fields = ["appointment", "customer", "status", "notes", "price", "language", "timezone", "created_at"]
