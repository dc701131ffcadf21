"""What is free for those who wait."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from booking.availability.search import Slot, find_slots
from booking.models import WaitingEntry


def free_for(entry: WaitingEntry, now: datetime) -> list[Slot]:
    """What it could be given now, each time once."""
    return with_slots([entry], now)[0][1]


def with_slots(entries: Sequence[WaitingEntry], now: datetime) -> list[tuple[WaitingEntry, list[Slot]]]:
    """Each with what is free on its days. Asked once for all who wait for the same."""
    groups: dict[tuple[int, int | None, int], list[WaitingEntry]] = defaultdict(list)
    for entry in entries:
        groups[entry.service_id, entry.employee_id, entry.persons].append(entry)
    found: dict[int, list[Slot]] = {}
    for waiting in groups.values():
        one = waiting[0]
        slots = find_slots(
            service=one.service,
            start=max(now, min(entry.begins_at for entry in waiting)),
            end=max(entry.ends_at for entry in waiting),
            now=now,
            employees=[one.employee] if one.employee else None,
            persons=one.persons,
        )
        times = {slot.start: slot for slot in reversed(slots)}
        for entry in waiting:
            found[id(entry)] = [times[start] for start in sorted(times) if entry.begins_at <= start < entry.ends_at]
    return [(entry, found[id(entry)]) for entry in entries]
