"""What `manage.py check --deploy` asks of the broker: it must not throw away what waits there."""

from __future__ import annotations

import redis
from django.conf import settings
from django.core import checks

PATIENCE = 3  # seconds


@checks.register(deploy=True)
def keeps_what_it_is_given(**kwargs: object) -> list[checks.CheckMessage]:
    """That a task is not delivered twice as a rule is seen to where the settings are read; this only Redis itself can tell."""
    if not settings.CELERY_BROKER_URL.startswith(("redis:", "rediss:")):
        return []
    try:
        with redis.Redis.from_url(settings.CELERY_BROKER_URL, socket_connect_timeout=PATIENCE, socket_timeout=PATIENCE) as broker:
            policy = broker.info("memory").get("maxmemory_policy", "noeviction")
    except redis.RedisError as error:
        hint = "Start it, or mend CELERY_BROKER_URL. Until then nothing is done in the background."
        return [checks.Warning(f"The broker does not answer ({type(error).__name__}).", hint=hint, id="config.W001")]
    if policy == "noeviction":
        return []
    hint = "Set maxmemory-policy noeviction in redis.conf. What is lost is found again, but only by the sweep."
    return [checks.Warning(f"Redis throws away waiting tasks when its memory is full ({policy}).", hint=hint, id="config.W002")]
