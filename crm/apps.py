"""Meetings as a Django app: a tab of the profile."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CrmConfig(AppConfig):
    name = "crm"
    verbose_name = _("Activities")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from booking.pages import menu
        from crm.pages.access import has_meetings

        menu.register(menu.Tab(_("Meetings"), "crm:meetings", icon="people", position=15, visible=has_meetings))
