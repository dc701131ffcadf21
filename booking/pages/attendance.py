"""What staff does to one of several customers of an appointment: approves, rejects, cancels, notes who did not come."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from booking.actions import attendances
from booking.models import Attendance
from booking.pages import zone
from booking.pages.access import own_appointment, personal
from booking.pages.diary import carry_out, zone_of_staff


@require_POST
@login_required
@personal
def approve(request: HttpRequest, pk: int) -> HttpResponseBase:
    found = _own(request, pk)
    told = _("%(name)s is confirmed, and told by e-mail.") % {"name": found.customer}
    return carry_out(request, lambda: attendances.approve(attendance=found, now=timezone.now()), found.appointment_id, told)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@personal
def cancel(request: HttpRequest, pk: int) -> HttpResponseBase:
    return _end(request, _own(request, pk), attendances.cancel, "cancel", _("The booking has been cancelled. The customer is told by e-mail."))


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@personal
def reject(request: HttpRequest, pk: int) -> HttpResponseBase:
    return _end(request, _own(request, pk), attendances.reject, "reject", _("The request has been rejected. The customer is told by e-mail."))


@require_POST
@login_required
@personal
def no_show(request: HttpRequest, pk: int) -> HttpResponseBase:
    """With "came" in the form it is taken back."""
    found, missing = _own(request, pk), "came" not in request.POST
    told = _("It is noted that %(name)s did not come.") if missing else _("It is noted that %(name)s came.")
    return carry_out(
        request,
        lambda: attendances.mark_no_show(attendance=found, no_show=missing, now=timezone.now()),
        found.appointment_id,
        told % {"name": found.customer},
    )


def _own(request: HttpRequest, pk: int) -> Attendance:
    found = Attendance.objects.select_related("customer").filter(pk=pk).first()
    if found is None:
        raise Http404
    found.appointment = own_appointment(request.user, found.appointment_id)
    return found


def _end(request: HttpRequest, found: Attendance, action: Callable[..., None], kind: str, told: str) -> HttpResponseBase:
    if request.method == "POST":
        reason = request.POST.get("reason", "").strip()[:100]
        return carry_out(request, lambda: action(attendance=found, now=timezone.now(), reason=reason), found.appointment_id, told)
    employees = list(found.appointment.employees.select_related("calendar"))
    others = len(found.appointment.coming) > 1
    context = {"appointment": found.appointment, "attendances": [found], "kind": kind, "employees": employees, "others": others}
    return render(request, "booking/appointment_end.html", {**context, "zone": zone.Zone(zone_of_staff(employees), guessed=False)})
