"""What is sold: categories, services, who offers them on which terms, places."""

from __future__ import annotations

from decimal import Decimal

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Exists, F, Max, Min, OuterRef, Q
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from booking.models.history import records
from booking.models.picture import PictureField

check_color = RegexValidator(r"^#[0-9a-fA-F]{6}$", _("Use a colour like #4f5d95."))
LONGEST = 7 * 24 * 60  # minutes


class Category(models.Model):
    name = models.CharField(_("name"), max_length=200)
    color = models.CharField(_("colour"), max_length=7, default="#4f5d95", validators=[check_color])
    picture = PictureField(_("picture"))
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


class Assignment(models.TextChoices):
    """Who serves whoever asks for anyone."""

    FEWEST = "fewest", _("who has the fewest appointments that day")
    TURN = "turn", _("in turn")
    RANDOM = "random", _("at random")
    PRIORITY = "priority", _("the first in the list of employees")


class ServiceQuerySet(models.QuerySet["Service"]):
    def offered(self) -> ServiceQuerySet:
        """Those that can be booked, each knowing whether there is more to choose or to answer: whoever asks for less asks the database no more."""
        from booking.models.extra import Extra
        from booking.models.question import CustomField

        extras = Extra.objects.filter(service=OuterRef("pk"), is_active=True)
        fields = CustomField.objects.filter(Q(services=None) | Q(services=OuterRef("pk")), is_active=True)
        return self.filter(is_active=True).annotate(has_extras=Exists(extras), has_fields=Exists(fields))

    def priced(self) -> ServiceQuerySet:
        """Adds what it costs and takes at least and at most, over all who offer it."""
        active = Q(offers__employee__is_active=True)
        price, minutes = Coalesce("offers__price", "price"), Coalesce("offers__duration", "duration")
        return self.annotate(
            cheapest=Coalesce(Min(price, filter=active), "price"),
            dearest=Coalesce(Max(price, filter=active), "price"),
            shortest=Coalesce(Min(minutes, filter=active), "duration"),
            longest=Coalesce(Max(minutes, filter=active), "duration"),
        )


class Service(models.Model):
    """Something a customer can book. Durations, buffers and the step are minutes.

    With a `max_capacity` above one, customers join each other's appointments while places are left.
    """

    name = models.CharField(_("name"), max_length=200)
    category = models.ForeignKey(Category, models.PROTECT, null=True, blank=True, related_name="services", verbose_name=_("category"))
    locations = models.ManyToManyField(
        Location, blank=True, related_name="services", verbose_name=_("locations"), help_text=_("Without one it takes place wherever the employee works.")
    )
    description = models.TextField(_("description"), blank=True)
    color = models.CharField(_("colour"), max_length=7, default="#4f5d95", validators=[check_color])
    picture = PictureField(_("picture"))
    duration = models.PositiveIntegerField(_("duration (minutes)"), default=30, validators=[MinValueValidator(1), MaxValueValidator(LONGEST)])
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
    min_capacity = models.PositiveIntegerField(
        _("takes place from (persons)"),
        default=1,
        validators=[MinValueValidator(1)],
        help_text=_("Until so many have booked, their bookings wait for confirmation. What is confirmed stays so."),
    )
    max_capacity = models.PositiveIntegerField(
        _("places (persons)"),
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(1000)],
        help_text=_("More than one: a group. Several customers share an appointment, and each can bring others."),
    )
    assignment = models.CharField(_("who serves “anyone”"), max_length=10, choices=Assignment, default=Assignment.FEWEST)
    collective = models.BooleanField(
        _("all together"), default=False, help_text=_("All its employees serve together: a time is offered when all of them are free.")
    )
    max_per_customer = models.PositiveIntegerField(
        _("bookings per customer"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("With one e-mail address. Empty: as many as one likes."),
    )
    waiting_list = models.BooleanField(
        _("waiting list"), default=False, help_text=_("Where nothing is free, customers can wait: they are told by e-mail when something is.")
    )
    limit_days = models.PositiveIntegerField(_("within (days)"), default=7, validators=[MinValueValidator(1), MaxValueValidator(730)])
    employees = models.ManyToManyField("booking.Employee", through="Offer", related_name="services", blank=True, verbose_name=_("employees"))
    is_active = models.BooleanField(_("offered"), default=True)
    position = models.PositiveIntegerField(_("position"), default=0)

    # Going back to an earlier version keeps the picture: the file it had then may be gone.
    history = records(excluded_fields=["picture"])
    objects = ServiceQuerySet.as_manager()
    has_extras: bool  # by offered()
    has_fields: bool
    cheapest: Decimal  # by priced()
    dearest: Decimal
    shortest: int
    longest: int

    class Meta:
        verbose_name = _("service")
        verbose_name_plural = _("services")
        ordering = ["position", "name"]
        constraints = [models.CheckConstraint(condition=Q(min_capacity__lte=F("max_capacity")), name="service_capacity")]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        if self.min_capacity is not None and self.max_capacity is not None and self.min_capacity > self.max_capacity:
            raise ValidationError({"min_capacity": _("There are not so many places.")})

    @property
    def is_group(self) -> bool:
        """Whether several persons can come to one appointment."""
        return self.max_capacity > 1


class Offer(models.Model):
    """An employee who does a service; `price` and `duration` (minutes) where they differ from the service's."""

    service = models.ForeignKey(Service, models.CASCADE, related_name="offers", verbose_name=_("service"))
    employee = models.ForeignKey("booking.Employee", models.CASCADE, related_name="offers", verbose_name=_("employee"))
    price = models.DecimalField(
        _("own price"), max_digits=10, decimal_places=2, null=True, blank=True, validators=[MinValueValidator(Decimal(0))], help_text=_("Empty: the service's.")
    )
    duration = models.PositiveIntegerField(
        _("own duration (minutes)"), null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(LONGEST)], help_text=_("Empty: the service's.")
    )

    class Meta:
        verbose_name = _("offer")
        verbose_name_plural = _("offers")
        db_table = "booking_service_employees"
        # Not a UniqueConstraint: the table was made by Django with this one.
        unique_together = [("service", "employee")]

    def __str__(self) -> str:
        return f"{self.service} · {self.employee}"

    @property
    def its_price(self) -> Decimal:
        return self.service.price if self.price is None else self.price

    @property
    def its_duration(self) -> int:
        return self.service.duration if self.duration is None else self.duration
