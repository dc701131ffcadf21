"""An event: when it takes place, who leads it and who has registered."""

from __future__ import annotations

import uuid
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from booking.models.calendar import check_timezone
from booking.models.catalog import Location
from booking.models.history import records
from booking.models.people import Customer, Employee, languages


def house_timezone() -> str:
    return str(settings.TIME_ZONE)


class EventQuerySet(models.QuerySet["Event"]):
    def public(self) -> EventQuerySet:
        """What strangers may see: a cancelled event too, because they may have its address."""
        return self.exclude(status=Event.Status.DRAFT).select_related("location", "organizer").prefetch_related("periods", "staff").with_taken()

    def upcoming(self, now: datetime) -> EventQuerySet:
        """Those that take place and are not over, the next first."""
        coming = EventPeriod.objects.filter(event=OuterRef("pk"), is_cancelled=False, end__gt=now).order_by("start").values("start")[:1]
        return self.filter(status=Event.Status.PUBLISHED).annotate(next_start=Subquery(coming)).exclude(next_start=None).order_by("next_start", "pk")

    def with_taken(self) -> EventQuerySet:
        """Adds `taken`, how many places are."""
        places = Registration.objects.filter(event=OuterRef("pk"), status=Registration.Status.REGISTERED).order_by().values("event")
        return self.annotate(taken=Coalesce(Subquery(places.annotate(sum=Sum("places")).values("sum")), 0))


class Event(models.Model):
    """Something that people register for. While it is published its live periods hold the time of organiser and staff.

    `timezone` is where it takes place: its times are typed and shown by the clock there. Registration is possible from
    `registration_opens` (none: at once) until `registration_closes` (none: until it begins), never after its end.
    """

    class Status(models.TextChoices):
        DRAFT = "draft", _("draft")
        PUBLISHED = "published", _("published")
        CANCELLED = "cancelled", _("cancelled")

    name = models.CharField(_("name"), max_length=200)
    slug = models.SlugField(_("name in addresses"), max_length=200, unique=True)
    description = models.TextField(_("description"), blank=True)
    organizer = models.ForeignKey(Employee, models.PROTECT, related_name="organized_events", verbose_name=_("organiser"))
    staff = models.ManyToManyField(Employee, through="EventStaffing", related_name="staffed_events", verbose_name=_("staff"))
    location = models.ForeignKey(Location, models.SET_NULL, null=True, blank=True, related_name="events", verbose_name=_("location"))
    timezone = models.CharField(_("time zone"), max_length=64, default=house_timezone, validators=[check_timezone])
    capacity = models.PositiveIntegerField(_("places"), default=10, validators=[MinValueValidator(1), MaxValueValidator(100_000)])
    places_each = models.PositiveIntegerField(_("places per registration, at most"), default=5, validators=[MinValueValidator(1), MaxValueValidator(1000)])
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.DRAFT)
    registration_opens = models.DateTimeField(_("registration opens"), null=True, blank=True)
    registration_closes = models.DateTimeField(_("registration closes"), null=True, blank=True)
    sync_enabled = models.BooleanField(_("sync with calendars"), default=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    objects = EventQuerySet.as_manager()
    history = records()
    taken: int  # by with_taken()

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(capacity__gte=1), name="event_has_places"),
            models.CheckConstraint(
                condition=Q(registration_opens=None) | Q(registration_closes=None) | Q(registration_closes__gt=F("registration_opens")),
                name="event_registration_closes_after_opening",
            ),
        ]
        indexes = [models.Index(fields=["status"], name="event_status")]

    def __str__(self) -> str:
        return self.name

    @property
    def is_live(self) -> bool:
        return self.status == self.Status.PUBLISHED

    @property
    def left(self) -> int:
        """Places that are free; needs with_taken()."""
        return max(0, self.capacity - self.taken)

    @property
    def most(self) -> int:
        """Places that one registration may have now; needs with_taken()."""
        return min(self.left, self.places_each)

    @property
    def live_periods(self) -> list[EventPeriod]:
        return [period for period in self.periods.all() if not period.is_cancelled]

    @property
    def helpers(self) -> list[Employee]:
        """Organiser first, then staff."""
        return [self.organizer, *(one for one in self.staff.all() if one.pk != self.organizer_id)]

    def registration(self, now: datetime) -> str:
        """Whether one can register: open, early, closed, over, or off when it doesn't take place. Places are another matter."""
        taking_place = self.live_periods
        if not self.is_live or not taking_place:
            return "off"
        if self.is_over(now):
            return "over"
        if self.registration_opens and now < self.registration_opens:
            return "early"
        closes = self.registration_closes or min(period.start for period in taking_place)
        return "open" if now < closes else "closed"

    def is_over(self, now: datetime) -> bool:
        return all(period.end <= now for period in self.periods.all())

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


