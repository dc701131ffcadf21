"""Events: the list of those to come, the page of each, and registering there."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from booking.actions import registrations
from booking.actions.customers import Guest
from booking.actions.idempotency import Answer, Mismatch, digest, once
from booking.errors import BookingError, TooMany
from booking.forms import RegistrationForm
from booking.links import registration_token
from booking.models import Customer, Event, Registration
from booking.pages import proof, stamp
from booking.pages.access import personal
from booking.pages.book import CONFIRMATION
from booking.pages.throttle import throttled

WHO = ("first_name", "last_name", "email", "phone")


@require_safe
@throttled("slots")
def events(request: HttpRequest) -> HttpResponseBase:
    """Those that take place and are not over, in three queries."""
    now = timezone.now()
    found = [(one, one.registration(now)) for one in Event.objects.public().upcoming(now)]
    return render(request, "booking/events.html", {"events": found})


@require_http_methods(["GET", "HEAD", "POST"])
@throttled("book", methods=("POST",))
@throttled("slots", methods=("GET",))
@personal
def event(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Everything about one, and the form to register. Sent twice it registers once; what was typed stays whatever is answered."""
    found = get_object_or_404(Event.objects.public(), slug=slug)
    if request.method != "POST":
        return _page(request, found, RegistrationForm(most=found.most))
    form = RegistrationForm(request.POST, most=found.most)
    sent = request.POST.get("stamp", "")
    try:
        shown_at = stamp.read(request.POST)
    except stamp.Stale:
        form.is_valid()
        return _page(request, found, form, 400, problem=_("The form had been open for too long. Nothing is lost: please check it and send it again."))
    if not form.is_valid():
        return _page(request, found, form, 400, sent=sent)
    typed = form.cleaned_data
    who = {name: typed[name] for name in WHO}
    if problem := proof.lacking(request.POST):
        return _page(request, found, form, 400, sent=sent, problem=problem)
    if shown_at.automatic:
        return _confirm(request, {"pretended": True, "id": str(uuid4()), "event": found.pk, "who": who, "places": typed["places"]})

    def register() -> Answer:
        guest = Guest(**who, language=get_language() or "", timezone=found.timezone)
        made = registrations.register(event=found, guest=guest, places=typed["places"], notes=typed["notes"], now=timezone.now(), public=True)
        return 201, {"id": str(made.uuid)}

    try:
        _code, kept = once(key=digest("event", shown_at.key), request_hash=digest(found.pk, typed), do=register)
    except Mismatch:
        return _page(request, found, form, 409, problem=_("You have already registered with this form. Send it once more only if you want further places."))
    except BookingError as error:
        fresh = get_object_or_404(Event.objects.public(), slug=slug)
        return _page(request, fresh, form, 429 if isinstance(error, TooMany) else 409, sent=sent, problem=str(error))
    return _confirm(request, {"id": kept["id"]})


@require_safe
@personal
def registered(request: HttpRequest) -> HttpResponseBase:
    """The confirmation, for the browser that has just registered."""
    told = request.session.get("registered")
    if not told or told["until"] < timezone.now().timestamp():
        return redirect("booking:events")
    found = _imagined(told) if "pretended" in told else Registration.objects.select_related("customer").filter(uuid=UUID(told["id"])).first()
    event = found and Event.objects.public().filter(pk=found.event_id).first()
    if found is None or event is None:
        return redirect("booking:events")
    manage = reverse("booking:registration", args=[registration_token(found)])
    return render(request, "booking/registered.html", {"registration": found, "event": event, "manage": manage})


def _page(request: HttpRequest, found: Event, form: RegistrationForm, status: int = 200, *, sent: str = "", problem: str = "") -> HttpResponseBase:
    """A bound form is shown even when registration has just ended: nothing that was typed may vanish."""
    sent = sent or stamp.new()
    context: dict[str, Any] = {
        "event": found,
        "form": form,
        "stamp": sent,
        "challenge": proof.challenge(sent),
        "problem": problem,
        "registration": found.registration(timezone.now()),
    }
    return render(request, "booking/event.html", context, status=status)


def _confirm(request: HttpRequest, told: dict[str, Any]) -> HttpResponseBase:
    request.session["registered"] = {**told, "until": (timezone.now() + CONFIRMATION).timestamp()}
    return redirect("booking:registered")


def _imagined(told: dict[str, Any]) -> Registration:
    """What a machine gets to see: the confirmation of nothing."""
    return Registration(uuid=UUID(told["id"]), event_id=told["event"], customer=Customer(**told["who"]), places=told["places"])
