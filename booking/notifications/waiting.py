"""What a mail about the waiting list consists of, and whether it must still be sent."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from django.utils import timezone

from booking.availability import Slot
from booking.availability.waiting import free_for
from booking.models import Message, WaitingEntry
from booking.notifications.content import Content, Reader
from booking.notifications.placeholders.values import known_zone
from booking.notifications.placeholders.waiting_values import values_for_waiting


@dataclass(frozen=True, slots=True)
class Told:
    state: str

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def current(entry: WaitingEntry) -> Told:
    return Told(entry.state)


def needless(message: Message) -> str:
    """Looked at when it is about to be sent: what was free may be taken by then."""
    entry = entry_of(message)
    if not entry.is_waiting:
        return "Nobody waits any more."
    if message.kind == Message.Kind.FREED and not _free(entry):
        return "Nothing is free any more."
    return ""


def content(message: Message) -> Content:
    entry = entry_of(message)
    free = [(slot.start, slot.end) for slot in _free(entry)] if message.kind == Message.Kind.FREED else []
    return Content(
        reader=Reader(entry.customer.full_name, entry.language, known_zone(entry.timezone)),
        folder="waiting",
        wording=str(message.kind),
        values=values_for_waiting(entry, free=free),
        customer=entry.customer,
        employee=entry.employee,
    )


def entry_of(message: Message) -> WaitingEntry:
    assert message.waiting is not None
    return message.waiting


def _free(entry: WaitingEntry) -> list[Slot]:
    return free_for(entry, timezone.now())
