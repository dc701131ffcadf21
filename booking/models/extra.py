"""What can be added to a service, and what was added to a booking."""

from __future__ import annotations

from decimal import Decimal

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from booking.models.appointment import Attendance
from booking.models.catalog import Service


class Extra(models.Model):
    """Something that customers may add; `duration` (minutes) and `price` are of one, and lengthen and raise those of the appointment."""

    service = models.ForeignKey(Service, models.CASCADE, related_name="extras", verbose_name=_("service"))
    name = models.CharField(_("name"), max_length=200)
    description = models.TextField(_("description"), blank=True)
    duration = models.PositiveIntegerField(_("duration (minutes)"), default=0, validators=[MaxValueValidator(24 * 60)])
    price = models.DecimalField(_("price"), max_digits=10, decimal_places=2, default=Decimal(0), validators=[MinValueValidator(Decimal(0))])
    max_quantity = models.PositiveIntegerField(_("at most"), default=1, validators=[MinValueValidator(1), MaxValueValidator(100)])
    is_active = models.BooleanField(_("offered"), default=True)
    position = models.PositiveIntegerField(_("position"), default=0)

    class Meta:
        verbose_name = _("extra")
        verbose_name_plural = _("extras")
        ordering = ["position", "name", "pk"]

    def __str__(self) -> str:
        return self.name


class BookedExtra(models.Model):
    """An extra as it was when it was booked; `duration` and `price` are of one."""

    attendance = models.ForeignKey(Attendance, models.CASCADE, related_name="extras", verbose_name=_("attendance"))
    extra = models.ForeignKey(Extra, models.SET_NULL, null=True, related_name="booked", verbose_name=_("extra"))
    name = models.CharField(_("name"), max_length=200)
    quantity = models.PositiveIntegerField(_("quantity"), default=1)
    duration = models.PositiveIntegerField(_("duration (minutes)"), default=0)
    price = models.DecimalField(_("price"), max_digits=10, decimal_places=2)

    class Meta:
        verbose_name = _("booked extra")
        verbose_name_plural = _("booked extras")
        ordering = ["pk"]
        constraints = [models.CheckConstraint(condition=models.Q(quantity__gte=1), name="booked_extra_has_quantity")]

    def __str__(self) -> str:
        return self.name if self.quantity == 1 else f"{self.quantity} × {self.name}"

    @property
    def total(self) -> Decimal:
        return self.price * self.quantity
