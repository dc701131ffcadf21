"""The harbour as a Django app: listens to what the shop announces."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class IntegrationsConfig(AppConfig):
    name = "integrations"
    verbose_name = _("Calendars and other systems")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from booking import health
        from booking.actions import erasure
        from booking.notifications import channels, elsewhere
        from booking.pages import menu
        from booking.pages.access import has_diary
        from booking.signals import item_changed
        from integrations import outbox
        from integrations.channel import Webhook
        from integrations.erasure import forget
        from integrations.local import invites_customers
        from integrations.pages import history

        item_changed.connect(outbox.on_item_changed, dispatch_uid="integrations.outbox")
        elsewhere.register(invites_customers)
        erasure.register(forget)
        channels.register(Webhook())
        health.register("outbox", outbox.oldest_due)
        menu.register(menu.Tab(_("External services"), "integrations:calendars", icon="calendar-check", position=20, visible=has_diary))
        menu.register(menu.Tab(_("Sync history"), "integrations:history", icon="clock-history", position=30, visible=has_diary))
        menu.register_section(menu.Section("integrations/_item_history.html", history.of_item))
