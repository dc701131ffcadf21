"""How often one address may ask for pages. Hinders abuse; correctness never rests on it.

The rates are those of the API (`THROTTLE_BOOK`, `THROTTLE_SLOTS`, `THROTTLE_LINK`), and a booking counts the same through either door.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.cache import cache
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from rest_framework.settings import api_settings

from booking.api.throttles import OFF, AddressThrottle, network

View = Callable[..., HttpResponseBase]


def throttled(scope: str, *, methods: tuple[str, ...] = ("GET", "POST")) -> Callable[[View], View]:
    """Counts each request of these methods; past the rate of `scope` the answer is a page that says so."""

    def wrap(view: View) -> View:
        @wraps(view)
        def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.method in methods and not count(request, scope):
                return too_many(request, scope)
            return view(request, *args, **kwargs)

        return answer

    return wrap


def count(request: HttpRequest, scope: str) -> bool:
    """Counts one; False when it was one too many."""
    return _add(request, scope, 1)


def is_spent(request: HttpRequest, scope: str) -> bool:
    """Whether the next one would be one too many; counts nothing."""
    return not _add(request, scope, 0)


def too_many(request: HttpRequest, scope: str) -> HttpResponseBase:
    _, seconds = rate_of(scope)
    response = render(request, "429.html", status=429)
    response["Retry-After"] = str(int(seconds - time.time() % seconds) + 1)
    response["Cache-Control"] = "no-store"
    return response


def _add(request: HttpRequest, scope: str, number: int) -> bool:
    allowed, seconds = rate_of(scope)
    if not seconds:
        return True
    # The same key as the API's: one address has one allowance.
    key = f"throttle:{scope}:{network(request.META['REMOTE_ADDR'])}:{int(time.time() // seconds)}"
    if not number:
        return int(cache.get(key, 0)) < allowed
    cache.add(key, 0, timeout=seconds + 1)
    try:
        return bool(cache.incr(key) <= allowed)
    except ValueError:  # the window ended, or the cache was emptied, in between
        return True


def rate_of(scope: str) -> tuple[int, int]:
    """(requests, seconds); (0, 0) when the scope is switched off."""
    rate = str(api_settings.DEFAULT_THROTTLE_RATES[scope])
    if rate == OFF:
        return 0, 0
    allowed, seconds = AddressThrottle().parse_rate(rate)
    return int(allowed), int(seconds)
