"""What customers may do with their own data, behind the link to their bookings: correct it, take it along, have it erased."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from booking import personal_data
from booking.actions import customers, erasure
from booking.forms import OwnDataForm
from booking.links import customer_for, feed_url
from booking.models import Customer
from booking.pages.manage import UnknownLink, by_link

FIELDS = tuple(OwnDataForm.base_fields)


@require_http_methods(["GET", "HEAD", "POST"])
@by_link
def data(request: HttpRequest, token: str) -> HttpResponseBase:
    customer = _found(token)
    form = OwnDataForm(request.POST if request.method == "POST" else None, initial={name: getattr(customer, name) for name in FIELDS})
    if request.method == "POST" and form.is_valid():
        customers.edit(customer, **form.cleaned_data)
        messages.success(request, _("Your data has been saved."))
        return redirect("booking:panel", token)
    context = {"customer": customer, "token": token, "form": form, "feed": feed_url(customer), "asked": erasure.waiting(customer)}
    return render(request, "booking/customer_data.html", context, status=400 if form.errors else 200)


@require_safe
@by_link
def export(request: HttpRequest, token: str) -> HttpResponseBase:
    """Everything that is stored about the person, as a file that people and programs can read (GDPR, article 20)."""
    told = personal_data.of(Customer.objects.same_person(_found(token)))
    response = JsonResponse(told, json_dumps_params={"indent": 2, "ensure_ascii": False})
    response["Content-Disposition"] = 'attachment; filename="my-data.json"'
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@by_link
def erase(request: HttpRequest, token: str) -> HttpResponseBase:
    """Asks first; sent, the wish is noted for the people of the shop, however often it is sent."""
    customer = _found(token)
    if request.method == "POST":
        erasure.ask(customer, now=timezone.now())
        messages.success(request, _("We have received your wish and will erase your data."))
        return redirect("booking:customer_data", token)
    return render(request, "booking/customer_erase.html", {"customer": customer, "token": token})


def _found(token: str) -> Customer:
    customer = customer_for(token)
    if customer is None:
        raise UnknownLink
    return customer
