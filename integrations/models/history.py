"""What the sync did: runs, and the single fields they changed. It outlives the links and pairs it tells of."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from booking.models import Calendar
from integrations.models.link import Link
from integrations.models.pair import Pair


class Direction(models.TextChoices):
    IN = "in", _("from the calendar")
    OUT = "out", _("to the calendar")


class Run(models.Model):
    """One session of reading or writing for one link. `link` is empty once it is no longer connected; `remote_name` is what it was called then."""

    class Outcome(models.TextChoices):
        RUNNING = "running", _("running")
        OK = "ok", _("done")
        FAILED = "failed", _("failed")
        PARKED = "parked", _("waits for an answer")

    link = models.ForeignKey(Link, models.SET_NULL, null=True, related_name="runs")
    calendar = models.ForeignKey(Calendar, models.CASCADE, related_name="runs", verbose_name=_("calendar"))
    remote_name = models.CharField(_("calendar there"), max_length=300)
    direction = models.CharField(_("direction"), max_length=3, choices=Direction)
    started_at = models.DateTimeField(_("started"))
    ended_at = models.DateTimeField(_("ended"), null=True)
    read = models.PositiveIntegerField(_("read"), default=0)
    written = models.PositiveIntegerField(_("written"), default=0)
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome, default=Outcome.RUNNING)
    error = models.CharField(_("error"), max_length=500, blank=True)

    class Meta:
        verbose_name = _("sync run")
        verbose_name_plural = _("sync runs")
        ordering = ["-started_at"]
        indexes = [models.Index(fields=["link", "-started_at"], name="run_recent")]

    def __str__(self) -> str:
        return f"{self.remote_name} {self.started_at:%Y-%m-%d %H:%M}"


class FieldChange(models.Model):
    """One group of fields (see items.GROUPS) of one item that travelled; `old` and `new` are its values as JSON.
    `pair` is empty once its calendar is no longer connected; then `private` says whether the texts are for the owner only.
    `kind`: create, update, delete, or conflict: then `old` is the value that lost and `new` the one that won.
    """

    class Kind(models.TextChoices):
        CREATE = "create", _("created")
        UPDATE = "update", _("changed")
        DELETE = "delete", _("removed")
        CONFLICT = "conflict", _("conflict")

    run = models.ForeignKey(Run, models.CASCADE, related_name="changes")
    pair = models.ForeignKey(Pair, models.SET_NULL, null=True, related_name="changes")
    item_kind = models.CharField(max_length=20)
    item_id = models.PositiveBigIntegerField()
    private = models.BooleanField(default=True, editable=False)
    direction = models.CharField(_("direction"), max_length=3, choices=Direction)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    field = models.CharField(_("field"), max_length=20)
    old = models.JSONField(_("before"), null=True)
    new = models.JSONField(_("after"), null=True)
    at = models.DateTimeField(_("when"))
    reverted_at = models.DateTimeField(_("reverted"), null=True)
    reverted_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")

    class Meta:
        verbose_name = _("synced change")
        verbose_name_plural = _("synced changes")
        ordering = ["-at", "-pk"]
        indexes = [
            models.Index(fields=["pair", "-at"], name="fieldchange_pair"),
            models.Index(fields=["item_kind", "item_id"], name="fieldchange_item"),
        ]

    def __str__(self) -> str:
        return f"{self.field}: {self.get_kind_display()}"
