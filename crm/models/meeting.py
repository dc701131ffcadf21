"""A meeting of an employee: once, or again and again by a rule."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from booking.models import BusySource, Employee
from booking.models.calendar import check_timezone
from booking.models.history import records
from crm.series import day

FOUR_WEEKS = 4 * 7 * 24 * 60  # minutes


def new_uid() -> str:
    return f"{uuid.uuid4()}@kalends"


class Meeting(models.Model):
    """Start and end are instants; of an all-day one midnights in `timezone`, the end exclusive. `timezone` is the zone of a series' wall times.

    `recurrence` holds RFC 5545 lines ("RRULE:…", "RDATE:…"). `exceptions` says which of its dates are otherwise: {original start: None where it
    does not take place, else {"start", "end", and what of title, description, location, show_as, private differs}}, instants as
    "2027-03-01T09:00:00Z", of an all-day series as "2027-03-01". `ends_at` is the end of the last date, None where there is no last one.
    """

    class Status(models.TextChoices):
        PLANNED = "planned", _("planned")
        HELD = "held", _("held")
        CANCELLED = "cancelled", _("cancelled")

    class ShowAs(models.TextChoices):
        BUSY = "busy", _("busy")
        TENTATIVE = "tentative", _("tentative")
        FREE = "free", _("free")
        AWAY = "away", _("away")
        ELSEWHERE = "elsewhere", _("working elsewhere")

    owner = models.ForeignKey(Employee, models.PROTECT, related_name="meetings", verbose_name=_("owner"))
    # The iCalendar UID its entries in calendars carry; of one that was found in a calendar, the one it had there.
    uid = models.CharField(max_length=500, default=new_uid, editable=False)
    title = models.TextField(_("subject"), blank=True)
    start = models.DateTimeField(_("start"))
    end = models.DateTimeField(_("end"))
    all_day = models.BooleanField(_("all day"), default=False)
    timezone = models.CharField(_("time zone"), max_length=64, default="Europe/Berlin", validators=[check_timezone])
    recurrence = models.JSONField(_("repetition"), default=list, blank=True)
    exceptions = models.JSONField(_("changed dates"), default=dict, blank=True)
    ends_at = models.DateTimeField(null=True, editable=False)
    description = models.TextField(_("description"), blank=True)
    location = models.TextField(_("place"), blank=True)
    show_as = models.CharField(_("show as"), max_length=10, choices=ShowAs, default=ShowAs.BUSY)
    private = models.BooleanField(_("private"), default=False)
    reminder = models.PositiveIntegerField(_("reminder (minutes before)"), null=True, blank=True, validators=[MaxValueValidator(FOUR_WEEKS)])
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.PLANNED)
    sync_enabled = models.BooleanField(_("sync with calendars"), default=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    history = records()

    class Meta:
        verbose_name = _("meeting")
        verbose_name_plural = _("meetings")
        ordering = ["start", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["owner", "uid"], name="meeting_once_per_owner"),
            models.CheckConstraint(
                condition=Q(end__gte=F("start")), name="meeting_ends_after_start", violation_error_message=_("The end must not be before the start.")
            ),
        ]
        indexes = [models.Index(fields=["owner", "start"], name="meeting_of_owner"), models.Index(fields=["owner", "ends_at"], name="meeting_ends")]

    def __str__(self) -> str:
        """For lists and logs that others may see."""
        return str(_("Private meeting")) if self.private else self.subject

    @property
    def subject(self) -> str:
        """For its owner."""
        return self.title or str(_("(without subject)"))

    @property
    def is_live(self) -> bool:
        return self.status in LIVE

    @property
    def repeats(self) -> bool:
        return bool(self.recurrence)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def times(self) -> tuple[datetime | date, datetime | date]:
        """Start and end as calendars know them: days of an all-day meeting, else times in its zone."""
        if self.all_day:
            return day(self.start, self.zone), day(self.end, self.zone)
        return self.start.astimezone(self.zone), self.end.astimezone(self.zone)


# These take the owner's time.
LIVE = (Meeting.Status.PLANNED, Meeting.Status.HELD)


class MeetingSource(models.Model):
    """Where the busy times of an employee's meetings stand."""

    owner = models.OneToOneField(Employee, models.CASCADE, related_name="meeting_source")
    source = models.OneToOneField(BusySource, models.CASCADE, related_name="+")

    def __str__(self) -> str:
        return str(self.owner)
