"""Working hours on the employee's page; what is sold and busy, to look at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.checks import InlineModelAdminChecks
from django.contrib.admin.sites import AdminSite
from django.forms import BaseInlineFormSet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import ngettext

from booking.actions import hours
from booking.admin.readonly import ReadOnlyAdmin
from booking.models import Allocation, Appointment, Busy, BusySource, Calendar, ClosingDay, Employee, SpecialDay, TimeOff, WorkingHours

LONGEST = 10  # links in a warning


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
    fields = ["weekday", "start", "end", "location", "services"]


class SpecialDayInline(CalendarInline):
    model = SpecialDay
    fields = ["day", "start", "end", "location", "services"]


class TimeOffInline(CalendarInline):
    model = TimeOff


@admin.register(ClosingDay)
class ClosingDayAdmin(admin.ModelAdmin):
    """Days on which nobody works. What is booked on them stays and is told."""

    list_display = ["first_day", "last_day", "label", "yearly"]
    fields = ["first_day", "last_day", "label", "yearly"]
    date_hierarchy = "first_day"

    def save_model(self, request: HttpRequest, obj: ClosingDay, form: Any, change: bool) -> None:
        with hours.watched(now=timezone.now()) as outside:
            super().save_model(request, obj, form, change)
        warn(request, outside)


def warn(request: HttpRequest, outside: Sequence[Appointment]) -> None:
    """Tells of appointments that now lie outside the hours: nobody is cancelled by a change of hours."""
    if not outside:
        return
    links = format_html_join(", ", '<a href="{}">{}</a>', ((reverse("admin:booking_appointment_change", args=[one.pk]), one) for one in outside[:LONGEST]))
    told = ngettext(
        "%(count)d appointment now lies outside the working hours. It stays as it is:",
        "%(count)d appointments now lie outside the working hours. They stay as they are:",
        len(outside),
    ) % {"count": len(outside)}
    messages.warning(request, format_html("{} {}{}", told, links, "" if len(outside) <= LONGEST else " …"))


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
