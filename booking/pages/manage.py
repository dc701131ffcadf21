"""What a customer does with the link from the mail: see, move, cancel. Looking changes nothing, acting needs a button."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from booking.actions import attendances
from booking.actions.idempotency import Answer, Mismatch, digest, once
from booking.errors import BookingError, SlotTaken
from booking.links import attendance_for, manage_token
from booking.models import Attendance
from booking.pages import stamp, zone
from booking.pages.access import personal
from booking.pages.add_to_calendar import ways
from booking.pages.book import picker_response
from booking.pages.picker import pick, place_after_move
from booking.pages.throttle import count, is_spent, too_many

# So long after the appointment the link still shows it.
LIFETIME = timedelta(days=30)

LinkView = Callable[..., HttpResponseBase]


class UnknownLink(Exception):
    """Forged, outdated, expired or never made: nobody is told which."""


def by_link(view: LinkView) -> LinkView:
    """Wraps a page behind a signed link: one answer for all links that don't work, counted per address; told to nobody (no path in the referrer, no cache)."""

    @wraps(view)
    def answer(request: HttpRequest, token: str) -> HttpResponseBase:
        if is_spent(request, "link"):
            response = too_many(request, "link")
        else:
            try:
                response = view(request, token)
            except UnknownLink:
                count(request, "link")
                response = render(request, "booking/link_unknown.html", status=404)
        # The path is a secret and goes nowhere. Not "no-referrer": with it browsers send `Origin: null`, and Django refuses the forms.
        response["Referrer-Policy"] = "strict-origin"
        response["X-Robots-Tag"] = "noindex, nofollow"
        return response

    return personal(answer)


@require_safe
@by_link
def manage(request: HttpRequest, token: str) -> HttpResponseBase:
    attendance = _attendance(token)
    context = _context(attendance, token)
    return render(request, "booking/manage.html", {**context, **ways(attendance, context["employees"], token)})


@require_http_methods(["GET", "HEAD", "POST"])
@by_link
def cancel(request: HttpRequest, token: str) -> HttpResponseBase:
    if request.method == "POST":

        def act(attendance: Attendance) -> None:
            attendances.cancel(attendance=attendance, now=timezone.now(), by_customer=True, reason="customer's link")

        return _act(request, token, act, done=_("Your appointment has been cancelled."))
    return render(request, "booking/manage_cancel.html", {**_context(_attendance(token), token), "stamp": stamp.new()})


@require_http_methods(["GET", "HEAD", "POST"])
@by_link
def reschedule(request: HttpRequest, token: str) -> HttpResponseBase:
    """The month and its times; with `start` in the address the question whether to move there; sent, the move."""
    start = zone.read_instant(request.POST.get("start") or request.GET.get("start"))
    if request.method == "POST" and start is not None:

        def act(attendance: Attendance) -> None:
            attendances.reschedule(attendance=attendance, start=start, now=timezone.now(), by_customer=True, reason="customer's link")

        return _act(request, token, act, done=_("Your appointment has been moved."))
    attendance = _attendance(token)
    context = _context(attendance, token)
    if start is not None:
        length = attendance.appointment.end - attendance.appointment.start
        place = place_after_move(attendance.appointment, context["employees"], start, timezone.now())
        told = {"start": start, "end": start + length, "places": [place] if place else [], "stamp": stamp.new()}
        return render(request, "booking/manage_reschedule.html", {**context, **told})
    return _times(request, context)


def _times(request: HttpRequest, context: dict[str, Any], status: int = 200) -> HttpResponseBase:
    appointment = context["appointment"]
    shown = zone.zone_of(request)
    if shown.guessed:
        shown = context["zone"]
    picker = pick(
        service=appointment.service,
        employees=context["employees"],
        zone=shown.info,
        now=timezone.now(),
        month=zone.read_day(request.GET.get("month")),
        day=zone.read_day(request.GET.get("date")),
        ignore=("appointment", appointment.pk) if context["alone"] else None,
        without=appointment.start,
        location=appointment.chosen_location,
        duration=appointment.end - appointment.start,
        persons=context["attendance"].persons,
        together=True,
    )
    zones = zone.choices() if "zones" in request.GET else []
    # The same address with another `start` is the question.
    return picker_response(request, "booking/manage_time.html", {**context, "picker": picker, "zone": shown, "zones": zones, "details": request.path}, status)


def _attendance(token: str) -> Attendance:
    attendance = attendance_for(token)
    if attendance is None or attendance.appointment.end + LIFETIME < timezone.now():
        raise UnknownLink
    return attendance


def _context(attendance: Attendance, token: str) -> dict[str, Any]:
    appointment = attendance.appointment
    left = appointment.start - timezone.now()
    upcoming = attendance.is_live and appointment.is_live and left > timedelta(0)
    return {
        "token": token,
        "attendance": attendance,
        "appointment": appointment,
        "service": appointment.service,
        "employees": list(appointment.employees.all()),
        "booked_extras": list(attendance.extras.all()),
        "answers": list(attendance.answers.all()),
        "alone": not appointment.service.is_group or len(appointment.coming) == 1,
        "zone": zone.Zone(ZoneInfo(attendance.timezone), guessed=False),
        "upcoming": upcoming,
        "may_reschedule": upcoming and left >= timedelta(minutes=appointment.service.reschedule_notice),
        "may_cancel": upcoming and left >= timedelta(minutes=appointment.service.cancel_notice),
    }


def _act(request: HttpRequest, token: str, act: Callable[[Attendance], None], *, done: str) -> HttpResponseBase:
    """Carries it out once, however often the form is sent: a second click, when the link has already died, is told the same as the first."""
    try:
        sent = stamp.read(request.POST)
    except stamp.Stale:
        _attendance(token)
        messages.warning(request, _("The page had been open for too long. Please try again."))
        return redirect(request.get_full_path())

    def do() -> Answer:
        attendance = _attendance(token)
        act(attendance)
        attendance.refresh_from_db()
        return 200, {"id": attendance.uuid.hex, "version": attendance.link_version}

    wish = digest(request.path, zone.read_instant(request.POST.get("start")))
    try:
        _code, kept = once(key=digest("link", token, sent.key), request_hash=wish, do=do)
    except Mismatch:
        raise UnknownLink from None
    except BookingError as error:
        attendance = _attendance(token)
        context = {**_context(attendance, token), "problem": str(error)}
        if isinstance(error, SlotTaken):
            return _times(request, {**context, "alternatives": error.slots}, status=409)
        return render(request, "booking/manage.html", context, status=409)
    messages.success(request, done)
    return redirect("booking:manage", manage_token(Attendance(uuid=UUID(kept["id"]), link_version=kept["version"])))
