"""The calendar of what ends by itself: one's own, or everybody's and the house's for those who see all."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from booking.pages.access import sees_all
from integrations import expiry
from integrations.models import Account
from integrations.pages.access import page, subject

SOON, VERY_SOON = max(expiry.DAYS), min(expiry.DAYS)


@page
@require_safe
def show(request: HttpRequest) -> HttpResponse:
    today, employee = timezone.localdate(), subject(request)
    everything = sees_all(request.user) and "employee" not in request.GET
    owner = employee.user_id if employee else request.user.pk
    theirs = Account.objects.filter(user=owner).exclude(state=Account.State.DISCONNECTING).select_related("user__employee").defer("secrets")
    rows = [
        {"expiry": one, "left": one.left(today), "level": "status-approved" if one.renews else level(one.left(today))}
        for one in expiry.coming(None if everything else theirs)
    ]
    context = {"rows": rows, "everything": everything, "may_set_up": request.user.has_perm("integrations.change_oauthclient")}
    return render(request, "integrations/expiry.html", context)


def level(left: int) -> str:
    """A class of our status badges."""
    return "status-cancelled" if left <= VERY_SOON else "status-pending" if left <= SOON else "status-approved"
