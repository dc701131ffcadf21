"""Calendars to subscribe to, and single bookings as a calendar file. All of it behind signed addresses; looking changes nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import wraps

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from booking import feeds
from booking.actions.people import renew_feed
from booking.links import attendance_for, diary_for, diary_url, registration_for, subscriber_for
from booking.models import Customer, Employee
from booking.pages.access import personal
from booking.pages.manage import UnknownLink, by_link
from booking.pages.throttle import count, is_spent

CALENDAR = "text/calendar; charset=utf-8"

Feed = Callable[[str], bytes | None]


def subscribed(feed: Feed) -> Callable[[HttpRequest, str], HttpResponseBase]:
    """A view that gives the calendar of a token. Programs ask again and again: they are told when nothing has changed (RFC 9110 §13.1.2)."""

    @require_safe
    @personal
    @wraps(feed)
    def answer(request: HttpRequest, token: str) -> HttpResponseBase:
        if is_spent(request, "link"):
            return HttpResponse(status=429, headers={"Retry-After": "60"})
        body = feed(token)
        if body is None:
            count(request, "link")
            return HttpResponse(_("There is no such calendar."), status=404, content_type="text/plain; charset=utf-8")
        etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        response = get_conditional_response(request, etag=etag, response=HttpResponse(body, content_type=CALENDAR)) or HttpResponse()
        response["ETag"] = etag
        response["X-Robots-Tag"] = "noindex, nofollow"
        return response

    return answer


@subscribed
def customer(token: str) -> bytes | None:
    found = subscriber_for(token)
    return None if found is None else feeds.of_customer(Customer.objects.same_person(found), timezone.now())


@subscribed
def diary(token: str) -> bytes | None:
    employee = diary_for(token)
    return None if employee is None else feeds.of_employee(employee, timezone.now())


@require_safe
@by_link
def appointment_entry(request: HttpRequest, token: str) -> HttpResponseBase:
    attendance = attendance_for(token)
    if attendance is None or not attendance.is_live:
        raise UnknownLink
    return _file(feeds.of_booking(attendance))


@require_safe
@by_link
def registration_entry(request: HttpRequest, token: str) -> HttpResponseBase:
    registration = registration_for(token)
    if registration is None or not registration.is_live:
        raise UnknownLink
    return _file(feeds.of_registration(registration))


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@personal
def own_diary(request: HttpRequest) -> HttpResponseBase:
    """The address of the own diary; a new one makes the old one useless."""
    employee = Employee.objects.filter(user=request.user.pk).first()
    if employee is None:
        return render(request, "booking/profile_empty.html", {})
    if request.method == "POST":
        renew_feed(employee)
        return redirect("booking:own_diary")
    return render(request, "booking/diary_feed.html", {"employee": employee, "address": diary_url(employee)})


def _file(body: bytes) -> HttpResponse:
    return HttpResponse(body, content_type=CALENDAR, headers={"Content-Disposition": 'attachment; filename="appointment.ics"'})
