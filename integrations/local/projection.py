"""What a kind of item says of itself to the engine, and where it belongs."""

from __future__ import annotations

from dataclasses import dataclass

from integrations.items import Event
from integrations.models import Link, Pair


@dataclass(frozen=True, slots=True)
class Projection:
    """`event` is what shall be there, None for nothing. `leave`: neither write nor delete, whatever is there. `wait`: look again, a copy may come."""

    event: Event | None = None
    leave: bool = False
    wait: bool = False


def elsewhere(kind: str, item_id: int, link: Link, pair: Pair | None) -> Projection | None:
    """Nothing, or to be left alone, where a link is not the one to show an item of its calendar; None where it is. What its owner has moved to
    a calendar, or entered there, lives there and nowhere else."""
    if pair is not None and pair.mode == "moved":
        return None
    if not link.writes:
        return Projection()
    lives = Pair.objects.filter(kind=kind, item_id=item_id, mode="moved", link__calendar=link.calendar_id).exclude(state=Pair.State.CLOSED)
    return Projection(leave=True) if lives.exists() else None
