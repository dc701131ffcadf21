"""All bookings of one customer, behind the customer's own signed link."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from booking.links import customer_for, manage_token
from booking.models import Attendance
from booking.pages.manage import UnknownLink, by_link

PAST_SHOWN = 50


@require_safe
@by_link
def panel(request: HttpRequest, token: str) -> HttpResponseBase:
    """Coming bookings with their links, and the last past ones."""
    customer = customer_for(token)
    if customer is None:
        raise UnknownLink
    now = timezone.now()
    own = (
        Attendance.objects.filter(customer=customer).select_related("appointment__service", "appointment__location").prefetch_related("appointment__employees")
    )
    coming = list(own.filter(appointment__end__gt=now).order_by("appointment__start"))
    past = list(own.filter(appointment__end__lte=now).order_by("-appointment__start")[:PAST_SHOWN])
    context = {
        "customer": customer,
        "coming": [(one, manage_token(one)) for one in coming],
        "past": past,
    }
    return render(request, "booking/panel.html", context)
