"""The profile's page of one event: for whoever organises it or helps, and for managers."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from booking.models import Event, Registration
from booking.pages.access import personal, sees_all
from booking.pages.changes import Entry, changes_of


@require_safe
@login_required
@personal
def event(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Times, places, and who has registered; changed in the administration."""
    own = Event.objects.select_related("location", "organizer").prefetch_related("periods", "staff").with_taken()
    if not sees_all(request.user):
        user = request.user.pk or 0
        own = own.filter(Q(organizer__user_id=user) | Q(pk__in=Event.objects.filter(staff__user_id=user).values("pk")))
    found = get_object_or_404(own, pk=pk)
    context = {
        "event": found,
        "registrations": found.registrations.filter(status=Registration.Status.REGISTERED).select_related("customer").order_by("created_at"),
        "changes": _changes(found),
        "may_change": request.user.has_perm("booking.change_event"),
    }
    return render(request, "booking/staff_event.html", context)


def _changes(event: Event) -> list[Entry]:
    """The event's history and that of its periods, the newest first."""
    of_periods = [entry for period in event.periods.all() for entry in changes_of(period) if not entry.created]
    return sorted([*changes_of(event), *of_periods], key=lambda entry: entry.at, reverse=True)
