"""Wakes background work once the transaction is through. If nobody hears it, the sweep finds the work: the tables are the truth, Celery the
alarm clock."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from celery import current_app
from django.conf import settings
from django.db import connection, transaction

if TYPE_CHECKING:
    from celery import Task

logger = logging.getLogger(__name__)

Call = tuple[str, Sequence[Any]]
"""(name of a task, its arguments)"""


class _Bell:
    """Gathers calls for WAKE_SECONDS, because a message takes longer than a commit, and sends them from a thread: who has booked doesn't wait for the
    broker. A process that ends waits for the thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: dict[str, Call] = {}
        self._thread: threading.Thread | None = None

    def ring(self, calls: Sequence[Call]) -> None:
        with self._lock:
            self._calls |= {repr(call): call for call in calls}
            if self._thread is None or not self._thread.is_alive():  # a process that was forked has none
                self._thread = threading.Thread(target=self._send, name="bell")
                try:
                    self._thread.start()
                except RuntimeError:
                    logger.warning("No thread can be started; the sweep will find what is waiting.", exc_info=True)

    def _send(self) -> None:
        while True:
            time.sleep(settings.WAKE_SECONDS)
            with self._lock:
                calls, self._calls = [*self._calls.values()], {}
                if not calls:
                    self._thread = None
                    return
            wake(calls)


_bell = _Bell()


class _Calls(list[Call]):
    def __call__(self) -> None:
        if settings.WAKE_SECONDS:
            _bell.ring(self)
        else:
            wake(self)


def wake_after_commit(task: Task, *args: Any) -> None:
    """Adds it to what this transaction wakes."""
    here = set(connection.savepoint_ids)
    for savepoints, hook, *_ in connection.run_on_commit:
        if isinstance(hook, _Calls) and savepoints == here:
            hook.append((task.name, args))
            return
    transaction.on_commit(_Calls([(task.name, args)]))


def wake(calls: Sequence[Call]) -> None:
    """By a single message, which takes as long to send as three rows to write: more calls than one are passed on by the worker that gets it."""
    from booking.tasks import wake_each

    if not calls:
        return
    name, args = calls[0] if len(calls) == 1 else (wake_each.name, [calls])
    try:
        current_app.tasks[name].apply_async(args, retry=False)
    except Exception:  # whatever the broker's library raises: the change is saved and must be answered
        logger.warning("The broker does not answer; the sweep will find what is waiting.", exc_info=True)
