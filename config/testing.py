"""The settings of the test suite: those of config.settings with KALENDS_TESTING=1."""

from __future__ import annotations

import os

# Also inherited by the servers and workers that tests start.
os.environ["KALENDS_TESTING"] = "1"
# Whatever the shell exports for the demo or for production must not change a test.
for name in ("DEBUG", "KALENDS_DEMO", "SITE_URL", "ALLOWED_HOSTS", "KALENDS_PRIVATE_HOSTS", "PUSH_ADDRESS", "HOLIDAYS_COUNTRY", "HOLIDAYS_SUBDIVISION"):
    os.environ.pop(name, None)

from config.settings import *  # noqa: E402, F403
from config.settings import INSTALLED_APPS as SHIPPED  # noqa: E402

INSTALLED_APPS = [*SHIPPED, "integrations.testing.apps.MemoryConfig"]
WAKE_SECONDS = 0  # a test looks at once
CELERY_BROKER_TRANSPORT_OPTIONS = {"polling_interval": 0.05}  # memory: a worker inside a test looks once a second otherwise
