"""PURE: what Graph calls a time zone: the names Windows knows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

_DAYS = tuple(datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(days=number) for number in range(731))
_WINDOWS = {zone: name for name, zone in WINDOWS_TO_OLSON.items()}


@lru_cache(maxsize=512)
def windows(name: str) -> str:
    """The Windows name of an IANA zone: its own, or that of one with the same offsets on each day of two years; "" for none."""
    zone = ZoneInfo(name)
    if name in _WINDOWS:
        return _WINDOWS[name]
    offsets = [zone.utcoffset(day) for day in _DAYS]
    if not any(offsets):
        return "UTC"
    return next((windows for iana, windows in _WINDOWS.items() if [ZoneInfo(iana).utcoffset(day) for day in _DAYS] == offsets), "")
