"""Customers' places in appointments: looked at, with what they added and answered, and changed by the actions for one of them."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy, ngettext

from booking.actions import attendances
from booking.admin.appointment_form import REASON
from booking.admin.readonly import ReadOnlyAdmin, ReadOnlyInline
from booking.errors import BookingError
from booking.models import Answer, Attendance


class Options:
    """Two columns for what belongs to an attendance; two queries for any number of them."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Attendance]:
        found: QuerySet[Attendance] = super().get_queryset(request)  # type: ignore[misc]
        return found.prefetch_related("extras", "answers")

    @admin.display(description=gettext_lazy("extras"))
    def added(self, attendance: Attendance) -> SafeString:
        return format_html_join("", "{}<br>", ((str(one),) for one in attendance.extras.all()))

    @admin.display(description=gettext_lazy("answers"))
    def answered(self, attendance: Attendance) -> SafeString:
        return format_html_join("", "{}: {}<br>", ((one.label, _said(one, attendance)) for one in attendance.answers.all()))


class AttendanceInline(Options, ReadOnlyInline):
    model = Attendance
    fields = ["customer", "status", "persons", "price", "no_show", "added", "answered", "notes", "language", "timezone"]
    readonly_fields = ["added", "answered"]


@admin.register(Attendance)
class AttendanceAdmin(Options, ReadOnlyAdmin):
    list_display = ["customer", "appointment", "status", "persons", "price", "no_show", "created_at"]
    list_filter = ["status", "no_show"]
    list_select_related = ["customer", "appointment__service"]
    search_fields = ["customer__first_name", "customer__last_name", "customer__email"]
    fields = ["appointment", "customer", "status", "persons", "notes", "price", "no_show", "added", "answered", "language", "timezone", "created_at"]
    readonly_fields = ["added", "answered"]
    actions = ["approve", "reject", "cancel", "did_not_come", "came"]

    @admin.action(description=gettext_lazy("Approve"), permissions=["act"])
    def approve(self, request: HttpRequest, queryset: QuerySet[Attendance]) -> None:
        self._each(request, queryset, attendances.approve)

    @admin.action(description=gettext_lazy("Reject"), permissions=["act"])
    def reject(self, request: HttpRequest, queryset: QuerySet[Attendance]) -> None:
        self._each(request, queryset, attendances.reject)

    @admin.action(description=gettext_lazy("Cancel"), permissions=["act"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Attendance]) -> None:
        self._each(request, queryset, attendances.cancel)

    @admin.action(description=gettext_lazy("Did not come"), permissions=["act"])
    def did_not_come(self, request: HttpRequest, queryset: QuerySet[Attendance]) -> None:
        self._each(request, queryset, lambda **values: attendances.mark_no_show(no_show=True, **values))

    @admin.action(description=gettext_lazy("Came after all"), permissions=["act"])
    def came(self, request: HttpRequest, queryset: QuerySet[Attendance]) -> None:
        self._each(request, queryset, lambda **values: attendances.mark_no_show(no_show=False, **values))

    def has_act_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("booking.change_attendance")

    def _each(self, request: HttpRequest, queryset: QuerySet[Attendance], act: Callable[..., None]) -> None:
        """One by one: what is refused for one doesn't hold up the others."""
        done, now = 0, timezone.now()
        for attendance in queryset.select_related("appointment__service", "customer"):
            try:
                act(attendance=attendance, now=now, reason=REASON)
                done += 1
            except BookingError as error:
                self.message_user(request, f"{attendance}: {error}", messages.ERROR)
        if done:
            self.message_user(request, ngettext("%d booking changed.", "%d bookings changed.", done) % done)


def _said(answer: Answer, attendance: Attendance) -> str:
    if answer.upload_id is None:
        return answer.shown
    return format_html('<a href="{}">{}</a>', reverse("booking:appointment_file", args=[attendance.appointment_id, answer.pk]), answer.value)
