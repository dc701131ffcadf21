"""Who works here, with calendar, working hours, and what other apps add."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.utils import NestedObjects
from django.db import router, transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from booking import public_holidays
from booking.actions import hours
from booking.admin import sections
from booking.admin.calendar import SpecialDayInline, TimeOffInline, WorkingHoursInline, calendar_of, warn
from booking.admin.history import HistoryAdmin
from booking.models import Calendar, Employee, SpecialDay, TimeOff, WorkingHours
from booking.models.calendar import check_timezone


class EmployeeForm(forms.ModelForm):
    timezone = forms.CharField(
        label=_("time zone"), max_length=64, validators=[check_timezone], help_text=_("Working hours are meant in it, such as Europe/Berlin.")
    )

    holidays = forms.ChoiceField(label=_("public holidays of"), required=False)
    holidays_closed = forms.BooleanField(label=_("closed on public holidays"), required=False)

    class Meta:
        model = Employee
        exclude = ["calendar"]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if "timezone" in self.fields:  # not for those who may only look
            calendar = self.instance.calendar if self.instance.calendar_id is not None else Calendar(timezone=settings.TIME_ZONE)
            self.fields["timezone"].initial = calendar.timezone
            self.fields["holidays"].choices = public_holidays.choices(get_language() or "en")  # type: ignore[attr-defined]
            self.fields["holidays"].initial = public_holidays.code(calendar.holidays_country, calendar.holidays_subdivision)
            self.fields["holidays_closed"].initial = calendar.holidays_closed


@admin.register(Employee)
class EmployeeAdmin(HistoryAdmin):
    form = EmployeeForm
    list_display = ["full_name", "email", "phone", "user", "is_active", "position"]
    list_editable = ["position"]
    list_filter = ["is_active"]
    list_select_related = ["user"]
    search_fields = ["first_name", "last_name", "email"]
    autocomplete_fields = ["user"]
    actions = sections.actions
    fields = [
        "first_name", "last_name", "email", "phone", "user", "language", "timezone", "holidays", "holidays_closed", "description", "note", "is_active", "position",
    ]  # fmt: skip

    def get_inlines(self, request: HttpRequest, obj: Employee | None) -> list[Any]:
        return [WorkingHoursInline, SpecialDayInline, TimeOffInline, *(sections.inlines if obj else [])]

    def get_fieldsets(self, request: HttpRequest, obj: Employee | None = None) -> Any:
        own = [(None, {"fields": self.fields})]
        # A new employee has nothing that others could show; a version of the past neither.
        return [*own, *((section.title, {"fields": [_field(section, request)]}) for section in sections.sections.values() if obj)]

    def get_readonly_fields(self, request: HttpRequest, obj: Employee | None = None) -> Sequence[Any]:
        return [_field(section, request) for section in sections.sections.values() if obj]

    def save_model(self, request: HttpRequest, obj: Employee, form: Any, change: bool) -> None:
        with transaction.atomic():
            calendar = calendar_of(obj)
            form.outside = hours.outside(calendar=calendar, now=timezone.now()) if change else []
            calendar.name, calendar.timezone = obj.full_name, form.cleaned_data["timezone"]
            calendar.holidays_country, calendar.holidays_subdivision = public_holidays.parts(form.cleaned_data["holidays"])
            calendar.holidays_closed = form.cleaned_data["holidays_closed"]
            calendar.save()
            obj.calendar = calendar
            super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        known = {one.pk for one in form.outside}
        warn(request, [one for one in hours.outside(calendar=form.instance.calendar, now=timezone.now()) if one.pk not in known])

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Whoever has served a customer or has connected calendars stays: their records would be torn."""
        found, counted, missing, _protected = super().get_deleted_objects(objs, request)
        kept = [reason for one in objs if (reason := _why_kept(one))]
        return found, counted, set() if kept else missing, kept

    def delete_model(self, request: HttpRequest, obj: Employee) -> None:
        self.delete_queryset(request, Employee.objects.filter(pk=obj.pk))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Employee]) -> None:
        """The calendar goes with its owner."""
        with transaction.atomic():
            calendars = list(queryset.values_list("calendar_id", flat=True))
            for employee in queryset:
                employee.delete()
            Calendar.objects.filter(pk__in=calendars).delete()


def _why_kept(employee: Employee) -> str:
    """What the admin shows when the employee must not be deleted; empty when nothing hangs on them but their hours."""
    collector = NestedObjects(using=router.db_for_write(Calendar))
    collector.collect([employee.calendar])
    more = set(collector.data) - {Calendar, WorkingHours, WorkingHours.services.through, SpecialDay, SpecialDay.services.through, TimeOff}
    has_events = employee.organized_events.exists() or employee.event_staffings.exists()
    if not more and not has_events and not employee.staffings.exists():
        return ""
    things = gettext("connected calendars") if more else gettext("events") if has_events else gettext("appointments")
    return gettext("%(employee)s has %(things)s and can't be deleted. Take away the tick at “takes bookings” instead.") % {
        "employee": employee,
        "things": things,
    }


def _field(section: sections.Section, request: HttpRequest) -> Callable[[Employee], str]:
    """A read-only field of the admin is anything that can be called with the row."""
    fields: dict[str, Callable[[Employee], str]] = request.__dict__.setdefault("_employee_sections", {})
    if section.name not in fields:

        def shown(employee: Employee) -> str:
            return section.render(request, employee)

        shown.short_description = section.title  # type: ignore[attr-defined]
        fields[section.name] = shown
    return fields[section.name]
