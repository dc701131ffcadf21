"""Celery: broker, delivery promises and time limits."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ImproperlyConfigured

from config.settings import environment as env

__all__ = [
    "CELERY_ACCEPT_CONTENT",
    "CELERY_BEAT_SCHEDULER",
    "CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP",
    "CELERY_BROKER_TRANSPORT_OPTIONS",
    "CELERY_BROKER_URL",
    "CELERY_ENABLE_UTC",
    "CELERY_RESULT_BACKEND_TRANSPORT_OPTIONS",
    "CELERY_TASK_ACKS_LATE",
    "CELERY_TASK_IGNORE_RESULT",
    "CELERY_TASK_REJECT_ON_WORKER_LOST",
    "CELERY_TASK_SERIALIZER",
    "CELERY_TASK_SOFT_TIME_LIMIT",
    "CELERY_TASK_TIME_LIMIT",
    "CELERY_TIMEZONE",
    "CELERY_VISIBILITY_TIMEOUT",
    "CELERY_WORKER_HIJACK_ROOT_LOGGER",
    "CELERY_WORKER_POOL",
    "CELERY_WORKER_PREFETCH_MULTIPLIER",
    "CELERY_WORKER_SEND_TASK_EVENTS",
    "DJANGO_CELERY_BEAT_TZ_AWARE",
    "WAKE_SECONDS",
]


# A request that rings for a task must not wait seconds for a broker that is away: the sweep finds the work (kombu: 6 s by default).
IMPATIENT = {"max_retries": 1, "interval_start": 0, "interval_step": 0.2, "interval_max": 0.2}


def transport_options(url: str, visibility_timeout: int) -> dict[str, Any]:
    """kombu's options for a broker; the filesystem transport needs folders that exist."""
    if url.startswith("filesystem:"):
        queue, control = env.VAR_DIR / "broker" / "queue", env.VAR_DIR / "broker" / "control"
        for folder in (queue, control):
            folder.mkdir(parents=True, exist_ok=True)
        # One folder for both directions: what a process sends, the worker reads.
        return {
            "data_folder_in": str(queue),
            "data_folder_out": str(queue),
            "control_folder": str(control),
            "polling_interval": 0.2,
        }
    if url.startswith(("redis:", "rediss:", "sentinel:")):
        return {"visibility_timeout": visibility_timeout, **IMPATIENT}
    return dict(IMPATIENT) if url.startswith(("amqp:", "amqps:", "pyamqp:")) else {}


CELERY_BROKER_URL = env.text("CELERY_BROKER_URL", "memory://localhost" if env.TESTING else "filesystem://localhost")
# How long what is woken is gathered: many bookings are one message, and none waits for the broker.
WAKE_SECONDS = 0.05

# A task that outlives the visibility timeout is delivered a second time while it still runs.
CELERY_TASK_TIME_LIMIT = env.number("CELERY_TASK_TIME_LIMIT", 900, least=1)
CELERY_TASK_SOFT_TIME_LIMIT = max(1, CELERY_TASK_TIME_LIMIT - 60)
CELERY_VISIBILITY_TIMEOUT = env.number("CELERY_VISIBILITY_TIMEOUT", 3600, least=1)
if CELERY_VISIBILITY_TIMEOUT <= CELERY_TASK_TIME_LIMIT:
    raise ImproperlyConfigured(
        f"CELERY_VISIBILITY_TIMEOUT ({CELERY_VISIBILITY_TIMEOUT} s) must be longer than"
        f" CELERY_TASK_TIME_LIMIT ({CELERY_TASK_TIME_LIMIT} s), or running tasks are started twice."
    )
CELERY_BROKER_TRANSPORT_OPTIONS = transport_options(CELERY_BROKER_URL, CELERY_VISIBILITY_TIMEOUT)
CELERY_RESULT_BACKEND_TRANSPORT_OPTIONS = {"visibility_timeout": CELERY_VISIBILITY_TIMEOUT}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True

CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_ENABLE_UTC = True
CELERY_TIMEZONE = "UTC"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# Without an event loop for the broker, Celery's processes share one pipe and its lock: the one that is killed while it waits for work takes the
# lock with it, and the others are deaf for ever. Threads die only together, and then the worker is started again. Redis and AMQP have the loop.
CELERY_WORKER_POOL = "threads" if CELERY_BROKER_URL.startswith("filesystem:") else "prefork"
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
DJANGO_CELERY_BEAT_TZ_AWARE = True
