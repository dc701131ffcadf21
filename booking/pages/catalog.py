"""What is offered: the list of services, and the choice of a location and an employee."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from booking.models import Employee, Event, Location, Service, SpecialDay, WorkingHours
from booking.pages.throttle import throttled

ANYONE = "any"


@require_safe
def services(request: HttpRequest) -> HttpResponseBase:
    """All services by category, in three queries; a single one is opened at once, unless there are events to choose from as well."""
    offered = list(Service.objects.filter(is_active=True).select_related("category").prefetch_related("locations"))
    has_events = Event.objects.upcoming(timezone.now()).exists()
    if len(offered) == 1 and not has_events:
        return redirect(_with_query(request, reverse("booking:service", args=[offered[0].pk])))
    categories: dict[object, list[Service]] = {}
    for one in sorted(offered, key=lambda one: (one.category is None, one.category and (one.category.position, one.category.name))):
        categories.setdefault(one.category, []).append(one)
    return render(request, "booking/services.html", {"categories": categories.items(), "has_events": has_events})


@require_safe
@throttled("slots")
def service(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The choice of a location, then of an employee; each is skipped when there is one, or when the address names one. The rest of the address is
    carried along."""
    found = get_object_or_404(Service.objects.select_related("category").prefetch_related("locations"), pk=pk, is_active=True)
    location = wished_location(request, found)
    if location is None and len(found.locations.all()) > 1:
        return render(request, "booking/service.html", {"service": found, "choose_location": True})
    serving = serving_employees(found, location)
    wanted = request.GET.get("employee", "")
    if len(serving) == 1 or (serving and (wanted == ANYONE or wanted in {str(one.pk) for one in serving})):
        return redirect(_with_query(request, reverse("booking:time", args=[pk])))
    return render(request, "booking/service.html", {"service": found, "employees": serving, "anyone": ANYONE, "location": location})


def wished_location(request: HttpRequest, service: Service) -> Location | None:
    """The one the address names; None where the service has no several to choose from."""
    places = list(service.locations.all())
    return next((one for one in places if str(one.pk) == request.GET.get("location")), None) if len(places) > 1 else None


def serving_employees(service: Service, location: Location | None = None) -> list[Employee]:
    """Who takes bookings for it; at a location only those who ever work there."""
    serving = service.employees.filter(is_active=True)
    if location is not None:
        there = Q(location=None) | Q(location=location)
        hours, days = (kind.objects.filter(there, calendar=OuterRef("calendar")) for kind in (WorkingHours, SpecialDay))
        serving = serving.filter(Exists(hours) | Exists(days))
    return list(serving)


def _with_query(request: HttpRequest, url: str) -> str:
    query = request.META.get("QUERY_STRING", "")
    return f"{url}?{query}" if query else url
