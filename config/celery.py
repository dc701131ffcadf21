"""The Celery application; which tasks run when is in config/schedule.py."""

from __future__ import annotations

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("kalends")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
