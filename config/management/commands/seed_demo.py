"""`manage.py seed_demo`: migrates and fills the demo's database; a second run adds nothing."""

from __future__ import annotations

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from config.demo import seed
from config.demo.connect import connect_calendars, set_up_sign_in


class Command(BaseCommand):
    help = "Migrates, and fills the demo with a small salon. Only with KALENDS_DEMO=1: its passwords are public."

    def handle(self, *args: object, **options: object) -> None:
        if not settings.KALENDS_DEMO:
            raise CommandError("This writes accounts with public passwords; it runs only with KALENDS_DEMO=1 (`make demo`).")
        call_command("migrate", verbosity=0)
        seed.salon()
        set_up_sign_in()
        connect_calendars()
