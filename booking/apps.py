"""The shop as a Django app."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class BookingConfig(AppConfig):
    name = "booking"
    verbose_name = _("Booking")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from booking import checks  # noqa: F401 - registers them
        from booking.pages import menu
        from booking.pages.access import has_diary

        menu.register(menu.Tab(_("Diary"), "booking:profile", icon="journal-text", position=10, visible=has_diary))
        menu.register(menu.Tab(_("Working hours"), "booking:hours", icon="clock", position=15, visible=has_diary))
        menu.register(menu.Tab(_("Why (not) free?"), "booking:why", icon="question-circle", position=40, visible=has_diary))
