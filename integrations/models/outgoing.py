"""The outbox: which item has to be looked at for which link. It carries only the id; what is written is read when it is written."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from integrations.models.link import Link


class Outgoing(models.Model):
    """One open row per link and item; a newer change raises `version`. Done rows are deleted, and only if the version is still the same."""

    class State(models.TextChoices):
        OPEN = "open", _("waiting")
        FAILED = "failed", _("needs a person")

    link = models.ForeignKey(Link, models.CASCADE, related_name="outgoing")
    kind = models.CharField(max_length=20)
    item_id = models.PositiveBigIntegerField()
    version = models.PositiveIntegerField(default=1)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.OPEN)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    not_before = models.DateTimeField(_("not before"))
    error = models.CharField(_("error"), max_length=500, blank=True)
    hint = models.CharField(_("next step"), max_length=500, blank=True)
    created_at = models.DateTimeField(_("since"), auto_now_add=True)

    class Meta:
        verbose_name = _("outgoing change")
        verbose_name_plural = _("outgoing changes")
        constraints = [models.UniqueConstraint(fields=["link", "kind", "item_id"], name="outgoing_once")]
        indexes = [models.Index(fields=["state", "not_before"], name="outgoing_due")]

    def __str__(self) -> str:
        return f"{self.kind} {self.item_id} → {self.link}"
