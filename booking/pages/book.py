"""Choosing day and time, typing who comes, and the confirmation."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase, QueryDict
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
from booking.actions.status import first_status
from booking.availability import Slot, Wanted, find_slots
from booking.availability.groups import few_left
from booking.errors import BookingError, LimitReached, SlotTaken, TooMany
from booking.extras import PREFIX as EXTRA
from booking.forms import BookingForm
from booking.links import manage_token
from booking.models import Appointment, Attendance, BookedExtra, Customer, CustomField, Location, Service
from booking.pages import proof, stamp, zone
from booking.pages.access import personal
from booking.pages.add_to_calendar import ways
from booking.pages.choice import Choice, Quote, choice_of, persons_of
from booking.pages.picker import pick
from booking.pages.throttle import throttled
from booking.questions import PREFIX as FIELD
from booking.questions import QuestionsForm

# How long the confirmation, or what was typed, can be called up again by the same browser.
CONFIRMATION = timedelta(minutes=30)
PREFILL = tuple(BookingForm.base_fields)
LONGEST = 4000


@require_safe
@throttled("slots")
def time(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The month and the times of a day; htmx gets the part that changes. With date and time in the address straight on to the details."""
    service = offered(pk)
    choice = choice_of(request, service)
    if choice is None:
        return _choose_first(request, pk)
    shown = zone.zone_of(request)
    day, month = zone.read_day(request.GET.get("date")), zone.read_day(request.GET.get("month"))
    picker = pick(service=service, zone=shown.info, now=timezone.now(), month=month, day=day, **choice.wanted)
    wanted = _wall_time(request.GET.get("time", ""))
    if wanted and picker.day == day is not None:
        for one in picker.times:
            if one.start.astimezone(shown.info).time() == wanted:
                kept = {
                    name: values
                    for name, values in request.GET.lists()
                    if name in (*PREFILL, "employee", "location", "persons", "timezone") or name.startswith((EXTRA, FIELD))
                }
                query = urlencode({**kept, "start": zone.write_instant(one.start)}, doseq=True)
                return redirect(f"{reverse('booking:details', args=[pk])}?{query}")
    several = choice.employee is None or service.offers.filter(employee__is_active=True).count() > 1
    context = {
        "service": service,
        "employee": choice.employee,
        "employees": choice.candidates if service.collective else None,
        "persons": choice.persons,
        "chosen_extras": choice.chosen,
        "quote": choice.quote(),
        "changeable": service.has_extras or (several and not service.collective),
        "location": choice.location,
        "picker": picker,
        "zone": shown,
        "zones": zone.choices() if "zones" in request.GET else [],
        "time_taken": bool(wanted),
        "details": reverse("booking:details", args=[pk]),
        "waiting": reverse("booking:waiting_enter", args=[pk]) if service.waiting_list else "",
        "wait": picker.unmet(timezone.now().astimezone(shown.info).date()),
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
    service = offered(pk)
    choice = choice_of(request, service)
    start = zone.read_instant(request.POST.get("start") or request.GET.get("start"))
    asked = list(CustomField.objects.asked_for(service)) if service.has_fields else []
    if choice is None or start is None:
        if request.method == "POST":
            _remember(request, asked)
        return _choose_first(request, pk)
    shown = zone.zone_of(request)
    context: dict[str, Any] = {"service": service, "employee": choice.employee, "chosen_extras": choice.chosen, "zone": shown, "start": start}
    context |= {"action": f"?{urlencode(_beside(request, PREFILL), doseq=True)}", **_quoted(choice.quote(), start)}
    context["employees"] = choice.candidates if service.collective else None

    def free() -> list[Slot]:
        """Whatever number of persons comes."""
        until = start + timedelta(seconds=1)
        wanted: Wanted = {**choice.wanted, "persons": 1}
        return [slot for slot in find_slots(service=service, start=start, end=until, now=timezone.now(), **wanted) if slot.start == start]

    def page(slots: list[Slot], status: int = 200) -> HttpResponseBase:
        places = Location.objects.filter(pk__in={slot.location_id for slot in slots if slot.location_id is not None})
        more = {"places": [choice.location] if choice.location else list(places), "challenge": proof.challenge(context["stamp"])}
        return render(request, "booking/details.html", {**context, **more}, status=status)

    if request.method == "POST" and "other" in request.POST:
        _remember(request, asked)
        return _choose_again(request, service, start.astimezone(shown.info).date())
    if request.method != "POST":
        typed, slots = _typed(request), free()
        left = max((slot.places_left or 1 for slot in slots), default=0)
        initial = {"persons": choice.persons} | {name: request.GET[name] for name in PREFILL if name in request.GET}
        form = BookingForm(initial=initial | {name: typed[name] for name in (*PREFILL, "persons") if name in typed}, most=service.max_capacity, left=left)
        context |= {"form": form, "questions": QuestionsForm(asked=asked, given=typed or request.GET), "stamp": stamp.new()}
        if slots:
            context |= {"problem": few_left(left) if left < choice.persons else "", **_quoted(choice.quote(among={slot.employee_id for slot in slots}), start)}
        else:
            alternatives = appointments.nearest(service=service, start=start, now=timezone.now(), employee=choice.employee, **choice.near)
            context |= {"problem": _("This time is no longer free."), "alternatives": alternatives}
        return page(slots)

    form, questions = BookingForm(request.POST, most=service.max_capacity), QuestionsForm(request.POST, request.FILES, asked=asked)
    context |= {"form": form, "questions": questions, "stamp": request.POST.get("stamp", "")}
    valid = form.is_valid() & questions.is_valid()
    try:
        shown_at = stamp.read(request.POST)
        if shown_at.automatic and valid:
            return _pretend(request, service=service, choice=choice, start=start, form=form, slots=free())
        questions.keep_files()
    except stamp.Stale:
        context |= {"stamp": stamp.new(), "problem": _("The form had been open for too long. Nothing is lost: please check it and send it again.")}
        return page(free(), status=400)
    except TooMany as error:
        context |= {"problem": str(error)}
        return page(free(), status=429)
    if not valid:
        return page(free(), status=400)
    if problem := proof.lacking(request.POST):
        context |= {"problem": problem}
        return page(free(), status=400)
    guest = Guest(
        **{name: form.cleaned_data[name] for name in ("first_name", "last_name", "email", "phone")}, language=get_language() or "", timezone=shown.name
    )

    def book() -> Answer:
        attendance = appointments.book(
            service=service,
            start=start,
            guest=guest,
            now=timezone.now(),
            employee=choice.employee,
            notes=form.cleaned_data["notes"],
            chosen=choice.chosen,
            given=questions.given,
            public=True,
            location=choice.location,
            persons=form.cleaned_data.get("persons", 1),
            savepoint=False,
        )
        return 201, {"id": str(attendance.uuid)}

    extras = [(one.extra.pk, one.quantity) for one in choice.chosen]
    wish = digest(
        pk, start.isoformat(), choice.employee and choice.employee.pk, choice.location and choice.location.pk, form.cleaned_data, extras, questions.fingerprint
    )
    try:
        _code, kept = once(key=digest("page", shown_at.key), request_hash=wish, do=book)
    except Mismatch:
        context |= {"stamp": stamp.new(), "problem": _("You have already booked with this form. Send it once more only if you want another appointment.")}
        return page(free(), status=409)
    except SlotTaken as taken:
        if taken.left:
            form.add_error("persons", str(taken))
            return render(request, "booking/details.html", context, status=409)
        context |= {"problem": str(taken), "alternatives": taken.slots}
        return page(free(), status=409)
    except BookingError as error:
        context |= {"problem": str(error)}
        return page(free(), status={TooMany: 429, LimitReached: 409}.get(type(error), 400))
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
        attendance = Attendance.objects.select_related("appointment__service", "appointment__location", "customer").filter(uuid=UUID(told["id"])).first()
    if attendance is None:
        return redirect("booking:services")
    appointment = attendance.appointment
    employees = list(appointment.employees.all()) if appointment.pk else []
    extras = list(attendance.extras.all()) if appointment.pk else [BookedExtra(name=name, quantity=number) for name, number in told["extras"]]
    context = {"attendance": attendance, "appointment": appointment, "employees": employees, "zone": zone.Zone(ZoneInfo(attendance.timezone), guessed=False)}
    context |= {"booked_extras": extras, "answers": list(attendance.answers.all()) if appointment.pk else []}
    token = manage_token(attendance)
    return render(request, "booking/booked.html", {**context, **ways(attendance, employees, token), "manage": reverse("booking:manage", args=[token])})


def _choose_first(request: HttpRequest, pk: int) -> HttpResponseBase:
    """To the choice of extras and employee: one of them is missing or wrong."""
    return redirect(f"{reverse('booking:service', args=[pk])}?{request.META.get('QUERY_STRING', '')}")


def _choose_again(request: HttpRequest, service: Service, day: date) -> HttpResponseBase:
    """To the times of the day."""
    kept: dict[str, Any] = _beside(request, (*PREFILL, "start", "date"))
    if service.is_group:
        kept["persons"] = str(persons_of(request, service))
    return redirect(f"{reverse('booking:time', args=[service.pk])}?{urlencode({**kept, 'date': day.isoformat()}, doseq=True)}")


def _quoted(quote: Quote, start: datetime) -> dict[str, Any]:
    return {"quote": quote, "end": start + quote.length if quote.exact_minutes else None}


def _beside(request: HttpRequest, names: Sequence[str]) -> dict[str, list[str]]:
    """What else the address says: without these, and without answers to questions."""
    return {name: values for name, values in request.GET.lists() if name not in names and not name.startswith(FIELD)}


def _remember(request: HttpRequest, asked: Sequence[CustomField]) -> None:
    """What has been typed waits in the session: in an address it would be told to logs and to the browser's history. Files that came with it are kept."""
    questions = QuestionsForm(request.POST, request.FILES, asked=asked)
    questions.is_valid()
    try:
        questions.keep_files()
    except TooMany as error:
        messages.warning(request, str(error))
    typed = {name: [request.POST[name]] for name in PREFILL if name in request.POST} | questions.typed
    cut = {name: [value[:LONGEST] for value in values] for name, values in typed.items()}
    request.session["typed"] = {"fields": cut, "until": (timezone.now() + CONFIRMATION).timestamp()}


def _typed(request: HttpRequest) -> QueryDict:
    found = QueryDict(mutable=True)
    kept = request.session.get("typed")
    if kept and kept["until"] > timezone.now().timestamp():
        for name, values in kept["fields"].items():
            found.setlist(name, values)
    return found


def offered(pk: int) -> Service:
    return get_object_or_404(Service.objects.offered().prefetch_related("locations"), pk=pk)


def _wall_time(text: str) -> Any:
    try:
        return datetime.strptime(text, "%H:%M").replace(tzinfo=UTC).time()
    except ValueError:
        return None


def _pretend(request: HttpRequest, *, service: Service, choice: Choice, start: datetime, form: BookingForm, slots: list[Slot]) -> HttpResponseBase:
    """What a machine gets to see: the confirmation of nothing."""
    who = {name: form.cleaned_data[name] for name in ("first_name", "last_name", "email", "phone")}
    told = {"id": str(uuid4()), "service": service.pk, "start": start.isoformat(), "who": who, "timezone": zone.zone_of(request).name}
    quote, place = choice.quote(), next((slot.location_id for slot in slots), None)
    told |= {"location": place, "price": str(quote.price), "minutes": quote.minutes, "extras": [(one.extra.name, one.quantity) for one in choice.chosen]}
    told["persons"] = form.cleaned_data.get("persons", 1)
    request.session["booked"] = {"pretended": True, **told, "until": (timezone.now() + CONFIRMATION).timestamp()}
    return redirect("booking:booked")


def _imagined(told: dict[str, Any]) -> Attendance | None:
    service = Service.objects.filter(pk=told["service"]).first()
    if service is None:
        return None
    start = datetime.fromisoformat(told["start"])
    status = first_status(service)
    location = Location.objects.filter(pk=told["location"]).first()
    appointment = Appointment(service=service, start=start, end=start + timedelta(minutes=told["minutes"]), status=status, location=location)
    return Attendance(
        uuid=UUID(told["id"]),
        appointment=appointment,
        customer=Customer(**told["who"]),
        status=status,
        persons=told.get("persons", 1),
        price=Decimal(told["price"]),
        timezone=told["timezone"],
    )
