"""Wakes background work once the transaction is through. If nobody hears it, the sweep finds the work: the tables are the truth, Celery the
alarm clock."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from celery import current_app
from django.db import connection, transaction

if TYPE_CHECKING:
    from celery import Task

logger = logging.getLogger(__name__)

Call = tuple[str, Sequence[Any]]
"""(name of a task, its arguments)"""


class _Calls(list[Call]):
    def __call__(self) -> None:
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
