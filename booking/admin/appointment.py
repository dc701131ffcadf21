"""Appointments. Everything that touches somebody's time goes through the actions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy, ngettext

from booking.actions import appointments
from booking.admin.appointment_form import REASON, BookForm, ChangeForm
from booking.admin.attendance import AttendanceInline
from booking.admin.history import HistoryAdmin
from booking.errors import BookingError
from booking.models import Appointment

# What somebody sees who may only look.
LOOKED_AT = ["service", "status", "start", "end", "staff", "location", "internal_note", "sync_enabled", "created_at"]


@admin.register(Appointment)
class AppointmentAdmin(HistoryAdmin):
    list_display = ["start", "end", "service", "staff", "customers", "status"]
    list_filter = ["status", "service", "employees"]
    list_select_related = ["service"]
    search_fields = ["attendances__customer__first_name", "attendances__customer__last_name", "attendances__customer__email"]
    date_hierarchy = "start"
    history_list_display = ["start", "end", "status"]
    actions = ["approve", "reject", "cancel", "reinstate"]
    add_fieldsets = [
        (None, {"fields": ["service", "extras", "employee", "location", "start", "customer", "persons", "notes", "language", "timezone"]}),
    ]
    fieldsets = [
        (None, {"fields": ["service", "status", "decision", "seen"]}),
        (gettext_lazy("Time"), {"fields": ["start", "end", "employee", "others"]}),
        (gettext_lazy("More"), {"fields": ["location", "internal_note", "sync_enabled", "created_at"]}),
    ]

    def get_form(self, request: HttpRequest, obj: Appointment | None = None, change: bool = False, **options: Any) -> Any:
        return super().get_form(request, obj, change=obj is not None, **{"form": ChangeForm if obj else BookForm, **options})

    def get_fieldsets(self, request: HttpRequest, obj: Appointment | None = None) -> Any:
        if obj is None:
            return self.add_fieldsets
        if self.has_change_permission(request, obj):
            return self.fieldsets
        return [(None, {"fields": LOOKED_AT})]

    def get_readonly_fields(self, request: HttpRequest, obj: Appointment | None = None) -> Any:
        if obj is None:
            return []
        return ["service", "status", "created_at"] if self.has_change_permission(request, obj) else LOOKED_AT

    def get_inlines(self, request: HttpRequest, obj: Appointment | None) -> Any:
        return [AttendanceInline] if obj else []

    def get_queryset(self, request: HttpRequest) -> QuerySet[Appointment]:
        appointments: QuerySet[Appointment] = super().get_queryset(request)
        return appointments.prefetch_related("employees", "attendances__customer")

    @admin.display(description=gettext_lazy("employees"))
    def staff(self, appointment: Appointment) -> str:
        return ", ".join(str(one) for one in appointment.employees.all())

    @admin.display(description=gettext_lazy("customers"))
    def customers(self, appointment: Appointment) -> str:
        return ", ".join(f"{one.customer} ({one.persons})" if one.persons > 1 else str(one.customer) for one in appointment.coming)

    def save_model(self, request: HttpRequest, obj: Appointment, form: Any, change: bool) -> None:
        """The form's action has saved it."""

    def delete_model(self, request: HttpRequest, obj: Appointment) -> None:
        appointments.delete(appointment=obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Appointment]) -> None:
        with transaction.atomic():
            for appointment in queryset:
                appointments.delete(appointment=appointment)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Its own rows (attendances, staffing, messages) go with it, whoever may delete those by themselves."""
        to_delete, count, _needed, protected = super().get_deleted_objects(objs, request)
        return to_delete, count, set(), protected

    @admin.action(description=gettext_lazy("Approve"), permissions=["change"])
    def approve(self, request: HttpRequest, queryset: QuerySet[Appointment]) -> None:
        self._each(request, queryset, appointments.approve)

    @admin.action(description=gettext_lazy("Reject"), permissions=["change"])
    def reject(self, request: HttpRequest, queryset: QuerySet[Appointment]) -> None:
        self._each(request, queryset, appointments.reject)

    @admin.action(description=gettext_lazy("Cancel"), permissions=["change"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Appointment]) -> None:
        self._each(request, queryset, appointments.cancel)

    @admin.action(description=gettext_lazy("Put back"), permissions=["change"])
    def reinstate(self, request: HttpRequest, queryset: QuerySet[Appointment]) -> None:
        self._each(request, queryset, appointments.reinstate)

    def _each(self, request: HttpRequest, queryset: QuerySet[Appointment], act: Callable[..., None]) -> None:
        """One by one: what is refused for one doesn't hold up the others."""
        done, now = 0, timezone.now()
        for appointment in queryset:
            try:
                act(appointment=appointment, now=now, reason=REASON)
                done += 1
            except BookingError as error:
                self.message_user(request, f"{appointment}: {error}", messages.ERROR)
        if done:
            self.message_user(request, ngettext("%d appointment changed.", "%d appointments changed.", done) % done)
