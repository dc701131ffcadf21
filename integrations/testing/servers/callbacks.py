"""Calls that a server makes to who wants to be told: one after the other, in the background, each once."""

from __future__ import annotations

import queue
import threading
from typing import Any

import httpx


class Callbacks:
    """A call is (address, what httpx.post is given). The real services try again for a while; here once is enough, for a pull is the truth."""

    def __init__(self) -> None:
        self._queue: queue.Queue[tuple[str, dict[str, Any]] | None] = queue.Queue()
        self._thread: threading.Thread | None = None

    def answered(self, given: dict[str, Any], status: int) -> None:
        """A call was made; `status` of its answer, 0 for none."""
        raise NotImplementedError

    def call(self, address: str, **given: Any) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, daemon=True)
            self._thread.start()
        self._queue.put((address, given))

    def _work(self) -> None:
        with httpx.Client(timeout=10, trust_env=False) as client:
            while (call := self._queue.get()) is not None:
                try:
                    status = client.post(call[0], **call[1]).status_code
                except httpx.HTTPError:
                    status = 0
                self.answered(call[1], status)
                self._queue.task_done()

    def settle(self) -> None:
        """Waits until all calls have been made."""
        self._queue.join()

    def close(self) -> None:
        self._queue.put(None)
        if self._thread:
            self._thread.join(5)
