"""The Celery application; which tasks run when is in config/schedule.py."""

from __future__ import annotations

import os

from celery import Celery

from config import broker

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

broker.install()
app = Celery("kalends")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