class EventStaffing(models.Model):
    """One employee who helps with one event; the organiser needs none."""

    event = models.ForeignKey(Event, models.CASCADE, related_name="staffings")
    employee = models.ForeignKey(Employee, models.PROTECT, related_name="event_staffings", verbose_name=_("employee"))

    class Meta:
        verbose_name = _("staffing of an event")
        verbose_name_plural = _("staffings of events")
        constraints = [models.UniqueConstraint(fields=["event", "employee"], name="event_staffing_once")]

    def __str__(self) -> str:
        return f"{self.employee} · {self.event}"


class EventPeriod(models.Model):
    """One time at which an event takes place, half-open. It is what a calendar shows, and what the Allocations of kind "event" are held by.

    A period of a published event is never erased, only cancelled: people have it in their calendars and must hear of it.
    `sequence` is the iCalendar SEQUENCE (RFC 5545 §3.8.7.4): raised on each change of time.
    """

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    event = models.ForeignKey(Event, models.CASCADE, related_name="periods", verbose_name=_("event"))
    start = models.DateTimeField(_("start"))
    end = models.DateTimeField(_("end"))
    is_cancelled = models.BooleanField(_("cancelled"), default=False)
    sequence = models.PositiveIntegerField(default=0, editable=False)

    history = records()

    class Meta:
        verbose_name = _("period of an event")
        verbose_name_plural = _("periods of events")
        ordering = ["start"]
        constraints = [models.CheckConstraint(condition=Q(end__gt=F("start")), name="event_period_ends_after_start")]
        indexes = [models.Index(fields=["end", "start"], name="event_period_span")]

    def __str__(self) -> str:
        return f"{self.event} {self.start.astimezone(self.event.zone):%Y-%m-%d %H:%M}"

    @property
    def is_live(self) -> bool:
        """Whether it takes place, and so holds time."""
        return self.event.is_live and not self.is_cancelled

    @property
    def uid(self) -> str:
        """The iCalendar UID that mails, feeds and CalDAV calendars all carry."""
        return f"{self.uuid}@kalends"

    @property
    def occupied(self) -> tuple[datetime, datetime]:
        return self.start, self.end


class Registration(models.Model):
    """One customer's places at an event. Its uuid is the public id; the manage link is signed over uuid and `link_version`.

    Cancelling the event leaves its registrations as they are, so that it can be reinstated with those who had come.
    """

    class Status(models.TextChoices):
        REGISTERED = "registered", _("registered")
        CANCELLED = "cancelled", _("cancelled")

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    event = models.ForeignKey(Event, models.PROTECT, related_name="registrations", verbose_name=_("event"))
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="registrations", verbose_name=_("customer"))
    places = models.PositiveIntegerField(_("places"), default=1)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.REGISTERED)
    notes = models.TextField(_("customer's notes"), blank=True)
    language = models.CharField(_("language"), max_length=10, choices=languages, default="de")
    link_version = models.PositiveIntegerField(default=1, editable=False)
    # Raised with every announcement, so that each is mailed once.
    version = models.PositiveIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    history = records(excluded_fields=["link_version", "version"])

    class Meta:
        verbose_name = _("registration")
        verbose_name_plural = _("registrations")
        ordering = ["-created_at"]
        constraints = [models.CheckConstraint(condition=Q(places__gte=1), name="registration_has_places")]
        indexes = [models.Index(fields=["event", "status"], name="registration_places")]

    def __str__(self) -> str:
        return f"{self.customer} · {self.event}"

    @property
    def is_live(self) -> bool:
        return self.status == self.Status.REGISTERED
