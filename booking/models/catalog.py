"""What is sold: categories, services, places."""

from __future__ import annotations

from decimal import Decimal

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from booking.models.history import records


class Category(models.Model):
    name = models.CharField(_("name"), max_length=200)
    position = models.PositiveIntegerField(_("position"), default=0)

    class Meta:
        verbose_name = _("category")
        verbose_name_plural = _("categories")
        ordering = ["position", "name"]

    def __str__(self) -> str:
        return self.name


class Location(models.Model):
    name = models.CharField(_("name"), max_length=200)
    address = models.CharField(_("address"), max_length=500, blank=True)
    phone = models.CharField(_("phone"), max_length=40, blank=True)
    description = models.TextField(_("description"), blank=True)

    class Meta:
        verbose_name = _("location")
        verbose_name_plural = _("locations")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Service(models.Model):
    """Something a customer can book. Durations, buffers and the step are minutes."""

    name = models.CharField(_("name"), max_length=200)
    category = models.ForeignKey(Category, models.PROTECT, null=True, blank=True, related_name="services", verbose_name=_("category"))
    locations = models.ManyToManyField(
        Location, blank=True, related_name="services", verbose_name=_("locations"), help_text=_("Without one it takes place wherever the employee works.")
    )
    description = models.TextField(_("description"), blank=True)
    color = models.CharField(_("colour"), max_length=7, default="#4f5d95", validators=[RegexValidator(r"^#[0-9a-fA-F]{6}$", _("Use a colour like #4f5d95."))])
    duration = models.PositiveIntegerField(_("duration (minutes)"), default=30, validators=[MinValueValidator(1), MaxValueValidator(7 * 24 * 60)])
    price = models.DecimalField(_("price"), max_digits=10, decimal_places=2, default=Decimal(0), validators=[MinValueValidator(Decimal(0))])
    buffer_before = models.PositiveIntegerField(_("buffer before (minutes)"), default=0, validators=[MaxValueValidator(24 * 60)])
    buffer_after = models.PositiveIntegerField(_("buffer after (minutes)"), default=0, validators=[MaxValueValidator(24 * 60)])
    slot_step = models.PositiveIntegerField(
        _("slot step (minutes)"),
        default=15,
        validators=[MinValueValidator(1), MaxValueValidator(24 * 60)],
        help_text=_("Times are offered every so many minutes."),
    )
    min_notice = models.PositiveIntegerField(_("minimum notice (minutes)"), default=60)
    horizon = models.PositiveIntegerField(_("bookable ahead (days)"), default=90, validators=[MinValueValidator(1), MaxValueValidator(730)])
    reschedule_notice = models.PositiveIntegerField(_("notice to reschedule (minutes)"), default=24 * 60)
    cancel_notice = models.PositiveIntegerField(_("notice to cancel (minutes)"), default=24 * 60)
    needs_approval = models.BooleanField(_("needs approval"), default=False)
    employees = models.ManyToManyField("booking.Employee", related_name="services", blank=True, verbose_name=_("employees"))
    is_active = models.BooleanField(_("offered"), default=True)
    position = models.PositiveIntegerField(_("position"), default=0)

    history = records()

    class Meta:
        verbose_name = _("service")
        verbose_name_plural = _("services")
        ordering = ["position", "name"]

    def __str__(self) -> str:
        return self.name
