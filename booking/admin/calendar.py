"""Working hours on the employee's page; what is sold and busy, to look at."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.checks import InlineModelAdminChecks
from django.contrib.admin.sites import AdminSite
from django.forms import BaseInlineFormSet

from booking.admin.readonly import ReadOnlyAdmin
from booking.models import Allocation, Busy, BusySource, Calendar, Employee, SpecialDay, TimeOff, WorkingHours


class CalendarFormSet(BaseInlineFormSet):
    """Rows of the calendar that the page's employee owns. A new employee gets a new one here; it is saved with the employee."""

    def __init__(self, *args: Any, instance: Employee | None = None, **options: Any) -> None:
        super().__init__(*args, **options, instance=calendar_of(instance))  # type: ignore[misc]


class CalendarInlineChecks(InlineModelAdminChecks):
    """The foreign key goes to the calendar, not to the model of the page."""

    def _check_relation(self, obj: Any, parent_model: Any) -> Any:
        return super()._check_relation(obj, Calendar)  # type: ignore[misc]

    def _check_exclude_of_parent_model(self, obj: Any, parent_model: Any) -> Any:
        return super()._check_exclude_of_parent_model(obj, Calendar)  # type: ignore[misc]


class CalendarInline(admin.TabularInline):
    """Rows with a foreign key to Calendar, on the page of the employee who owns it."""

    formset = CalendarFormSet
    checks_class = CalendarInlineChecks
    extra = 0

    def __init__(self, parent_model: Any, admin_site: AdminSite) -> None:
        super().__init__(parent_model, admin_site)
        self.parent_model = Calendar


class WorkingHoursInline(CalendarInline):
    model = WorkingHours


class SpecialDayInline(CalendarInline):
    model = SpecialDay


class TimeOffInline(CalendarInline):
    model = TimeOff


def calendar_of(employee: Employee | None) -> Calendar:
    if employee is None:
        return Calendar()
    try:
        return employee.calendar
    except Calendar.DoesNotExist:
        employee.calendar = Calendar()
        return employee.calendar


@admin.register(BusySource)
class BusySourceAdmin(ReadOnlyAdmin):
    list_display = ["label", "calendar", "state", "policy", "fetched_at", "complete_until", "max_age"]
    list_filter = ["state", "policy"]
    list_select_related = ["calendar"]


@admin.register(Busy)
class BusyAdmin(ReadOnlyAdmin):
    """Without titles: those are only for the calendar's owner."""

    list_display = ["calendar", "source", "start", "end"]
    list_filter = ["calendar"]
    list_select_related = ["calendar", "source"]
    date_hierarchy = "start"
    fields = ["calendar", "source", "start", "end"]


@admin.register(Allocation)
class AllocationAdmin(ReadOnlyAdmin):
    list_display = ["calendar", "start", "end", "kind", "holder_id"]
    list_filter = ["kind", "calendar"]
    list_select_related = ["calendar"]
    date_hierarchy = "start"
