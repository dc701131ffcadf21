"""Anything that can be busy: its calendar, the rules when it works, what is sold of it and what else takes its time."""

from __future__ import annotations

import zoneinfo
from datetime import time
from functools import cache
from typing import ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from booking import public_holidays

WEEKDAYS = [(0, _("Monday")), (1, _("Tuesday")), (2, _("Wednesday")), (3, _("Thursday")), (4, _("Friday")), (5, _("Saturday")), (6, _("Sunday"))]


@cache
def timezones() -> frozenset[str]:
    """Reading the folder of zones takes milliseconds; the answer doesn't change while we run."""
    return frozenset(zoneinfo.available_timezones())


def check_timezone(name: str) -> None:
    if name not in timezones():
        raise ValidationError(_("“%(name)s” is not a time zone; use a name like Europe/Berlin."), params={"name": name})


def default_country() -> str:
    return str(settings.HOLIDAYS_COUNTRY)


def default_subdivision() -> str:
    return str(settings.HOLIDAYS_SUBDIVISION)


class Calendar(models.Model):
    """An employee's or a room's calendar. Rules are wall time in `timezone`; everything else is instants."""

    name = models.CharField(_("name"), max_length=200)
    timezone = models.CharField(_("time zone"), max_length=64, default="Europe/Berlin", validators=[check_timezone])
    # Codes of the package `holidays`; without a country there are none.
    holidays_country = models.CharField(_("public holidays of"), max_length=2, blank=True, default=default_country)
    holidays_subdivision = models.CharField(_("federal state"), max_length=20, blank=True, default=default_subdivision)
    holidays_closed = models.BooleanField(_("closed on public holidays"), default=True)

    class Meta:
        verbose_name = _("calendar")
        verbose_name_plural = _("calendars")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        public_holidays.check(self.holidays_country, self.holidays_subdivision)


class Period(models.Model):
    """Wall time of a day, for all services or some, at one location or wherever. An end of 00:00 is the end of the day."""

    start = models.TimeField(_("from"))
    end = models.TimeField(_("until"))
    # Hours must not open everywhere because a place is gone.
    location = models.ForeignKey("booking.Location", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("location"))
    services = models.ManyToManyField("booking.Service", blank=True, related_name="%(class)s_periods", verbose_name=_("only for"))

    class Meta:
        abstract = True

    def clean(self) -> None:
        check_period(self.start, self.end)

    @property
    def words(self) -> str:
        """09:00–12:00, and where and what for if that is said."""
        limits = ", ".join(str(one) for one in [*([self.location] if self.location else []), *self.services.all()])
        return f"{self.start:%H:%M}–{self.end:%H:%M}" + (f" ({limits})" if limits else "")


class WorkingHours(Period):
    """One period of a weekday; several a day leave breaks between them."""

    calendar = models.ForeignKey(Calendar, models.CASCADE, related_name="working_hours")
    weekday = models.PositiveSmallIntegerField(_("weekday"), choices=WEEKDAYS)

    class Meta:
        verbose_name = _("working hours")
        verbose_name_plural = _("working hours")
        ordering = ["weekday", "start"]
        permissions = [("change_own_hours", "Can change the own working hours")]

    def __str__(self) -> str:
        return f"{self.get_weekday_display()} {self.start:%H:%M}–{self.end:%H:%M}"


class SpecialDay(Period):
    """A period of one date. Whatever it is for, it replaces the weekday's hours of that date."""

    calendar = models.ForeignKey(Calendar, models.CASCADE, related_name="special_days")
    day = models.DateField(_("day"))

    class Meta:
        verbose_name = _("special day")
        verbose_name_plural = _("special days")
        ordering = ["day", "start"]

    def __str__(self) -> str:
        return f"{self.day} {self.start:%H:%M}–{self.end:%H:%M}"


