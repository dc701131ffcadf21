"""PURE three-way merge of snapshots: what both sides had, what each has now."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Snapshot = dict[str, Any]
Priority = Literal["ours", "theirs", "newest"]


@dataclass(frozen=True, slots=True)
class Lost:
    """A value that gave way because both sides changed the same group."""

    group: str
    winner: Literal["ours", "theirs"]
    value: Any


@dataclass(frozen=True, slots=True)
class Merged:
    """`value` is the agreement; `take` are the groups to apply here, `give` those to write there."""

    value: Snapshot
    take: tuple[str, ...] = ()
    give: tuple[str, ...] = ()
    lost: tuple[Lost, ...] = field(default=())


def merge(
    base: Snapshot, ours: Snapshot, theirs: Snapshot, priority: Priority, *, ours_at: datetime | None = None, theirs_at: datetime | None = None
) -> Merged:
    """Group by group: a change on one side wins, equal changes agree, a conflict is settled by `priority`.

    With "newest" an unknown time loses, and ours wins a draw. A group missing in `base` counts as changed on both sides.
    """
    value: Snapshot = {}
    take: list[str] = []
    give: list[str] = []
    lost: list[Lost] = []
    for group in ours:
        mine, other, before = ours[group], theirs.get(group, ours[group]), base.get(group)
        if mine == other:
            value[group] = mine
        elif other == before:
            value[group] = mine
            give.append(group)
        elif mine == before:
            value[group] = other
            take.append(group)
        elif _ours_wins(priority, ours_at, theirs_at):
            value[group] = mine
            give.append(group)
            lost.append(Lost(group, "ours", other))
        else:
            value[group] = other
            take.append(group)
            lost.append(Lost(group, "theirs", mine))
    return Merged(value, tuple(take), tuple(give), tuple(lost))


def _ours_wins(priority: Priority, ours_at: datetime | None, theirs_at: datetime | None) -> bool:
    if priority != "newest":
        return priority == "ours"
    return theirs_at is None or (ours_at is not None and ours_at >= theirs_at)


def changed(before: Snapshot, after: Snapshot) -> tuple[str, ...]:
    """The groups of `after` that differ from `before`."""
    return tuple(group for group, value in after.items() if before.get(group) != value)
