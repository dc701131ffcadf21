"""One of our calendars joined to one remote calendar."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from booking.models import BusySource, Calendar
from integrations.models.account import Account


class Link(models.Model):
    """`reads`: its events take our time. `writes`: our items go there; a calendar has at most one such link.

    The lease covers push and pull: whoever set `lease` may talk to the provider for this link until `lease_until`.
    """

    class Honour(models.TextChoices):
        FLAGS = "flags", _("as marked in the calendar")
        BUSY = "busy", _("everything counts as busy")
        FREE = "free", _("nothing counts as busy")

    class State(models.TextChoices):
        ACTIVE = "active", _("active")
        PARKED = "parked", _("waits for your answer")
        LOST = "lost", _("calendar can't be reached")

    class Answer(models.TextChoices):
        DELETED = "deleted", _("deleted on purpose")
        BACK = "back", _("put back")

    account = models.ForeignKey(Account, models.CASCADE, related_name="links")
    calendar = models.ForeignKey(Calendar, models.CASCADE, related_name="links")
    remote_id = models.CharField(max_length=1000)
    remote_name = models.CharField(_("calendar"), max_length=300)
    reads = models.BooleanField(_("read busy times"), default=True)
    writes = models.BooleanField(_("write appointments"), default=False)
    honour = models.CharField(_("free or busy"), max_length=10, choices=Honour, default=Honour.FLAGS)
    source = models.OneToOneField(BusySource, models.SET_NULL, null=True, blank=True, related_name="link")
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.ACTIVE)
    problem = models.CharField(_("problem"), max_length=500, blank=True)
    # What a person answered to "deleted on purpose?", until it has been carried out.
    answer = models.CharField(max_length=10, choices=Answer, blank=True, editable=False)
    answered_at = models.DateTimeField(null=True, editable=False)
    # Remote ids that can't be read, each with the reason: {"id": "reason"}.
    quarantine = models.JSONField(default=dict, editable=False)
    truncated = models.BooleanField(_("more events than the limit"), default=False, editable=False)

    cursor = models.TextField(blank=True, editable=False)
    listed_at = models.DateTimeField(_("last full comparison"), null=True, editable=False)
    pulled_at = models.DateTimeField(_("last read"), null=True, editable=False)
    next_pull_at = models.DateTimeField(null=True, editable=False, db_index=True)
    dirty = models.BooleanField(default=False, editable=False)
    failures = models.PositiveIntegerField(default=0, editable=False)
    lease = models.CharField(max_length=32, blank=True, editable=False)
    lease_until = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = _("linked calendar")
        verbose_name_plural = _("linked calendars")
        constraints = [
            models.UniqueConstraint(fields=["account", "remote_id", "calendar"], name="link_once"),
            models.UniqueConstraint(fields=["calendar"], condition=Q(writes=True), name="link_one_writer"),
        ]

    def __str__(self) -> str:
        return self.remote_name
