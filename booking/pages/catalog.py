"""What is offered: the list of services, and the choice of an employee."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from booking.models import Employee, Event, Service
from booking.pages.throttle import throttled

ANYONE = "any"


@require_safe
def services(request: HttpRequest) -> HttpResponseBase:
    """All services by category, in three queries; a single one is opened at once, unless there are events to choose from as well."""
    offered = list(Service.objects.filter(is_active=True).select_related("category", "location"))
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
    """The choice of an employee; skipped when there is one, or when the address names one. The rest of the address is carried along."""
    found = get_object_or_404(Service.objects.select_related("category", "location"), pk=pk, is_active=True)
    serving = serving_employees(found)
    wanted = request.GET.get("employee", "")
    if len(serving) == 1 or (serving and (found.collective or wanted == ANYONE or wanted in {str(one.pk) for one in serving})):
        return redirect(_with_query(request, reverse("booking:time", args=[pk])))
    return render(request, "booking/service.html", {"service": found, "employees": serving, "anyone": ANYONE})


def serving_employees(service: Service) -> list[Employee]:
    return list(service.employees.filter(is_active=True))


def _with_query(request: HttpRequest, url: str) -> str:
    query = request.META.get("QUERY_STRING", "")
    return f"{url}?{query}" if query else url
