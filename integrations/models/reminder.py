"""Which mails about something that ends have been sent."""

from __future__ import annotations

from django.db import models


class Reminder(models.Model):
    """Sent once for each thing (`about`, such as "client:3"), the day it ends `on` and the number of `days` before it."""

    about = models.CharField(max_length=40)
    on = models.DateField()
    days = models.PositiveSmallIntegerField()
    sent_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["about", "on", "days"], name="reminder_once")]

    def __str__(self) -> str:
        return f"{self.about} {self.on}"
