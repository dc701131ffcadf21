"""The harbour as a Django app: listens to what the shop announces."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class IntegrationsConfig(AppConfig):
    name = "integrations"
    verbose_name = _("Calendars and other systems")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from booking.signals import item_changed
        from integrations import outbox

        item_changed.connect(outbox.on_item_changed, dispatch_uid="integrations.outbox")
