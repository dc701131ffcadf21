"""Choosing day and time, typing who comes, and the confirmation."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import add_never_cache_headers, patch_vary_headers
from django.utils.http import urlencode
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from booking.actions import appointments
from booking.actions.customers import Guest
from booking.actions.idempotency import Answer, Mismatch, digest, once
from booking.availability import find_slots
from booking.errors import BookingError, SlotTaken, TooMany
from booking.forms import BookingForm
from booking.links import manage_token
from booking.models import Appointment, Attendance, Customer, Employee, Service, Status
from booking.pages import stamp, zone
from booking.pages.access import personal
from booking.pages.catalog import ANYONE, serving_employees
from booking.pages.picker import pick
from booking.pages.throttle import throttled

# How long the confirmation, or what was typed, can be called up again by the same browser.
CONFIRMATION = timedelta(minutes=30)
PREFILL = tuple(BookingForm.base_fields)
LONGEST = 4000


@require_safe
@throttled("slots")
def time(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The month and the times of a day; htmx gets the part that changes. With date and time in the address straight on to the details."""
    service = _offered(pk)
    chosen = _chosen(request, service)
    if chosen is None:
        return redirect(f"{reverse('booking:service', args=[pk])}?{request.META.get('QUERY_STRING', '')}")
    employee, candidates = chosen
    shown = zone.zone_of(request)
    day = zone.read_day(request.GET.get("date"))
    picker = pick(service=service, employees=candidates, zone=shown.info, now=timezone.now(), month=zone.read_day(request.GET.get("month")), day=day)
    wanted = _wall_time(request.GET.get("time", ""))
    if wanted and picker.day == day is not None:
        for one in picker.times:
            if one.start.astimezone(shown.info).time() == wanted:
                kept = {name: str(value) for name, value in request.GET.items() if name in (*PREFILL, "employee", "timezone")}
                query = urlencode({**kept, "start": zone.write_instant(one.start)})
                return redirect(f"{reverse('booking:details', args=[pk])}?{query}")
    context = {
        "service": service,
        "employee": employee,
        "several": len(serving_employees(service)) > 1 if employee else True,
        "picker": picker,
        "zone": shown,
        "zones": zone.choices() if "zones" in request.GET else [],
        "time_taken": bool(wanted),
        "details": reverse("booking:details", args=[pk]),
    }
    return picker_response(request, "booking/time.html", context)


