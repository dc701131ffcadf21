"""The rules of one user's calendars, with a preview of what an event will look like."""

from __future__ import annotations

from datetime import timedelta
from itertools import groupby
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from booking.models import Appointment, Employee
from booking.models.appointment import LIVE
from booking.notifications.placeholders import allowed_in, fill, samples, unknown, values_for_calendar
from integrations import choosing
from integrations.local.appointments import tidy
from integrations.models import Rule
from integrations.pages.access import back, frame, page, subject
from integrations.pages.rule_form import RuleForm
from integrations.rules import Resolved, concerned, resolve_for_user


@page
@require_http_methods(["GET", "HEAD", "POST"])
def rules(request: HttpRequest) -> HttpResponse:
    employee = _employee(request)
    user = employee.user
    effective, inherited = resolve_for_user(employee.user_id)
    rule = Rule.objects.filter(scope=Rule.Scope.USER, user=user, kind="appointment").first() or Rule(scope=Rule.Scope.USER, user=user)
    own = {name for name in ("title", "description") if getattr(rule, name) is not None}
    form = RuleForm(request.POST or None, instance=rule, inherited=inherited)
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            saved = form.save()
            if form.changed_data:
                choosing.rule_changed(concerned(saved))
        messages.success(request, _("Saved. Your calendars are being brought up to date."))
        return back(request, employee, "rules")
    listed = [(group, list(found)) for group, found in groupby(allowed_in("calendar"), key=lambda one: str(one.group))]
    context = {"form": form, "own_texts": own, "inherited": inherited, "placeholders": listed, "preview": _preview(request, employee, effective)}
    return render(request, "integrations/rules.html", frame(request, employee) | context, status=400 if form.errors else 200)


@page
@require_POST
def preview(request: HttpRequest) -> HttpResponse:
    """The typed texts filled in; saves nothing."""
    employee = _employee(request)
    effective, _inherited = resolve_for_user(employee.user_id)
    return render(request, "integrations/_preview.html", frame(request, employee) | {"preview": _preview(request, employee, effective)})


def _employee(request: HttpRequest) -> Employee:
    employee = subject(request)
    if employee is None or employee.user_id is None:
        raise PermissionDenied
    return employee


def _preview(request: HttpRequest, employee: Employee, effective: Resolved) -> dict[str, Any]:
    """An event as it would be written for the next appointment, or for a made-up one when there is none."""
    title = request.POST.get("title", effective.title)[:300].strip() or effective.title
    description = request.POST.get("description", effective.description)[:5000].replace("\r\n", "\n")
    buffers = {"yes": True, "no": False}.get(request.POST.get("buffers", ""), effective.buffers)
    coming = Appointment.objects.filter(employees=employee, status__in=LIVE, end__gt=timezone.now())
    appointment = coming.select_related("service__category", "location").order_by("start").first()
    values = values_for_calendar(appointment, employee.language) if appointment else samples("calendar", employee.language)
    shown: dict[str, Any] = {
        "title": " ".join(fill(title, values).split()),
        "description": tidy(fill(description, values)),
        "unknown": list(dict.fromkeys([*unknown(title, "calendar"), *unknown(description, "calendar")])),
        "sample": appointment is None,
    }
    if appointment:
        start, end = appointment.occupied if buffers else (appointment.start, appointment.end)
        shown |= {"start": start, "end": end}
    else:
        begin = (timezone.now() + timedelta(days=1)).replace(hour=9, minute=0, second=0, microsecond=0)
        extra = timedelta(minutes=10) if buffers else timedelta()
        shown |= {"start": begin - extra, "end": begin + timedelta(minutes=45) + extra}
    return shown
