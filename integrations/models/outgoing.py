"""The outbox: which item has to be looked at for which link. It carries only the id; what is written is read when it is written."""

from __future__ import annotations

import secrets

from django.db import models
from django.utils.translation import gettext_lazy as _

from integrations.models.link import Link


def new_version() -> int:
    """Never the same twice: 62 random bits, so that one upsert can write it without asking what was there."""
    return secrets.randbits(62)


class Outgoing(models.Model):
    """One open row per link and item; a newer change gives it another `version`. Done rows are deleted, and only if the version is still the same."""

    class State(models.TextChoices):
        OPEN = "open", _("waiting")
        FAILED = "failed", _("needs a person")

    link = models.ForeignKey(Link, models.CASCADE, related_name="outgoing")
    kind = models.CharField(max_length=20)
    item_id = models.PositiveBigIntegerField()
    version = models.PositiveBigIntegerField(default=new_version)
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
