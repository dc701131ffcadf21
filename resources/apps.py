"""The app of rooms and other resources."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ResourcesConfig(AppConfig):
    name = "resources"
    verbose_name = _("Rooms and resources")
    default_auto_field = "django.db.models.BigAutoField"
