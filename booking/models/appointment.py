"""An appointment: its time, who serves it and who comes."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from booking.models.calendar import check_timezone
from booking.models.catalog import Location, Service
from booking.models.history import records
from booking.models.people import Customer, Employee, languages


class Status(models.TextChoices):
    PENDING = "pending", _("pending")
    APPROVED = "approved", _("approved")
    CANCELLED = "cancelled", _("cancelled")
    REJECTED = "rejected", _("rejected")


# These hold the time.
LIVE = (Status.PENDING, Status.APPROVED)


class Appointment(models.Model):
    """Start and end are what the customer comes for; the buffers (minutes) around it are kept as they were when it was booked or moved.

    `status` follows from the attendances: approved if any is, else pending if any, else cancelled (or rejected if all are).
    `sequence` is the iCalendar SEQUENCE (RFC 5545 §3.8.7.4): raised on each change of time.
    """

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    service = models.ForeignKey(Service, models.PROTECT, related_name="appointments", verbose_name=_("service"))
    location = models.ForeignKey(Location, models.SET_NULL, null=True, blank=True, verbose_name=_("location"))
    start = models.DateTimeField(_("start"))
    end = models.DateTimeField(_("end"))
    buffer_before = models.PositiveIntegerField(_("buffer before (minutes)"), default=0)
    buffer_after = models.PositiveIntegerField(_("buffer after (minutes)"), default=0)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.APPROVED)
    internal_note = models.TextField(_("internal note"), blank=True)
    sync_enabled = models.BooleanField(_("sync with calendars"), default=True)
    sequence = models.PositiveIntegerField(default=0, editable=False)
    employees = models.ManyToManyField(Employee, through="Staffing", related_name="appointments")
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    history = records()

    class Meta:
        verbose_name = _("appointment")
        verbose_name_plural = _("appointments")
        ordering = ["-start"]
        constraints = [models.CheckConstraint(condition=Q(end__gt=F("start")), name="appointment_ends_after_start")]
        indexes = [models.Index(fields=["start", "status"], name="appointment_start")]

    def __str__(self) -> str:
        return f"{self.service} {self.start:%Y-%m-%d %H:%M}"

    @property
    def is_live(self) -> bool:
        return self.status in LIVE

    @property
    def chosen_location(self) -> Location | None:
        """One of the service's, which a move in time keeps."""
        return self.location if self.location_id and self.service.locations.filter(pk=self.location_id).exists() else None

    @property
    def coming(self) -> list[Attendance]:
        """Whose places hold the time; of one that has ended, all who ever had some."""
        attendances = list(self.attendances.all())
        return [one for one in attendances if one.is_live] if self.is_live else attendances

    @property
    def persons(self) -> int:
        return sum(one.persons for one in self.coming)

    @property
    def uid(self) -> str:
        """The iCalendar UID that mails, feeds and CalDAV calendars all carry."""
        return f"{self.uuid}@kalends"

    @property
    def occupied(self) -> tuple[datetime, datetime]:
        """The half-open span its allocation takes: buffers included."""
        return self.start - timedelta(minutes=self.buffer_before), self.end + timedelta(minutes=self.buffer_after)


class Staffing(models.Model):
    """One employee who serves one appointment."""

    appointment = models.ForeignKey(Appointment, models.CASCADE, related_name="staffings")
    employee = models.ForeignKey(Employee, models.PROTECT, related_name="staffings", verbose_name=_("employee"))

    class Meta:
        verbose_name = _("staffing")
        verbose_name_plural = _("staffings")
        constraints = [models.UniqueConstraint(fields=["appointment", "employee"], name="staffing_once")]

    def __str__(self) -> str:
        return f"{self.employee} · {self.appointment}"


class Attendance(models.Model):
    """One customer's places in an appointment, which several may share. Its uuid is the public id; the manage link is signed over uuid and `link_version`.

    A customer who books the same one twice has two: each has a link of its own.
    """

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    appointment = models.ForeignKey(Appointment, models.CASCADE, related_name="attendances")
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="attendances", verbose_name=_("customer"))
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.APPROVED)
    persons = models.PositiveIntegerField(_("persons"), default=1, validators=[MinValueValidator(1)])
    notes = models.TextField(_("customer's notes"), blank=True)
    price = models.DecimalField(_("price"), max_digits=10, decimal_places=2)
    language = models.CharField(_("language"), max_length=10, choices=languages, default="de")
    timezone = models.CharField(_("time zone"), max_length=64, default="Europe/Berlin", validators=[check_timezone])
    link_version = models.PositiveIntegerField(default=1, editable=False)
    # Raised with every announcement, so that each is mailed once.
    version = models.PositiveIntegerField(default=1, editable=False)
    no_show = models.BooleanField(_("did not come"), default=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    history = records(excluded_fields=["link_version", "version"])

    class Meta:
        verbose_name = _("attendance")
        verbose_name_plural = _("attendances")

    def __str__(self) -> str:
        return f"{self.customer} · {self.appointment}"

    @property
    def is_live(self) -> bool:
        return self.status in LIVE
