"""Which calls to a local server fail, and how: the next ones as told, or by a seed; what a kind of fault means, each server says."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class FaultPlan:
    """`rate` of all calls fail, chosen by `seed` among `kinds`; `then` sets the next ones. A call is told by its names: "read", "write", a method, …
    `after`: seconds that a busy server asks for. `log`: (number of the call, its names, kind) of those that failed."""

    seed: int = 0
    rate: float = 0.0
    kinds: Sequence[str] = ()
    after: float | None = None
    log: list[tuple[int, str, str]] = field(default_factory=list)
    _next: list[tuple[str, str]] = field(default_factory=list)
    _calls: int = 0

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311 - repeatable, not secret

    def then(self, kind: str, on: str = "", times: int = 1) -> None:
        """The next calls (that have the name `on`) fail so."""
        self._next += [(on, kind)] * times

    def stop(self) -> None:
        self.rate, self._next = 0.0, []

    def take(self, *names: str) -> str:
        """What is to befall this call; "" for nothing. Cursors expire by chance only where there is one."""
        self._calls += 1
        if planned := next((one for one in self._next if one[0] in ("", *names)), None):
            self._next.remove(planned)
            kind = planned[1]
        else:
            kind = self._random.choice(list(self.kinds)) if self._random.random() < self.rate else ""
            kind = "" if kind.startswith("410:") and "delta" not in names else kind
        if kind:
            self.log.append((self._calls, " ".join(names), kind))
        return kind

    @property
    def wait(self) -> dict[str, str]:
        """The header that says how long to wait."""
        return {} if self.after is None else {"Retry-After": f"{self.after:.0f}"}
