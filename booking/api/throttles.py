"""How often one address may ask. Hinders abuse; correctness never rests on it."""

from __future__ import annotations

import ipaddress
import time
from typing import Any

from django.core.cache import cache
from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.throttling import ScopedRateThrottle
from rest_framework.views import APIView

OFF = "off"


class AddressThrottle(ScopedRateThrottle):
    """Counts in fixed windows by add and incr, which shared caches do atomically; a list of times, as the base class keeps, loses
    those that come at the same moment. The rate "off" switches a scope off.

    The address is REMOTE_ADDR: a middleware has put the client's there, as far as proxies are trusted. X-Forwarded-For is not read.
    """

    def allow_request(self, request: Request, view: APIView) -> bool:
        rate = str(api_settings.DEFAULT_THROTTLE_RATES[view.throttle_scope])  # type: ignore[attr-defined]
        if rate == OFF:
            return True
        allowed, seconds = self.parse_rate(rate)
        window, gone = divmod(time.time(), seconds)
        self.left: float = seconds - gone
        key = f"throttle:{view.throttle_scope}:{network(request.META['REMOTE_ADDR'])}:{int(window)}"  # type: ignore[attr-defined]
        cache.add(key, 0, timeout=seconds + 1)
        try:
            return bool(cache.incr(key) <= allowed)
        except ValueError:  # the window ended, or the cache was emptied, in between
            return True

    def wait(self) -> float:
        return self.left

    def parse_rate(self, rate: str | None) -> Any:
        """ "30/min" as (30, 60)."""
        return super().parse_rate(rate)


def network(address: str) -> str:
    """What counts as one client: an IPv4 address, or the /64 that one IPv6 household gets."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:  # a Unix socket has none
        return "unknown"
    if parsed.version == 6:
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
