"""Who puts what was booked into the customer's calendar besides our mail: then the mail carries no .ics, or it would be there twice."""

from __future__ import annotations

from collections.abc import Callable

from django.db.models import Model

_inviters: list[Callable[[Model], bool]] = []


def register(invites: Callable[[Model], bool]) -> None:
    """Other apps do so when they are ready. `invites(item)`: whether they invite the customers of an appointment or a period of an event themselves."""
    if invites not in _inviters:
        _inviters.append(invites)


def is_entered(item: Model) -> bool:
    return any(invites(item) for invites in _inviters)
