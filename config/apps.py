"""The app of the composition root: it writes the schedule after each migration."""

from __future__ import annotations

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    name = "config"
    verbose_name = "Kalends"
