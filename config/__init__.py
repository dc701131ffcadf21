"""The composition root: it may name every app, and no app imports it."""

from __future__ import annotations

from config.celery import app as celery_app

__all__ = ["celery_app"]
