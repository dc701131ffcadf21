"""When a calendar is free."""

from __future__ import annotations

from booking.availability.explain import Explanation, Reason, explain
from booking.availability.search import Found, Slot, Wanted, find_slots, find_spans, is_bookable, next_slot

__all__ = ["Explanation", "Found", "Reason", "Slot", "Wanted", "explain", "find_slots", "find_spans", "is_bookable", "next_slot"]
