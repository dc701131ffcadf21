"""Why is this time (not) free? For employees about their own calendar, for managers about everybody's."""

from __future__ import annotations

from datetime import UTC
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from booking.availability import explain
from booking.forms import WhyForm
from booking.models import Employee, Service
from booking.pages import zone
from booking.pages.access import personal, visible_employees


@require_safe
@login_required
@personal
def why(request: HttpRequest) -> HttpResponseBase:
    """The question as a form; asked, every reason: rule, calendar, event, freshness. Titles of events are for the calendar's owner only."""
    mine = visible_employees(request.user)
    own = Employee.objects.filter(pk__in=[one.pk for one in mine]).select_related("calendar")
    services = Service.objects.filter(employees__in=mine).distinct()
    asked = "at" in request.GET
    form = WhyForm(request.GET if asked else None, services=services, employees=own, initial={"employee": mine[0].pk} if mine else {})
    context: dict[str, Any] = {"form": form, "explanation": None}
    if asked and form.is_valid():
        employee, at = form.cleaned_data["employee"], form.cleaned_data["at"]
        shown = zone.Zone(ZoneInfo(employee.calendar.timezone), guessed=False)
        start = at.replace(tzinfo=shown.info).astimezone(UTC)
        found = explain(service=form.cleaned_data["service"], employee=employee, start=start, now=timezone.now(), owner=employee.user_id == request.user.pk)
        context |= {"explanation": found, "employee": employee, "service": form.cleaned_data["service"], "start": start, "zone": shown}
    return render(request, "booking/why.html", context, status=400 if asked and form.errors else 200)
