"""The profile's diary: an employee's coming appointments and events by day, and the page of one appointment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.http import FileResponse, Http404, HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from booking.actions import appointments
from booking.errors import BookingError
from booking.models import Answer, Appointment, Attendance, Employee, Event, EventPeriod
from booking.models.appointment import LIVE
from booking.pages import menu, zone
from booking.pages.access import own_appointment, personal, visible_employees
from booking.pages.changes import changes_of

SPAN = timedelta(days=14)


@require_safe
@login_required
@personal
def profile(request: HttpRequest) -> HttpResponseBase:
    """Two weeks of a diary from a day on, in the calendar's own time zone. Who has none sees where to go instead."""
    employees = visible_employees(request.user)
    wanted = request.GET.get("employee", "")
    employee = next((one for one in employees if str(one.pk) == wanted), None if wanted else (employees[0] if employees else None))
    if wanted and employee is None:
        raise Http404
    if employee is None:
        return render(request, "booking/profile_empty.html", {})
    shown = ZoneInfo(employee.calendar.timezone)
    today = timezone.now().astimezone(shown).date()
    first = zone.read_day(request.GET.get("from")) or today
    start, end = (datetime.combine(day, time(0), shown) for day in (first, first + SPAN))
    found = (
        Appointment.objects.filter(employees=employee, end__gt=start, start__lt=end)
        .select_related("service", "location")
        .prefetch_related("attendances__customer")
        .order_by("start")
    )
    with_ended = "ended" in request.GET
    if not with_ended:
        found = found.filter(status__in=LIVE)
    days: dict[Any, list[Appointment | EventPeriod]] = {}
    entries: list[Appointment | EventPeriod] = [*found, *_periods(employee, start, end, with_ended=with_ended)]
    for one in sorted(entries, key=lambda one: one.start):
        days.setdefault(one.start.astimezone(shown).date(), []).append(one)
    context = {
        "employee": employee,
        "employees": employees,
        "days": days.items(),
        "first": first,
        "last": first + SPAN - timedelta(days=1),
        "earlier": first - SPAN,
        "later": first + SPAN,
        "today": today,
        "with_ended": with_ended,
        "zone": zone.Zone(shown, guessed=False),
    }
    return render(request, "booking/diary.html", context)


def _periods(employee: Employee, start: datetime, end: datetime, *, with_ended: bool) -> list[EventPeriod]:
    """Those of events that the employee organises or helps with, each with its event; two queries."""
    mine = Q(event__organizer=employee) | Q(event__in=Event.objects.filter(staff=employee).values("pk"))
    found = list(EventPeriod.objects.filter(mine, end__gt=start, start__lt=end).exclude(event__status=Event.Status.DRAFT))
    events = Event.objects.with_taken().select_related("location").in_bulk({one.event_id for one in found})
    for one in found:
        one.event = events[one.event_id]
    return [one for one in found if with_ended or one.is_live]


@require_safe
@login_required
@personal
def appointment(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Everything about one appointment, with the history of its record."""
    found = own_appointment(request.user, pk)
    employees = list(found.employees.select_related("calendar"))
    attendances = list(found.attendances.select_related("customer").prefetch_related("extras", "answers").annotate(missed=missed()).order_by("pk"))
    context = {
        "appointment": found,
        "several": found.service.is_group or len(attendances) > 1,
        "begun": found.start <= timezone.now(),
        "employees": employees,
        "attendances": attendances,
        "changes": changes_of(found),
        "sections": menu.sections(request, found),
        "zone": zone.Zone(zone_of_staff(employees), guessed=False),
        "upcoming": found.is_live and found.end > timezone.now(),
    }
    return render(request, "booking/appointment.html", context)


@require_safe
@login_required
@personal
def file(request: HttpRequest, pk: int, answer: int) -> HttpResponseBase:
    """What a customer sent, for whoever may see the appointment: to be saved, never shown by the browser as what a stranger made it."""
    found = get_object_or_404(Answer.objects.select_related("upload"), pk=answer, attendance__appointment=own_appointment(request.user, pk))
    if found.upload is None:
        raise Http404
    try:
        content = found.upload.file.open("rb")
    except FileNotFoundError as error:
        raise Http404 from error
    return FileResponse(content, as_attachment=True, filename=found.upload.name, content_type=found.upload.media_type)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@personal
def cancel(request: HttpRequest, pk: int) -> HttpResponseBase:
    return _end(request, pk, appointments.cancel, "cancel", _("The appointment has been cancelled. The customer is told by e-mail."))


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@personal
def reject(request: HttpRequest, pk: int) -> HttpResponseBase:
    return _end(request, pk, appointments.reject, "reject", _("The appointment has been rejected. The customer is told by e-mail."))


@require_POST
@login_required
@personal
def approve(request: HttpRequest, pk: int) -> HttpResponseBase:
    found = own_appointment(request.user, pk)
    return carry_out(
        request, lambda: appointments.approve(appointment=found, now=timezone.now()), pk, _("The appointment is confirmed. The customer is told by e-mail.")
    )


@require_POST
@login_required
@personal
def sync(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The check box "sync with calendars" of one appointment."""
    found, on = own_appointment(request.user, pk), "sync_enabled" in request.POST
    told = _("This appointment is kept in step with the calendars.") if on else _("This appointment is no longer kept in step with the calendars.")
    return carry_out(request, lambda: appointments.edit(appointment=found, changes={"sync_enabled": on}), pk, told)


def missed() -> Coalesce:
    """Of an attendance: how often whoever has that address did not come to an earlier one."""
    before = Attendance.objects.filter(no_show=True, customer__email__iexact=OuterRef("customer__email"), appointment__start__lt=OuterRef("appointment__start"))
    return Coalesce(Subquery(before.order_by().values("no_show").annotate(number=Count("pk")).values("number")), 0)


def _end(request: HttpRequest, pk: int, action: Callable[..., None], kind: str, told: str) -> HttpResponseBase:
    found = own_appointment(request.user, pk)
    if request.method == "POST":
        reason = request.POST.get("reason", "").strip()[:100]
        return carry_out(request, lambda: action(appointment=found, now=timezone.now(), reason=reason), pk, told)
    employees = list(found.employees.select_related("calendar"))
    context = {"appointment": found, "kind": kind, "zone": zone.Zone(zone_of_staff(employees), guessed=False), "employees": employees}
    return render(request, "booking/appointment_end.html", {**context, "attendances": found.coming})


def carry_out(request: HttpRequest, action: Callable[[], None], pk: int, told: str) -> HttpResponseBase:
    try:
        action()
        messages.success(request, told)
    except BookingError as error:
        messages.error(request, str(error))
    target = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()}, require_https=request.is_secure()):
        return redirect(target)
    return redirect("booking:appointment", pk)


def zone_of_staff(employees: list[Employee]) -> ZoneInfo:
    return ZoneInfo(employees[0].calendar.timezone) if employees else timezone.get_default_timezone()
