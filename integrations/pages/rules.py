"""The rules of one user's calendars, with a preview of what an event will look like."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from itertools import groupby
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from booking.models import Appointment, Employee, Event, EventPeriod
from booking.models.appointment import LIVE
from booking.notifications.placeholders import Value, allowed_in, fill, samples, unknown, values_for_calendar, values_for_event
from integrations import choosing
from integrations.local import KINDS, events
from integrations.local.texts import tidy
from integrations.models import Rule
from integrations.pages.access import address, frame, page, subject
from integrations.pages.rule_form import RuleForm
from integrations.rules import READING, Resolved, concerned, resolve_for_user


@page
@require_http_methods(["GET", "HEAD", "POST"])
def rules(request: HttpRequest) -> HttpResponse:
    employee = _employee(request)
    user = employee.user
    kind = request.GET.get("kind", READING)
    if kind not in KINDS:
        raise Http404
    effective, inherited = resolve_for_user(employee.user_id, kind)
    rule = Rule.objects.filter(scope=Rule.Scope.USER, user=user, kind=kind).first() or Rule(scope=Rule.Scope.USER, user=user, kind=kind)
    own = {name for name in ("title", "description") if getattr(rule, name) is not None}
    form = RuleForm(request.POST or None, instance=rule, inherited=inherited)
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            saved = form.save()
            if form.changed_data:
                choosing.rule_changed(concerned(saved))
        messages.success(request, _("Saved. Your calendars are being brought up to date."))
        return redirect(_address(request, employee, kind))
    listed = [(group, list(found)) for group, found in groupby(allowed_in(KINDS[kind].WHERE), key=lambda one: str(one.group))]
    context = {
        "form": form,
        "kinds": [(local.LABEL, _address(request, employee, name), name == kind) for name, local in KINDS.items()],
        "own_texts": own,
        "inherited": inherited,
        "placeholders": listed,
        "preview": _preview(request, employee, effective, kind) if "title" in form.fields else None,
        "preview_address": _address(request, employee, kind, "preview"),
    }
    return render(request, "integrations/rules.html", frame(request, employee) | context, status=400 if form.errors else 200)


@page
@require_POST
def preview(request: HttpRequest) -> HttpResponse:
    """The typed texts filled in; saves nothing."""
    employee = _employee(request)
    kind = request.GET.get("kind", READING)
    if kind not in KINDS:
        raise Http404
    effective, _inherited = resolve_for_user(employee.user_id, kind)
    return render(request, "integrations/_preview.html", frame(request, employee) | {"preview": _preview(request, employee, effective, kind)})


def _address(request: HttpRequest, employee: Employee, kind: str, name: str = "rules") -> str:
    url = address(request, name, employee)
    return url if kind == READING else f"{url}{'&' if '?' in url else '?'}kind={kind}"


def _employee(request: HttpRequest) -> Employee:
    employee = subject(request)
    if employee is None or employee.user_id is None:
        raise PermissionDenied
    return employee


def _preview(request: HttpRequest, employee: Employee, effective: Resolved, kind: str) -> dict[str, Any]:
    """An event as it would be written for the next item of that kind, or for a made-up one when there is none."""
    title = request.POST.get("title", effective.title)[:300].strip() or effective.title
    description = request.POST.get("description", effective.description)[:5000].replace("\r\n", "\n")
    buffers = {"yes": True, "no": False}.get(request.POST.get("buffers", ""), effective.buffers)
    coming, values = _next_event(employee) if kind == events.KIND else _next_appointment(employee)
    where = KINDS[kind].WHERE
    shown: dict[str, Any] = {
        "title": " ".join(fill(title, values).split()),
        "description": tidy(fill(description, values)),
        "unknown": list(dict.fromkeys([*unknown(title, where), *unknown(description, where)])),
        "sample": coming is None,
    }
    if coming:
        start, end = coming.occupied if buffers else (coming.start, coming.end)
        shown |= {"start": start, "end": end}
    else:
        begin = (timezone.now() + timedelta(days=1)).replace(hour=9, minute=0, second=0, microsecond=0)
        extra = timedelta(minutes=10) if buffers else timedelta()
        shown |= {"start": begin - extra, "end": begin + timedelta(minutes=45) + extra}
    return shown


def _next_appointment(employee: Employee) -> tuple[Appointment | None, Mapping[str, Value]]:
    coming = Appointment.objects.filter(employees=employee, status__in=LIVE, end__gt=timezone.now())
    found = coming.select_related("service__category", "location").order_by("start").first()
    return found, values_for_calendar(found, employee.language) if found else samples("calendar", employee.language)


def _next_event(employee: Employee) -> tuple[EventPeriod | None, Mapping[str, Value]]:
    mine = Q(event__organizer=employee) | Q(event__staff=employee)
    coming = EventPeriod.objects.filter(mine, event__status=Event.Status.PUBLISHED, is_cancelled=False, end__gt=timezone.now())
    found = coming.select_related("event__organizer", "event__location").order_by("start").first()
    return found, values_for_event(found, employee.language) if found else samples("event", employee.language)
