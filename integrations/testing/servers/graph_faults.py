"""Which calls to the server that speaks Graph fail, and how: by a seed, or the next one as told."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

# lose-before: nothing was done. lose-after: done, the answer got lost. busy: 429. stale: 412 to a write. expired: 410 to a delta link, without a word why.
# late-error: done, then 504. page: 200 with HTML. truncate: half the body. no-link: a listing that does not say where it goes on.
# A part of a batch may be busy, stale, refused, revoked or a late-error.
FAULTS = ("lose-before", "lose-after", "busy", "stale", "expired", "late-error", "page", "truncate", "no-link")


@dataclass
class FaultPlan:
    """`rate` of all calls fail, chosen by `seed` among `kinds`; `then` sets single faults for the next calls. `after`: seconds a busy server asks for.
    Methods are read, write and part (of a batch). `log` holds (number of the call, method, kind)."""

    seed: int = 0
    rate: float = 0.0
    kinds: Sequence[str] = FAULTS
    after: float | None = None
    log: list[tuple[int, str, str]] = field(default_factory=list)
    _next: list[tuple[str, str]] = field(default_factory=list)
    _calls: int = 0

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311 - repeatable, not secret

    def then(self, kind: str, method: str = "") -> None:
        """The next call (of `method`) fails so."""
        self._next.append((method, kind))

    def stop(self) -> None:
        self.rate, self._next = 0.0, []

    def take(self, method: str) -> str:
        self._calls += 1
        planned = next((one for one in self._next if one[0] in ("", method)), None)
        if planned:
            self._next.remove(planned)
        kind = planned[1] if planned else self._random.choice(list(self.kinds)) if self._random.random() < self.rate else ""
        if kind:
            self.log.append((self._calls, method, kind))
        return kind
