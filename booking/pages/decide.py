"""What an employee does with the links from the mail about a request: approve or reject it. Looking changes nothing, acting needs the button."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from booking.actions import appointments
from booking.errors import WrongState
from booking.links import Decision, request_for
from booking.pages import zone
from booking.pages.manage import UnknownLink, by_link

ACTIONS = {"approve": appointments.approve, "reject": appointments.reject}


@require_http_methods(["GET", "HEAD", "POST"])
@by_link
def approve(request: HttpRequest, token: str) -> HttpResponseBase:
    return _decide(request, token, "approve")


@require_http_methods(["GET", "HEAD", "POST"])
@by_link
def reject(request: HttpRequest, token: str) -> HttpResponseBase:
    return _decide(request, token, "reject")


def _decide(request: HttpRequest, token: str, decision: Decision) -> HttpResponseBase:
    """The question, and with POST the answer. A link that has had its day says so, and no more than how the request was answered."""
    found = request_for(token, decision)
    if found is None:
        raise UnknownLink
    appointment, employee = found.attendance.appointment, found.employee
    now = timezone.now()
    shown = {"decision": decision, "appointment": appointment, "past": appointment.end <= now}
    if not found.is_open or appointment.end <= now:
        return render(request, "booking/request_over.html", shown, status=410)
    if request.method == "POST":
        reason = request.POST.get("reason", "").strip() or f"mail to {employee.full_name}"
        try:
            ACTIONS[decision](appointment=appointment, now=now, reason=reason[:100])
        except WrongState:  # somebody else was faster
            appointment.refresh_from_db()
            return render(request, "booking/request_over.html", shown, status=409)
        return render(request, "booking/request_over.html", shown | {"done": True})
    attendances = appointment.attendances.select_related("customer")
    context = {
        "attendances": attendances,
        "employees": list(appointment.employees.all()),
        "zone": zone.Zone(ZoneInfo(employee.calendar.timezone), guessed=False),
    }
    return render(request, "booking/request.html", shown | context)
