"""All bookings of one customer, behind the customer's own signed link."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from booking.links import customer_for, manage_token, registration_token
from booking.models import Attendance, Customer, Event, Registration
from booking.pages.manage import UnknownLink, by_link

PAST_SHOWN = 50


@require_safe
@by_link
def panel(request: HttpRequest, token: str) -> HttpResponseBase:
    """Coming bookings and registrations with their links, and the last past bookings."""
    customer = customer_for(token)
    if customer is None:
        raise UnknownLink
    now = timezone.now()
    same = Customer.objects.same_person(customer)
    own = (
        Attendance.objects.filter(customer__in=same).select_related("appointment__service", "appointment__location").prefetch_related("appointment__employees")
    )
    coming = list(own.filter(appointment__end__gt=now).order_by("appointment__start"))
    past = list(own.filter(appointment__end__lte=now).order_by("-appointment__start")[:PAST_SHOWN])
    registrations = Registration.objects.filter(customer__in=same).exclude(event__status=Event.Status.DRAFT).select_related("event__location")
    context = {
        "registrations": [(one, registration_token(one)) for one in registrations.prefetch_related("event__periods") if not one.event.is_over(now)],
        "customer": customer,
        "token": token,
        "coming": [(one, manage_token(one)) for one in coming],
        "past": past,
    }
    return render(request, "booking/panel.html", context)