class TimeOff(models.Model):
    """Whole days off, both ends included; `yearly` repeats it on the same dates each year. Without a calendar it is everybody's."""

    calendar = models.ForeignKey(Calendar, models.CASCADE, null=True, blank=True, related_name="time_off", verbose_name=_("calendar"))
    first_day = models.DateField(_("first day"))
    last_day = models.DateField(_("last day"))
    label = models.CharField(_("label"), max_length=200, blank=True)
    yearly = models.BooleanField(_("every year"), default=False)

    class Meta:
        verbose_name = _("time off")
        verbose_name_plural = _("time off")
        ordering = ["first_day"]
        constraints = [models.CheckConstraint(condition=Q(last_day__gte=F("first_day")), name="time_off_ends_after_start")]

    def __str__(self) -> str:
        return f"{self.first_day} – {self.last_day}"

    def clean(self) -> None:
        if self.first_day and self.last_day and self.last_day < self.first_day:
            raise ValidationError({"last_day": _("The last day must not be before the first.")})


class ForEverybody(models.Manager["ClosingDay"]):
    def get_queryset(self) -> models.QuerySet[ClosingDay]:
        return super().get_queryset().filter(calendar=None)


class ClosingDay(TimeOff):
    """The days on which the whole shop is closed."""

    objects: ClassVar[ForEverybody] = ForEverybody()

    class Meta:
        proxy = True
        verbose_name = _("closing day")
        verbose_name_plural = _("closing days")


class Allocation(models.Model):
    """Time of a calendar that is sold, buffers included, half-open. No two of one calendar overlap: an exclusion constraint on
    PostgreSQL (migration 0002), the write lock and a second look on SQLite. Written only by actions."""

    calendar = models.ForeignKey(Calendar, models.PROTECT, related_name="allocations")
    start = models.DateTimeField()
    end = models.DateTimeField()
    kind = models.CharField(max_length=20)
    holder_id = models.PositiveBigIntegerField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(end__gt=F("start")), name="allocation_ends_after_start"),
            models.UniqueConstraint(fields=["calendar", "kind", "holder_id"], name="allocation_once_per_holder"),
        ]
        indexes = [
            models.Index(fields=["calendar", "end", "start"], name="allocation_span"),
            models.Index(fields=["kind", "holder_id"], name="allocation_holder"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.holder_id}: {self.start:%Y-%m-%d %H:%M}"


class BusySource(models.Model):
    """Where busy times of a calendar come from, and what holds while they can't be trusted."""

    class Policy(models.TextChoices):
        CLOSE = "close", _("close the times")
        MARK = "mark", _("offer them, marked as unsure")
        OFFER = "offer", _("offer them")

    class State(models.TextChoices):
        WAITING = "waiting", _("not read yet")
        OK = "ok", _("up to date")
        LOST = "lost", _("can't be read")

    calendar = models.ForeignKey(Calendar, models.CASCADE, related_name="busy_sources")
    label = models.CharField(_("label"), max_length=200)
    policy = models.CharField(_("when out of date"), max_length=10, choices=Policy, default=Policy.CLOSE)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.WAITING)
    fetched_at = models.DateTimeField(_("read at"), null=True, blank=True)
    # Everything before this instant is known; from it on the policy decides (rolling window, or more events than the limit).
    complete_until = models.DateTimeField(_("complete until"), null=True, blank=True)
    max_age = models.DurationField(_("trusted for"))

    class Meta:
        verbose_name = _("source of busy times")
        verbose_name_plural = _("sources of busy times")

    def __str__(self) -> str:
        return self.label


class Busy(models.Model):
    """Time that something else takes, half-open. Rows may overlap anything. Written only by actions/busy.py."""

    calendar = models.ForeignKey(Calendar, models.CASCADE, related_name="busy")
    source = models.ForeignKey(BusySource, models.CASCADE, related_name="rows")
    start = models.DateTimeField()
    end = models.DateTimeField()
    # What it came from: a remote id, so that one event can be replaced; several rows share it for a series.
    key = models.CharField(max_length=500)
    # Only ever shown to the calendar's owner; empty when the owner keeps private events out.
    title = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(end__gt=F("start")), name="busy_ends_after_start")]
        indexes = [models.Index(fields=["calendar", "end", "start"], name="busy_span"), models.Index(fields=["source", "key"], name="busy_key")]

    def __str__(self) -> str:
        return f"{self.start:%Y-%m-%d %H:%M} – {self.end:%Y-%m-%d %H:%M}"


def check_period(start: object, end: object) -> None:
    if isinstance(start, time) and isinstance(end, time) and end != time(0) and end <= start:
        raise ValidationError({"end": _("The end must be after the start.")})
