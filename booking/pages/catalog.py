"""What is offered: the list of services, and the choice of location, extras and employee."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from booking.models import Category, Event, Service
from booking.pages.choice import ANYONE, extras_form, location_of, offers_of, quote
from booking.pages.throttle import throttled


@require_safe
def services(request: HttpRequest) -> HttpResponseBase:
    """All services by category, in three queries; a single one is opened at once, unless there are events to choose from as well."""
    offered = list(Service.objects.filter(is_active=True).priced().select_related("category").prefetch_related("locations"))
    has_events = Event.objects.upcoming(timezone.now()).exists()
    if len(offered) == 1 and not has_events:
        return redirect(_with_query(request, reverse("booking:service", args=[offered[0].pk])))
    categories: dict[Category | None, list[Service]] = {}
    for one in sorted(offered, key=lambda one: (one.category is None, one.category and (one.category.position, one.category.name))):
        categories.setdefault(one.category, []).append(one)
    # A shop without a single picture is a plain list; with some, what has none gets a tile in its colour.
    pictured = any(one.picture for one in offered)
    return render(request, "booking/services.html", {"categories": categories.items(), "has_events": has_events, "pictured": pictured})


@require_safe
@throttled("slots")
def service(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The choice of a location, then of extras and employee; skipped where there is none, or when the address has made it. The rest of the address is
    carried along."""
    found = get_object_or_404(Service.objects.offered().select_related("category").prefetch_related("locations"), pk=pk)
    location = location_of(request, found)
    if location is None and len(found.locations.all()) > 1:
        return render(request, "booking/service.html", {"service": found, "choose_location": True})
    offers, extras = offers_of(found, location), extras_form(request, found)
    wanted = request.GET.get("employee", "")
    named = found.collective or wanted == ANYONE or wanted in {str(one.employee_id) for one in offers}
    settled = len(offers) == 1 or (bool(offers) and named)
    if settled and (extras is None or (extras.is_bound and extras.is_valid() and "again" not in request.GET)):
        return redirect(_with_query(request, reverse("booking:time", args=[pk])))
    carried = [(name, value) for name, values in request.GET.lists() if not name.startswith("extra") and name not in ("employee", "again") for value in values]
    context = {
        "service": found,
        "offers": [(one, quote([one])) for one in offers],
        "quote": quote(offers) if offers else None,
        "extras": extras,
        "carried": carried,
        "anyone": ANYONE,
        "action": request.path,
        "location": location,
    }
    wrong = extras is not None and extras.is_bound and not extras.is_valid()
    return render(request, "booking/service.html", context, status=400 if wrong else 200)


def _with_query(request: HttpRequest, url: str) -> str:
    query = request.META.get("QUERY_STRING", "")
    return f"{url}?{query}" if query else url
