"""Is everything running? Each check says so by itself; other apps register theirs in ready()."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from celery import current_app
from django.core.cache import cache
from django.db import connection
from kombu.exceptions import OperationalError as BrokerDown

from booking.models import Message
from booking.models.message import EMAIL

log = logging.getLogger(__name__)

HEARTBEAT = "health:worker"
# The schedule beats every 30 s by default.
SILENCE = timedelta(minutes=2)
WAITING = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found; `since` is the instant it speaks of."""

    ok: bool
    detail: str = ""
    since: datetime | None = None


Check = Callable[[datetime], Finding]
checks: dict[str, Check] = {}


def register(name: str, check: Check) -> None:
    """Adds a check; it gets `now`. One that raises counts as failed."""
    checks[name] = check


def beat(now: datetime) -> None:
    """Called by a task every half minute: proves that the schedule, the broker and a worker are alive. The cache is shared by all processes."""
    cache.set(HEARTBEAT, now, timeout=None)


def report(now: datetime) -> dict[str, Finding]:
    return {name: _run(name, check, now) for name, check in checks.items()}


def oldest(waiting: datetime | None, now: datetime) -> Finding:
    """Of a queue whose first open row has been due since `waiting`; None: nothing is."""
    return Finding(ok=waiting is None or now - waiting < WAITING, since=waiting)


def _run(name: str, check: Check, now: datetime) -> Finding:
    try:
        return check(now)
    except Exception as error:  # any failure of what is checked is the finding
        log.exception("Health check %s failed", name)
        return Finding(ok=False, detail=type(error).__name__)


def _database(now: datetime) -> Finding:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return Finding(ok=True, detail=connection.vendor)


def _broker(now: datetime) -> Finding:
    try:
        with current_app.connection_for_write(connect_timeout=2) as broker:
            broker.ensure_connection(max_retries=1, interval_start=0, interval_step=0, timeout=2)
            return Finding(ok=True, detail=str(broker.transport_cls))
    except (BrokerDown, OSError) as error:
        return Finding(ok=False, detail=type(error).__name__)


def _worker(now: datetime) -> Finding:
    beaten: datetime | None = cache.get(HEARTBEAT)
    return Finding(ok=beaten is not None and now - beaten < SILENCE, since=beaten)


def _messages(now: datetime) -> Finding:
    """Mails: another system that takes no news is no trouble of ours."""
    due = Message.objects.filter(channel=EMAIL, state=Message.State.OPEN, not_before__lte=now).order_by("not_before")
    return oldest(due.values_list("not_before", flat=True).first(), now)


register("database", _database)
register("broker", _broker)
register("worker", _worker)
register("messages", _messages)
