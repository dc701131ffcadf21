"""The waiting list: putting oneself on it, and what the link in its mails opens: the times that are free now, taking one, leaving the list."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from booking.actions import waiting
from booking.actions.customers import Guest
from booking.actions.idempotency import Answer, Mismatch, digest, once
from booking.availability.waiting import free_for
from booking.errors import BookingError, StillFree, TooMany
from booking.forms import WaitingForm
from booking.links import manage_token, waiting_for
from booking.models import Attendance, Employee, Service, WaitingEntry
from booking.pages import stamp, zone
from booking.pages.access import personal
from booking.pages.book import offered
from booking.pages.choice import choice_of, persons_of
from booking.pages.manage import UnknownLink, by_link
from booking.pages.throttle import throttled

LIFETIME = timedelta(days=30)
WHO = ("first_name", "last_name", "email", "phone")


@require_http_methods(["GET", "HEAD", "POST"])
@throttled("book", methods=("POST",))
@throttled("slots", methods=("GET",))
@personal
def enter(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Who waits, and for which days. What was typed stays whatever is answered."""
    service = offered(pk)
    if not service.waiting_list:
        raise Http404
    choice = choice_of(request, service)
    if choice is None:
        return redirect(f"{reverse('booking:service', args=[pk])}?{request.META.get('QUERY_STRING', '')}")
    employee, candidates = choice.employee, choice.candidates
    shown = zone.zone_of(request)
    context: dict[str, Any] = {"service": service, "employee": employee, "employees": candidates if service.collective else None, "zone": shown}
    if request.method != "POST":
        today = timezone.now().astimezone(shown.info).date()
        first = zone.read_day(request.GET.get("first_day")) or today
        initial = {"first_day": first, "last_day": zone.read_day(request.GET.get("last_day")) or first, "persons": persons_of(request, service)}
        form = WaitingForm(initial=initial, most=service.max_capacity)
        return render(request, "booking/waiting.html", {**context, "form": form, "stamp": stamp.new()})

    form = WaitingForm(request.POST, most=service.max_capacity)
    context |= {"form": form, "stamp": request.POST.get("stamp", "")}
    try:
        sent = stamp.read(request.POST)
    except stamp.Stale:
        form.is_valid()
        context |= {"stamp": stamp.new(), "problem": _("The form had been open for too long. Nothing is lost: please check it and send it again.")}
        return render(request, "booking/waiting.html", context, status=400)
    if not form.is_valid():
        return render(request, "booking/waiting.html", context, status=400)
    if not sent.automatic:  # a machine is told the same, and waits for nothing
        try:
            _enter(service, employee, form.cleaned_data, shown.name)
        except StillFree as error:
            query = {"employee": employee.pk if employee else "any", "date": error.slots[0].start.astimezone(shown.info).date().isoformat()}
            query |= {"persons": form.cleaned_data["persons"]} if service.is_group else {}
            times = f"{reverse('booking:time', args=[pk])}?{urlencode({**query, 'timezone': shown.name})}"
            return render(request, "booking/waiting.html", {**context, "problem": str(error), "times": times}, status=409)
        except BookingError as error:
            return render(request, "booking/waiting.html", {**context, "problem": str(error)}, status=429 if isinstance(error, TooMany) else 400)
    request.session["waiting"] = {"email": form.cleaned_data["email"], "service": service.pk}
    return redirect("booking:waiting_entered")


def _enter(service: Service, employee: Employee | None, typed: dict[str, Any], timezone_name: str) -> None:
    guest = Guest(**{name: typed[name] for name in WHO}, language=get_language() or "", timezone=timezone_name)
    waiting.enter(
        service=service,
        guest=guest,
        first_day=typed["first_day"],
        last_day=typed["last_day"],
        now=timezone.now(),
        employee=employee,
        persons=typed.get("persons", 1),
    )


@require_safe
@personal
def entered(request: HttpRequest) -> HttpResponseBase:
    """The confirmation, for the browser that has just sent the form."""
    told = request.session.get("waiting")
    service = Service.objects.filter(pk=told["service"]).first() if told else None
    if told is None or service is None:
        return redirect("booking:services")
    return render(request, "booking/waiting_entered.html", {"service": service, "email": told["email"]})


@require_http_methods(["GET", "HEAD", "POST"])
@by_link
def entry(request: HttpRequest, token: str) -> HttpResponseBase:
    """What is free now, for whoever waits. Sent with a time, it is booked: the first who does gets it, the next is told so and stays on the list."""
    if request.method == "POST":
        return _act(request, token, _claim)
    return _page(request, _found(token), token)


@require_http_methods(["GET", "HEAD", "POST"])
@by_link
def withdraw(request: HttpRequest, token: str) -> HttpResponseBase:
    """Asks; sent, it ends the waiting."""
    if request.method == "POST":
        return _act(request, token, _withdraw)
    found = _found(token)
    if not found.is_waiting:
        return redirect("booking:waiting", token)
    return render(request, "booking/waiting_withdraw.html", {**_context(found, token), "stamp": stamp.new()})


def _claim(request: HttpRequest, found: WaitingEntry) -> Answer:
    start = zone.read_instant(request.POST.get("start"))
    if start is None:
        raise UnknownLink
    made = waiting.claim(entry=found, start=start, now=timezone.now())
    return 201, {"attendance": made.pk}


def _withdraw(request: HttpRequest, found: WaitingEntry) -> Answer:
    waiting.withdraw(entry=found)
    return 200, {}


def _act(request: HttpRequest, token: str, act: Callable[[HttpRequest, WaitingEntry], Answer]) -> HttpResponseBase:
    """Once, however often the form is sent."""
    try:
        sent = stamp.read(request.POST)
    except stamp.Stale:
        _found(token)
        messages.warning(request, _("The page had been open for too long. Please try again."))
        return redirect(request.get_full_path())
    wish = digest(request.path, zone.read_instant(request.POST.get("start")))
    try:
        _code, kept = once(key=digest("waiting", token, sent.key), request_hash=wish, do=lambda: act(request, _found(token)))
    except Mismatch:
        raise UnknownLink from None
    except BookingError as error:
        return _page(request, _found(token), token, problem=str(error), status=409)
    if "attendance" in kept:
        messages.success(request, _("Your appointment is booked. An e-mail is on its way."))
        return redirect("booking:manage", manage_token(Attendance.objects.get(pk=kept["attendance"])))
    messages.success(request, _("You are no longer on the waiting list."))
    return redirect("booking:waiting", token)


def _page(request: HttpRequest, found: WaitingEntry, token: str, *, problem: str = "", status: int = 200) -> HttpResponseBase:
    free = free_for(found, timezone.now()) if found.is_waiting else []
    context = {**_context(found, token), "free": free, "stamp": stamp.new(), "problem": problem}
    if found.attendance and found.attendance.is_live:
        context["manage"] = manage_token(found.attendance)
    return render(request, "booking/waiting_entry.html", context, status=status)


def _context(found: WaitingEntry, token: str) -> dict[str, Any]:
    return {"token": token, "entry": found, "service": found.service, "zone": zone.Zone(ZoneInfo(found.timezone), guessed=False)}


def _found(token: str) -> WaitingEntry:
    found = waiting_for(token)
    if found is None or found.ends_at + LIFETIME < timezone.now():
        raise UnknownLink
    return found
