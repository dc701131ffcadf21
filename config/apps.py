"""The app of the composition root: it writes groups and schedule after each migration, and vouches for the addresses of new accounts."""

from __future__ import annotations

from django.apps import AppConfig
from django.db.models.signals import post_migrate, post_save


class ConfigConfig(AppConfig):
    """Last in INSTALLED_APPS, so that every app's tables and permissions exist when it is called."""

    name = "config"
    verbose_name = "Kalends"

    def ready(self) -> None:
        from django.conf import settings
        from django.contrib.auth.models import User

        from config import checks  # noqa: F401 - registers itself
        from config.accounts import vouch_for_new
        from config.groups import ensure_groups
        from config.schedule import ensure_schedule

        post_migrate.connect(ensure_groups, sender=self, dispatch_uid="config.groups")
        post_migrate.connect(ensure_schedule, sender=self, dispatch_uid="config.schedule")
        if settings.KALENDS_DEMO:
            from config.demo import tryout

            tryout.label()
        post_save.connect(vouch_for_new, sender=User, dispatch_uid="config.accounts")
