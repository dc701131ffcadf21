"""The outbox of mails: a row is written with the change it tells of, and sent afterwards."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _

from booking.models.appointment import Attendance


class Message(models.Model):
    """One mail to one address about one version of one attendance. `context` keeps what is no longer in the tables when it is sent
    (the old time); everything else is read when it is sent, so that the last state is told."""

    class Kind(models.TextChoices):
        BOOKED = "booked", _("booked")
        APPROVED = "approved", _("approved")
        RESCHEDULED = "rescheduled", _("rescheduled")
        CANCELLED = "cancelled", _("cancelled")
        REJECTED = "rejected", _("rejected")

    class Audience(models.TextChoices):
        CUSTOMER = "customer", _("customer")
        EMPLOYEE = "employee", _("employee")

    class State(models.TextChoices):
        OPEN = "open", _("waiting")
        SENT = "sent", _("sent")
        FAILED = "failed", _("failed")
        SKIPPED = "skipped", _("not needed any more")

    kind = models.CharField(_("kind"), max_length=20, choices=Kind)
    audience = models.CharField(_("to whom"), max_length=10, choices=Audience)
    attendance = models.ForeignKey(Attendance, models.CASCADE, related_name="messages", verbose_name=_("attendance"))
    version = models.PositiveIntegerField()
    recipient = models.EmailField(_("address"))
    context = models.JSONField(default=dict, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.OPEN)
    not_before = models.DateTimeField(_("not before"))
    claimed_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    error = models.CharField(_("error"), max_length=500, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        ordering = ["-created_at"]
        constraints = [models.UniqueConstraint(fields=["kind", "attendance", "version", "recipient"], name="message_once")]
        indexes = [models.Index(fields=["state", "not_before"], name="message_due"), models.Index(Upper("recipient"), "created_at", name="message_cap")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} → {self.recipient}"
