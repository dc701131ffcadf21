"""Staff move an appointment or hand it over: to a time that is offered, or to one that they type."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from booking.actions import appointments
from booking.actions.place import place
from booking.availability import Reason, explain
from booking.errors import BookingError, SlotTaken
from booking.forms import MoveForm
from booking.models import Appointment, Employee
from booking.pages import zone
from booking.pages.access import own_appointment, personal, visible_appointment, visible_employees
from booking.pages.book import picker_response
from booking.pages.picker import pick, place_after_move


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@personal
def move(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The month and the times of who shall have it; with `start` in the address the question whether to move there; sent, the move."""
    found = own_appointment(request.user, pk)
    if not found.is_live:
        messages.error(request, _("This appointment has been cancelled."))
        return redirect("booking:appointment", pk)
    context = _context(request, found)
    start = zone.read_instant(request.POST.get("start") or request.GET.get("start"))
    if request.method == "POST" and start is not None:
        return _act(request, context, start)
    if "at" in request.GET:
        return _typed(request, context)
    return _times(request, context) if start is None else _question(request, context, start)


def _context(request: HttpRequest, found: Appointment) -> dict[str, Any]:
    """`chosen` is who shall have it, if that is somebody else; `wanted` are all who will."""
    current = list(found.employees.select_related("calendar"))
    offering = Q(services=found.service, is_active=True) | Q(pk__in=[one.pk for one in current])
    candidates = list(Employee.objects.filter(offering).distinct().select_related("calendar"))
    chosen = next((one for one in candidates if str(one.pk) == request.GET.get("employee") and one not in current), None)
    wanted = [chosen] if chosen else current
    home = ZoneInfo(wanted[0].calendar.timezone) if wanted else timezone.get_default_timezone()
    return {
        "appointment": found,
        "service": found.service,
        "attendances": found.attendances.select_related("customer"),
        "current": current,
        "candidates": candidates,
        "chosen": chosen,
        "wanted": wanted,
        "zone": zone.zone_of(request) if "timezone" in request.GET else zone.Zone(home, guessed=False),
        "home": home,
        "seen": _state(found, current),
    }


def _state(found: Appointment, staff: list[Employee]) -> str:
    """What the page was about: whoever sends an old page must not undo what happened meanwhile."""
    return f"{zone.write_instant(found.start)} {sorted(one.pk for one in staff)}"


def _times(request: HttpRequest, context: dict[str, Any], *, near: datetime | None = None, status: int = 200) -> HttpResponseBase:
    found, chosen, shown = context["appointment"], context["chosen"], context["zone"]
    picker = pick(
        service=found.service,
        employees=context["wanted"],
        zone=shown.info,
        now=timezone.now(),
        month=zone.read_day(request.GET.get("month")),
        day=near.astimezone(shown.info).date() if near else zone.read_day(request.GET.get("date")),
        ignore=("appointment", found.pk),
        without=None if chosen else found.start,
        location=found.chosen_location,
        duration=found.end - found.start,
        together=True,
        join=False,
    )
    context |= {
        "picker": picker,
        "zones": zone.choices() if "zones" in request.GET else [],
        "details": request.path,
        "for_staff": True,
        "form": MoveForm(initial={"at": found.start.astimezone(context["home"]).replace(tzinfo=None)}),
    }
    return picker_response(request, "booking/appointment_time.html", context, status)


def _typed(request: HttpRequest, context: dict[str, Any]) -> HttpResponseBase:
    form = MoveForm(request.GET)
    kept = {"employee": request.GET.get("employee", "")}
    if form.is_valid():
        kept["start"] = zone.write_instant(form.cleaned_data["at"].replace(tzinfo=context["home"]).astimezone(UTC))
    else:
        messages.error(request, str(form.errors["at"][0]))
    return redirect(f"{request.path}?{urlencode(kept)}")


def _question(request: HttpRequest, context: dict[str, Any], start: datetime) -> HttpResponseBase:
    """Says why, where the time is not offered. Why a colleague's is not is nobody else's business."""
    found: Appointment = context["appointment"]
    length = found.end - found.start
    known = {one.pk for one in visible_employees(request.user)}
    reasons: list[Reason] = []
    offered = True
    for one in context["wanted"]:
        told = explain(
            service=found.service,
            employee=one,
            start=start,
            now=timezone.now(),
            ignore=("appointment", found.pk),
            duration=length,
            owner=one.user_id == request.user.pk,
            location=found.chosen_location,
            together=context["wanted"],
            join=False,
        )
        offered = offered and told.bookable
        reasons += [reason for reason in told.reasons if reason.code != "colleague"] if one.pk in known else []
    place = place_after_move(found, context["wanted"], start, timezone.now()) if offered else found.location
    context |= {"start": start, "end": start + length, "offered": offered, "reasons": reasons, "places": [place] if place else []}
    return render(request, "booking/appointment_move.html", context)


def _act(request: HttpRequest, context: dict[str, Any], start: datetime) -> HttpResponseBase:
    found, chosen, now = context["appointment"], context["chosen"], timezone.now()
    moved = abs(start - found.start) >= timedelta(seconds=1)  # an address has whole seconds
    if not moved and not chosen:
        messages.info(request, _("The appointment is there already."))
        return redirect("booking:appointment", found.pk)
    try:
        if request.POST.get("seen") != context["seen"]:
            raise SlotTaken(_("Somebody has moved this appointment meanwhile. Please look at it anew."))
        if "anyway" in request.POST:
            place(appointment=found, employees=[chosen] if chosen else [], start=start, end=start + (found.end - found.start), now=now)
        else:
            appointments.reschedule(appointment=found, start=start, now=now, employee=chosen)
    except SlotTaken as taken:
        found.refresh_from_db()
        return _times(request, {**_context(request, found), "problem": str(taken), "alternatives": taken.slots}, near=start, status=409)
    except BookingError as error:
        messages.error(request, str(error))
        return redirect("booking:appointment", found.pk)
    if chosen:
        messages.success(request, _("%(name)s has the appointment now. The customer is told by e-mail.") % {"name": chosen})
    else:
        messages.success(request, _("The appointment has been moved. The customer is told by e-mail."))
    return redirect("booking:appointment", found.pk) if visible_appointment(request.user, found.pk) else redirect("booking:profile")
