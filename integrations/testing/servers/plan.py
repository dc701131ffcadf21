"""What goes wrong at a local server: chosen by a seed, or set for the next requests; printed by its `log`."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

KINDS = (
    "cut-before",
    "cut-after",
    "500-after",
    "503:backendError",
    "429:rateLimitExceeded",
    "403:rateLimitExceeded",
    "page",
    "truncate",
    "410:fullSyncRequired",
)


@dataclass
class Plan:
    """Which request of the application fails how. `rate` of all fail, chosen by `seed`; `then` sets the next ones. kind: cut-before and cut-after (the
    connection breaks before or after the work), 500-after, page (200 with HTML), truncate (half an answer), slow (`seconds`), or "status:reason".
    `on`: "" for any request, or one of the names it is told of: "read", "write", "delta", a method. `after`: the Retry-After of refusals. 410 by chance
    only befalls a delta."""

    seed: int = 0
    rate: float = 0.0
    kinds: Sequence[str] = KINDS
    after: str = ""
    seconds: float = 1.0
    log: list[tuple[int, str, str]] = field(default_factory=list)
    _next: list[tuple[str, str]] = field(default_factory=list)
    _calls: int = 0

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311 - repeatable, not secret

    def then(self, kind: str, on: str = "", times: int = 1) -> None:
        self._next += [(on, kind)] * times

    def stop(self) -> None:
        self.rate, self._next = 0.0, []

    def take(self, *names: str) -> str:
        self._calls += 1
        kind = ""
        for place, (on, planned) in enumerate(self._next):
            if on == "" or on in names:
                del self._next[place]
                kind = planned
                break
        else:
            if self._random.random() < self.rate:
                kind = self._random.choice(list(self.kinds))
                kind = "" if kind.startswith("410:") and "delta" not in names else kind
        if kind:
            self.log.append((self._calls, " ".join(names), kind))
        return kind