def picker_response(request: HttpRequest, page: str, context: dict[str, Any], status: int = 200) -> HttpResponseBase:
    """The whole page, or for htmx its `_slots.html`. Never kept: times change, and a kept part must not come back as a page."""
    htmx: Any = request.htmx  # type: ignore[attr-defined]
    part = htmx and not htmx.history_restore_request
    response = render(request, "booking/_slots.html" if part else page, context, status=status)
    patch_vary_headers(response, ["HX-Request"])
    add_never_cache_headers(response)
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@throttled("book", methods=("POST",))
@throttled("slots", methods=("GET",))
@personal
def details(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Who comes. Sent twice it books once; a time that has been taken meanwhile is answered with the nearest, and what was typed stays."""
    service = _offered(pk)
    chosen = _chosen(request, service)
    start = zone.read_instant(request.POST.get("start") or request.GET.get("start"))
    if chosen is None or start is None:
        return redirect(f"{reverse('booking:service', args=[pk])}?{request.META.get('QUERY_STRING', '')}")
    employee, candidates = chosen
    shown = zone.zone_of(request)
    context: dict[str, Any] = {"service": service, "employee": employee, "zone": shown, "start": start, "end": start + timedelta(minutes=service.duration)}

    if request.method == "POST" and "other" in request.POST:
        return _choose_again(request, pk, start.astimezone(shown.info).date())
    if request.method != "POST":
        initial = {name: request.GET[name] for name in PREFILL if name in request.GET} | _typed(request)
        context |= {"form": BookingForm(initial=initial), "stamp": stamp.new()}
        now = timezone.now()
        if not any(slot.start == start for slot in find_slots(service=service, start=start, end=start + timedelta(seconds=1), now=now, employees=candidates)):
            context |= {
                "problem": _("This time is no longer free."),
                "alternatives": appointments.nearest(service=service, start=start, now=now, employee=employee),
            }
        return render(request, "booking/details.html", context)

    form = BookingForm(request.POST)
    context |= {"form": form, "stamp": request.POST.get("stamp", "")}
    try:
        shown_at = stamp.read(request.POST)
    except stamp.Stale:
        form.is_valid()
        context |= {"stamp": stamp.new(), "problem": _("The form had been open for too long. Nothing is lost: please check it and send it again.")}
        return render(request, "booking/details.html", context, status=400)
    if not form.is_valid():
        return render(request, "booking/details.html", context, status=400)
    if shown_at.automatic:
        return _pretend(request, service=service, start=start, form=form)
    guest = Guest(
        **{name: form.cleaned_data[name] for name in ("first_name", "last_name", "email", "phone")}, language=get_language() or "", timezone=shown.name
    )

    def book() -> Answer:
        attendance = appointments.book(
            service=service,
            start=start,
            guest=guest,
            now=timezone.now(),
            employee=employee,
            notes=form.cleaned_data["notes"],
            public=True,
            savepoint=False,
        )
        return 201, {"id": str(attendance.uuid)}

    wish = digest(pk, start.isoformat(), employee and employee.pk, form.cleaned_data)
    try:
        _code, kept = once(key=digest("page", shown_at.key), request_hash=wish, do=book)
    except Mismatch:
        context |= {"stamp": stamp.new(), "problem": _("You have already booked with this form. Send it once more only if you want another appointment.")}
        return render(request, "booking/details.html", context, status=409)
    except SlotTaken as taken:
        context |= {"problem": str(taken), "alternatives": taken.slots}
        return render(request, "booking/details.html", context, status=409)
    except BookingError as error:
        context |= {"problem": str(error)}
        return render(request, "booking/details.html", context, status=429 if isinstance(error, TooMany) else 400)
    request.session.pop("typed", None)
    request.session["booked"] = {"id": kept["id"], "until": (timezone.now() + CONFIRMATION).timestamp()}
    return redirect("booking:booked")


@require_safe
@personal
def booked(request: HttpRequest) -> HttpResponseBase:
    """The confirmation, for the browser that has just booked."""
    told = request.session.get("booked")
    if not told or told["until"] < timezone.now().timestamp():
        return redirect("booking:services")
    if "pretended" in told:
        attendance: Attendance | None = _imagined(told)
    else:
        attendance = Attendance.objects.select_related("appointment__service__location", "customer").filter(uuid=UUID(told["id"])).first()
    if attendance is None:
        return redirect("booking:services")
    appointment = attendance.appointment
    employees = list(appointment.employees.all()) if appointment.pk else []
    context = {"attendance": attendance, "appointment": appointment, "employees": employees, "zone": zone.Zone(ZoneInfo(attendance.timezone), guessed=False)}
    return render(request, "booking/booked.html", {**context, "manage": reverse("booking:manage", args=[manage_token(attendance)])})


def _choose_again(request: HttpRequest, pk: int, day: date) -> HttpResponseBase:
    """To the times of the day. What has been typed waits in the session: in an address it would be told to logs and to the browser's history."""
    typed = {name: request.POST[name][:LONGEST] for name in PREFILL if name in request.POST}
    request.session["typed"] = {"fields": typed, "until": (timezone.now() + CONFIRMATION).timestamp()}
    kept = {name: str(value) for name, value in request.GET.items() if name not in (*PREFILL, "start", "date")}
    return redirect(f"{reverse('booking:time', args=[pk])}?{urlencode({**kept, 'date': day.isoformat()})}")


def _typed(request: HttpRequest) -> dict[str, str]:
    kept = request.session.get("typed")
    return dict(kept["fields"]) if kept and kept["until"] > timezone.now().timestamp() else {}


def _offered(pk: int) -> Service:
    return get_object_or_404(Service.objects.select_related("location"), pk=pk, is_active=True)


def _chosen(request: HttpRequest, service: Service) -> tuple[Employee | None, list[Employee]] | None:
    """The employee wished (None: anyone) and all who come into question; None if there is still a choice to make."""
    serving = serving_employees(service)
    wanted = request.GET.get("employee", "")
    if len(serving) == 1:
        return serving[0], serving
    if serving and wanted == ANYONE:
        return None, serving
    for one in serving:
        if str(one.pk) == wanted:
            return one, [one]
    return None


def _wall_time(text: str) -> Any:
    try:
        return datetime.strptime(text, "%H:%M").replace(tzinfo=UTC).time()
    except ValueError:
        return None


def _pretend(request: HttpRequest, *, service: Service, start: datetime, form: BookingForm) -> HttpResponseBase:
    """What a machine gets to see: the confirmation of nothing."""
    who = {name: form.cleaned_data[name] for name in ("first_name", "last_name", "email", "phone")}
    told = {"id": str(uuid4()), "service": service.pk, "start": start.isoformat(), "who": who, "timezone": zone.zone_of(request).name}
    request.session["booked"] = {"pretended": True, **told, "until": (timezone.now() + CONFIRMATION).timestamp()}
    return redirect("booking:booked")


def _imagined(told: dict[str, Any]) -> Attendance | None:
    service = Service.objects.filter(pk=told["service"]).first()
    if service is None:
        return None
    start = datetime.fromisoformat(told["start"])
    status = Status.PENDING if service.needs_approval else Status.APPROVED
    appointment = Appointment(service=service, start=start, end=start + timedelta(minutes=service.duration), status=status)
    return Attendance(
        uuid=UUID(told["id"]), appointment=appointment, customer=Customer(**told["who"]), status=status, price=service.price, timezone=told["timezone"]
    )
