"""When a calendar is free."""

from __future__ import annotations

from booking.availability.search import Slot, find_slots, find_spans, is_bookable, next_slot

__all__ = ["Slot", "find_slots", "find_spans", "is_bookable", "next_slot"]
