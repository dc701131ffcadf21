"""What runs by itself, and how often at first; afterwards the admin's "Periodic tasks" hold the intervals."""

from __future__ import annotations

from django.apps import AppConfig
from django.conf import settings

# Name shown in the admin -> (task, setting or number of seconds).
SCHEDULE: dict[str, tuple[str, str | int]] = {
    "Send mails": ("booking.tasks.send_messages", "SWEEP_SECONDS"),
    "Remind, and follow up": ("booking.tasks.remind", "SWEEP_SECONDS"),
    "Tell who waits": ("booking.tasks.tell_waiting", "SWEEP_SECONDS"),
    "Find lost work and read calendars": ("integrations.tasks.sweep", "SWEEP_SECONDS"),
    "Say that a worker works": ("booking.tasks.heartbeat", 30),
    "Remind of what ends": ("integrations.tasks.remind_of_expiry", 3600),
    "Write down what meetings will take": ("crm.tasks.roll_meetings", 86_400),
    "Forget old answers": ("booking.tasks.purge", 3600),
}


def ensure_schedule(sender: AppConfig, using: str, **kwargs: object) -> None:
    """Runs after each `migrate`. A row that exists is left alone: its interval may have been edited."""
    from django_celery_beat.models import IntervalSchedule, PeriodicTask

    for name, (task, every) in SCHEDULE.items():
        seconds = getattr(settings, every) if isinstance(every, str) else every
        interval, _ = IntervalSchedule.objects.using(using).get_or_create(every=seconds, period=IntervalSchedule.SECONDS)
        PeriodicTask.objects.using(using).get_or_create(name=name, defaults={"task": task, "interval": interval})
