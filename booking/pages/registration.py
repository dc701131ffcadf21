"""What a customer does with the link from the mail about an event: see the registration, cancel it. Looking changes nothing."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from booking.actions import registrations
from booking.actions.idempotency import Answer, Mismatch, digest, once
from booking.errors import BookingError
from booking.links import registration_for, registration_token
from booking.models import Registration
from booking.pages import stamp
from booking.pages.manage import LIFETIME, UnknownLink, by_link


@require_safe
@by_link
def registration(request: HttpRequest, token: str) -> HttpResponseBase:
    return render(request, "booking/registration.html", _context(_found(token), token))


@require_http_methods(["GET", "HEAD", "POST"])
@by_link
def cancel(request: HttpRequest, token: str) -> HttpResponseBase:
    """Asks; sent, it cancels once, however often: a second click, when the link has already died, is told the same as the first."""
    if request.method != "POST":
        return render(request, "booking/registration_cancel.html", {**_context(_found(token), token), "stamp": stamp.new()})
    try:
        sent = stamp.read(request.POST)
    except stamp.Stale:
        _found(token)
        messages.warning(request, _("The page had been open for too long. Please try again."))
        return redirect(request.get_full_path())

    def withdraw() -> Answer:
        found = _found(token)
        registrations.withdraw(registration=found, now=timezone.now(), by_customer=True, reason="customer's link")
        return 200, {"id": found.uuid.hex, "version": found.link_version}

    try:
        _code, kept = once(key=digest("registration", token, sent.key), request_hash=digest(request.path), do=withdraw)
    except Mismatch:
        raise UnknownLink from None
    except BookingError as error:
        return render(request, "booking/registration.html", {**_context(_found(token), token), "problem": str(error)}, status=409)
    messages.success(request, _("Your registration has been cancelled."))
    return redirect("booking:registration", registration_token(Registration(uuid=UUID(kept["id"]), link_version=kept["version"])))


def _found(token: str) -> Registration:
    found = registration_for(token)
    if found is None or found.event.is_over(timezone.now() - LIFETIME):
        raise UnknownLink
    return found


def _context(found: Registration, token: str) -> dict[str, Any]:
    event = found.event
    begins = min((period.start for period in event.live_periods), default=None)
    coming = found.is_live and event.is_live
    return {
        "token": token,
        "registration": found,
        "event": event,
        "coming": coming,
        "may_cancel": coming and begins is not None and begins > timezone.now(),
    }
