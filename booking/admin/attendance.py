"""Customers' places in appointments, to look at, with what they added and answered."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from booking.admin.readonly import ReadOnlyAdmin, ReadOnlyInline
from booking.models import Answer, Attendance


class Options:
    """Two columns for what belongs to an attendance; two queries for any number of them."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Attendance]:
        found: QuerySet[Attendance] = super().get_queryset(request)  # type: ignore[misc]
        return found.prefetch_related("extras", "answers")

    @admin.display(description=_("extras"))
    def added(self, attendance: Attendance) -> SafeString:
        return format_html_join("", "{}<br>", ((str(one),) for one in attendance.extras.all()))

    @admin.display(description=_("answers"))
    def answered(self, attendance: Attendance) -> SafeString:
        return format_html_join("", "{}: {}<br>", ((one.label, _said(one, attendance)) for one in attendance.answers.all()))


class AttendanceInline(Options, ReadOnlyInline):
    model = Attendance
    fields = ["customer", "status", "price", "added", "answered", "notes", "language", "timezone"]
    readonly_fields = ["added", "answered"]


@admin.register(Attendance)
class AttendanceAdmin(Options, ReadOnlyAdmin):
    list_display = ["customer", "appointment", "status", "price", "created_at"]
    list_filter = ["status"]
    list_select_related = ["customer", "appointment__service"]
    search_fields = ["customer__first_name", "customer__last_name", "customer__email"]
    fields = ["appointment", "customer", "status", "notes", "price", "added", "answered", "language", "timezone", "created_at"]
    readonly_fields = ["added", "answered"]


def _said(answer: Answer, attendance: Attendance) -> str:
    if answer.upload_id is None:
        return answer.shown
    return format_html('<a href="{}">{}</a>', reverse("booking:appointment_file", args=[attendance.appointment_id, answer.pk]), answer.value)
