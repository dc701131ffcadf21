"""What a choice of calendars will do, worked out before it is carried out."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from booking.models import Calendar
from integrations.models.account import Account


class Plan(models.Model):
    """One at a time for an account. `result` is what engine.rehearse found; `read` counts the events looked at so far."""

    class State(models.TextChoices):
        RUNNING = "running", _("being worked out")
        READY = "ready", _("ready")
        FAILED = "failed", _("failed")

    account = models.OneToOneField(Account, models.CASCADE, related_name="plan")
    calendar = models.ForeignKey(Calendar, models.CASCADE, related_name="+")
    reads = models.JSONField(default=list)
    writes = models.CharField(max_length=1000, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.RUNNING)
    read = models.PositiveIntegerField(default=0)
    problem = models.CharField(max_length=500, blank=True)
    hint = models.CharField(max_length=500, blank=True)
    result = models.JSONField(default=dict)
    made_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.account}: {self.get_state_display()}"
