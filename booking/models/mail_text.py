"""The shop's own words for its mails."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from booking.models.history import records
from booking.models.people import languages
from booking.models.reminder import Reminder


class MailText(models.Model):
    """Stands in place of one of our texts (templates/email/<language>/<audience>/<kind>.txt), for all mails of that kind or for those of one reminder.
    `subject` and `body` are written with placeholders and the marks of notifications/markup.py; the texts of lists have no subject."""

    class Audience(models.TextChoices):
        CUSTOMER = "customer", _("customer")
        EMPLOYEE = "employee", _("employee")
        REGISTRANT = "registrant", _("who registers for an event")
        ORGANIZER = "organizer", _("organiser of an event")

    audience = models.CharField(_("to whom"), max_length=10, choices=Audience, editable=False)
    kind = models.CharField(_("kind"), max_length=40, editable=False)
    language = models.CharField(_("language"), max_length=10, choices=languages, editable=False)
    reminder = models.ForeignKey(Reminder, models.CASCADE, null=True, editable=False, related_name="texts", verbose_name=_("reminder"))
    subject = models.CharField(_("subject"), max_length=300, blank=True)
    body = models.TextField(_("text"), max_length=20_000)
    is_active = models.BooleanField(_("in use"), default=True, help_text=_("Off: our text is used, and yours is kept."))

    history = records()

    class Meta:
        verbose_name = _("text of a mail")
        verbose_name_plural = _("texts of mails")
        ordering = ["audience", "kind", "language"]
        constraints = [
            models.UniqueConstraint(fields=["audience", "kind", "language"], condition=Q(reminder=None), name="mail_text_once"),
            models.UniqueConstraint(fields=["reminder", "audience", "kind", "language"], name="mail_text_of_reminder_once"),
        ]

    def __str__(self) -> str:
        return f"{self.get_audience_display()}: {self.kind} ({self.language})"
