"""The waiting list: who would come on days on which nothing is free."""

from __future__ import annotations

import uuid
from datetime import datetime, time
from zoneinfo import ZoneInfo

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from booking.models.appointment import Attendance
from booking.models.calendar import check_timezone
from booking.models.catalog import Service
from booking.models.people import Customer, Employee, languages


class WaitingEntry(models.Model):
    """One customer who waits for one service, with one employee or anyone. The days, both included, are days in `timezone`; `ends_at` is the end of the
    last. Told, when something has become free, and open again when nothing is any more."""

    class State(models.TextChoices):
        OPEN = "open", _("waiting")
        TOLD = "told", _("told of a free time")
        CLAIMED = "claimed", _("has booked")
        EXPIRED = "expired", _("expired")
        WITHDRAWN = "withdrawn", _("withdrawn")

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    service = models.ForeignKey(Service, models.CASCADE, related_name="waiting", verbose_name=_("service"))
    employee = models.ForeignKey(Employee, models.CASCADE, null=True, blank=True, related_name="waiting", verbose_name=_("employee"))
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="waiting", verbose_name=_("customer"))
    persons = models.PositiveIntegerField(_("persons"), default=1, validators=[MinValueValidator(1)])
    first_day = models.DateField(_("first day"))
    last_day = models.DateField(_("last day"))
    ends_at = models.DateTimeField(editable=False)
    language = models.CharField(_("language"), max_length=10, choices=languages, default="de")
    timezone = models.CharField(_("time zone"), max_length=64, default="Europe/Berlin", validators=[check_timezone])
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.OPEN)
    attendance = models.ForeignKey(Attendance, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("booking"))
    # Raised with every announcement, so that each is mailed once.
    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    told_at = models.DateTimeField(_("told"), null=True, blank=True)

    class Meta:
        verbose_name = _("entry of the waiting list")
        verbose_name_plural = _("waiting list")
        ordering = ["created_at", "pk"]
        constraints = [models.CheckConstraint(condition=Q(last_day__gte=F("first_day")), name="waiting_ends_after_start")]
        indexes = [models.Index(fields=["state", "ends_at"], name="waiting_due")]

    def __str__(self) -> str:
        return f"{self.customer} · {self.service}"

    @property
    def begins_at(self) -> datetime:
        return datetime.combine(self.first_day, time(0), ZoneInfo(self.timezone))

    @property
    def is_waiting(self) -> bool:
        return self.state in WAITING


WAITING = (WaitingEntry.State.OPEN, WaitingEntry.State.TOLD)
