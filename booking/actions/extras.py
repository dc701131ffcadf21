"""Writes the extras of a booking."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from typing import NamedTuple

from booking.models import Attendance, BookedExtra, Extra


class Chosen(NamedTuple):
    """So many of an extra."""

    extra: Extra
    quantity: int


def added(chosen: Iterable[Chosen]) -> timedelta:
    """How much longer the appointment gets."""
    return timedelta(minutes=sum(one.extra.duration * one.quantity for one in chosen))


def price_of(chosen: Iterable[Chosen]) -> Decimal:
    return sum((one.extra.price * one.quantity for one in chosen), Decimal(0))


def note(attendance: Attendance, chosen: Iterable[Chosen]) -> None:
    """Keeps them as they are now: what is changed in the catalogue later changes no booking."""
    BookedExtra.objects.bulk_create(
        BookedExtra(attendance=attendance, extra=one.extra, name=one.extra.name, quantity=one.quantity, duration=one.extra.duration, price=one.extra.price)
        for one in chosen
    )
