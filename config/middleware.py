"""Middleware: the client's true address, access log, limits of a session, second factor for staff."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from config.logs import safe_path

log = logging.getLogger("kalends.access")

GetResponse = Callable[[HttpRequest], HttpResponse]
HOUR = 3600


def client_address(*, peer: str, forwarded_for: str, trusted_proxies: int) -> str:
    """The client's address: the entry that the outermost of our own proxies wrote.

    Each trusted proxy appends the address it was called from, so with N of them the N-th entry from
    the right is the client; everything left of it was sent by the client and proves nothing.
    """
    if trusted_proxies <= 0:
        return peer
    entries = [entry.strip() for entry in forwarded_for.split(",") if entry.strip()]
    if len(entries) < trusted_proxies:
        # The request did not come through all of our proxies.
        return peer
    return entries[-trusted_proxies]


class ClientAddressMiddleware:
    """Puts the client's address into REMOTE_ADDR, where throttles and logs look for it."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.META["REMOTE_ADDR"] = client_address(
            peer=request.META.get("REMOTE_ADDR", ""),
            forwarded_for=request.META.pop("HTTP_X_FORWARDED_FOR", ""),
            trusted_proxies=settings.TRUSTED_PROXY_COUNT,
        )
        return self.get_response(request)


class AccessLogMiddleware:
    """One line per request, with the route instead of the path: paths of customer links are secrets."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = time.monotonic()
        response = self.get_response(request)
        log.info(
            "%s %s %s %.0f ms",
            request.method,
            safe_path(request),
            response.status_code,
            (time.monotonic() - started) * 1000,
        )
        return response


class SessionLimitMiddleware:
    """Ends a session after SESSION_ABSOLUTE_SECONDS; prolongs it while it is used."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Anonymous visitors keep their session untouched: no cookie, no write.
        if request.session.get("_auth_user_id") and request.user.is_authenticated:
            now = int(time.time())
            begun = request.session.setdefault("begun_at", now)
            if now - begun > settings.SESSION_ABSOLUTE_SECONDS:
                logout(request)
            elif now - request.session.get("seen_at", 0) > HOUR:
                # At most one write per hour; saving moves the idle limit.
                request.session["seen_at"] = now
        response = self.get_response(request)
        if request.user.is_authenticated and not response.has_header("Cache-Control"):
            # What somebody sees signed in is kept by no cache (ASVS 5.0, 14.3.2).
            response["Cache-Control"] = "no-store, private"
        return response


class StaffMfaMiddleware:
    """With REQUIRE_STAFF_MFA, staff reach nothing but their second factor's set-up until they have one."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if self.blocks(request):
            return redirect("mfa_index")
        return self.get_response(request)

    @staticmethod
    def blocks(request: HttpRequest) -> bool:
        if not settings.REQUIRE_STAFF_MFA or not request.user.is_authenticated:
            return False
        if not request.user.is_staff or is_mfa_enabled(request.user):
            return False
        open_prefixes = (reverse("mfa_index"), reverse("account_reauthenticate"))
        open_paths = {reverse("account_logout"), reverse("account_reauthenticate")}
        return request.path not in open_paths and not request.path.startswith(open_prefixes)
