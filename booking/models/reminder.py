"""When customers and employees are reminded of appointments, and when they hear of them afterwards."""

from __future__ import annotations

from datetime import timedelta

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from booking.models.catalog import Service


class Reminder(models.Model):
    """A mail about each confirmed appointment, so many hours before its start or after its end. `since`: what was due before it is not caught up on."""

    class When(models.TextChoices):
        BEFORE = "before", _("before the start")
        AFTER = "after", _("after the end")

    class Audience(models.TextChoices):
        CUSTOMER = "customer", _("customer")
        EMPLOYEE = "employee", _("employee")

    hours = models.PositiveIntegerField(_("hours"), default=24, validators=[MinValueValidator(1), MaxValueValidator(24 * 365)])
    when = models.CharField(_("when"), max_length=10, choices=When, default=When.BEFORE)
    audience = models.CharField(_("to whom"), max_length=10, choices=Audience, default=Audience.CUSTOMER)
    services = models.ManyToManyField(Service, related_name="reminders", blank=True, verbose_name=_("services"), help_text=_("None chosen: all services."))
    is_active = models.BooleanField(_("active"), default=True)
    since = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("reminder")
        verbose_name_plural = _("reminders and follow-ups")
        ordering = ["when", "hours", "pk"]

    def __str__(self) -> str:
        if self.when == self.When.BEFORE:
            text = ngettext("%d hour before the start", "%d hours before the start", self.hours)
        else:
            text = ngettext("%d hour after the end", "%d hours after the end", self.hours)
        return f"{text % self.hours} ({self.get_audience_display()})"

    @property
    def distance(self) -> timedelta:
        return timedelta(hours=self.hours)
