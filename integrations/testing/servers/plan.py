"""What goes wrong at a local server: chosen by a seed, or set for the next requests; printed by its `log`."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from integrations.testing.servers.discovery import Refusal
from integrations.testing.servers.wire import Answer

PAGE = b"<!doctype html><title>Sorry</title><p>Back soon"

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
    `on`: "" for any request, or one of the names it is told of: "read", "write", "delta", a method, "token", "revoke", "userinfo". `after`: the Retry-After of refusals. 410 by chance
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

    def around(self, fault: str, work: Callable[[], Answer | None]) -> Answer | None:
        """The answer that `work` gives, spoiled by a fault; None: the connection breaks. Raises Refusal."""
        if fault == "slow":
            time.sleep(self.seconds)
        if ":" in fault:
            status, _, reason = fault.partition(":")
            raise Refusal(int(status), reason, "Said in words", domain="usageLimits" if "imit" in reason else "global", after=self.after)
        if fault == "cut-before":
            return None
        if fault == "page":
            return 200, {"Content-Type": "text/html"}, PAGE
        answer = work()
        if fault == "cut-after" or answer is None:
            return None
        if fault == "500-after":
            raise Refusal(500, "backendError", "Backend Error")
        return (answer[0], answer[1], answer[2][: len(answer[2]) // 2]) if fault == "truncate" else answer
