"""The shop's own fields of the booking form, what customers answered, and the files they sent."""

from __future__ import annotations

import secrets
import uuid
from datetime import date

from django.db import models
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from booking.models.appointment import Attendance
from booking.models.catalog import Service


class Kind(models.TextChoices):
    TEXT = "text", _("text")
    LONG = "long", _("long text")
    CHOICE = "choice", _("choice")
    CHOICES = "choices", _("several choices")
    CHECK = "check", _("check box")
    DATE = "date", _("date")
    FILE = "file", _("file")


CHOOSING = (Kind.CHOICE, Kind.CHOICES)


class CustomFieldQuerySet(models.QuerySet["CustomField"]):
    def asked_for(self, service: Service) -> CustomFieldQuerySet:
        return self.filter(models.Q(services=None) | models.Q(services=service), is_active=True).distinct()


class CustomField(models.Model):
    """A question in the booking form; of all services, unless some are named. `choices`: one a line."""

    label = models.CharField(_("question"), max_length=200)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.TEXT)
    choices = models.TextField(_("choices"), blank=True, help_text=_("One a line."))
    help = models.CharField(_("help"), max_length=300, blank=True)
    required = models.BooleanField(_("must be answered"), default=False)
    services = models.ManyToManyField(Service, related_name="fields", blank=True, verbose_name=_("services"), help_text=_("None: all services."))
    is_active = models.BooleanField(_("asked"), default=True)
    position = models.PositiveIntegerField(_("position"), default=0)

    objects = CustomFieldQuerySet.as_manager()
    only: set[int]  # ids of the services, where somebody has put them there

    class Meta:
        verbose_name = _("form field")
        verbose_name_plural = _("form fields")
        ordering = ["position", "pk"]

    def __str__(self) -> str:
        return self.label

    @property
    def options(self) -> list[str]:
        """What there is to choose from, in order and once each."""
        return list(dict.fromkeys(line.strip() for line in self.choices.splitlines() if line.strip()))


def private_name(instance: models.Model, filename: str) -> str:
    """Random, and nothing of what a stranger typed."""
    return f"private/{secrets.token_hex(16)}"


class Upload(models.Model):
    """A file that a stranger sent, never served as what it says it is. `name` is the sender's, `media_type` what the content is; `digest` tells equal ones.

    One that no answer holds waits for the form it belongs to, and is deleted after a day.
    """

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    file = models.FileField(_("file"), upload_to=private_name)
    name = models.CharField(_("name"), max_length=150)
    media_type = models.CharField(max_length=100)
    size = models.PositiveBigIntegerField()
    digest = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        verbose_name = _("uploaded file")
        verbose_name_plural = _("uploaded files")

    def __str__(self) -> str:
        return self.name


class Answer(models.Model):
    """What somebody answered, readable also when the field is gone. `value`: the text, the choices one a line, "1" for a tick, a day as YYYY-MM-DD, or
    the name of the file."""

    attendance = models.ForeignKey(Attendance, models.CASCADE, related_name="answers", verbose_name=_("attendance"))
    field = models.ForeignKey(CustomField, models.SET_NULL, null=True, related_name="answers", verbose_name=_("form field"))
    label = models.CharField(_("question"), max_length=200)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.TEXT)
    value = models.TextField(_("answer"))
    upload = models.ForeignKey(Upload, models.PROTECT, null=True, related_name="answers", verbose_name=_("file"))

    class Meta:
        verbose_name = _("answer")
        verbose_name_plural = _("answers")
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.label}: {self.shown}"

    @property
    def shown(self) -> str:
        """In the reader's language."""
        match self.kind:
            case Kind.CHOICES:
                return ", ".join(self.value.splitlines())
            case Kind.CHECK:
                return gettext("yes")
            case Kind.DATE:
                return date_format(date.fromisoformat(self.value), "DATE_FORMAT")
        return self.value
