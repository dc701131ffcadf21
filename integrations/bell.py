"""Rings the alarm clock of background work. What is to be done stands in a table: if nobody hears it, the sweep finds it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import booking.wake


def ring(task: Any, ids: Iterable[int]) -> None:
    """Has the task run for each id, by whoever works in the background."""
    booking.wake.wake([(task.name, [pk]) for pk in ids])
