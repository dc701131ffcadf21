"""What can go wrong when somebody books; each says it in words that may be shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from booking.availability import Slot


class BookingError(Exception):
    """Base: `str(error)` is a translated sentence for the person; `code` is for programs."""

    code = "invalid"


class SlotTaken(BookingError):
    """The time was free a moment ago or never was; `slots` are the nearest that are free, looked for by `nearest` when they are asked for: after the
    transaction, and not for a request that turns out to be a repetition. `left`: places that are left there, fewer than wanted."""

    code = "slot_taken"

    def __init__(self, message: str, left: int = 0) -> None:
        super().__init__(message)
        self.left = left
        self.nearest: Callable[[], Sequence[Slot]] = tuple

    @cached_property
    def slots(self) -> list[Slot]:
        return list(self.nearest())


class StillFree(BookingError):
    """Nobody needs to wait: `slots` are free."""

    code = "still_free"

    def __init__(self, message: str, slots: Sequence[Slot]) -> None:
        super().__init__(message)
        self.slots = list(slots)


class TooLate(BookingError):
    """The notice that the service asks for has passed."""

    code = "too_late"


class WrongState(BookingError):
    """The appointment is no longer in a state that allows this."""

    code = "wrong_state"


class NotOpen(BookingError):
    """The event doesn't take registrations now: not yet, no longer, or it doesn't take place."""

    code = "not_open"


class SoldOut(BookingError):
    """Fewer places are left than were asked for; `left` is how many."""

    code = "sold_out"

    def __init__(self, message: str, left: int) -> None:
        super().__init__(message)
        self.left = left


class LimitReached(BookingError):
    """The customer has booked the service as often as one may."""

    code = "limit_reached"


class TooMany(BookingError):
    """A limit that protects people from being flooded with mails."""

    code = "too_many"
