"""Writes when a calendar works: the week, special days, days off, time zone and public holidays. Nobody's appointment is cancelled by it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time

from django.db import transaction
from django.utils.translation import gettext as _

from booking.actions import allocation
from booking.actions.idempotency import digest
from booking.availability.intervals import covering
from booking.availability.load import Schedule, load_schedules
from booking.availability.search import seconds
from booking.availability.slots import working_time
from booking.errors import BookingError, WrongState
from booking.models import Appointment, Calendar, Service, SpecialDay, Staffing, TimeOff, WorkingHours
from booking.models.appointment import LIVE

MOST = 24  # periods of one day


@dataclass(frozen=True, slots=True)
class Period:
    """A part of a day, wall time; an end of 00:00 is the end of the day. At one location or wherever, for all services or those named."""

    start: time
    end: time
    location_id: int | None = None
    service_ids: frozenset[int] = frozenset()

    def is_before(self, other: Period) -> bool:
        return self.end != time(0) and self.end <= other.start

    def meets(self, other: Period) -> bool:
        """Whether one time of one service would belong to both."""
        if self.service_ids and other.service_ids and not self.service_ids & other.service_ids:
            return False
        return not self.is_before(other) and not other.is_before(self)


def clash(periods: Sequence[Period]) -> int | None:
    """Which of them meets one before it."""
    return next((number for number, one in enumerate(periods) if any(one.meets(other) for other in periods[:number])), None)


def week_of(calendar: Calendar) -> list[list[Period]]:
    """The weekly hours, Monday first."""
    week: list[list[Period]] = [[] for _day in range(7)]
    for row in calendar.working_hours.prefetch_related("services"):
        week[row.weekday].append(_period(row))
    return week


def day_of(calendar: Calendar, day: date) -> list[Period]:
    """The special hours of a date; none if it is like any other."""
    return [_period(row) for row in calendar.special_days.filter(day=day).prefetch_related("services")]


def state(periods: object) -> str:
    """Tells apart any two states of a week or a day that a person may have looked at."""
    return digest(repr(periods))


def set_week(*, calendar: Calendar, week: Sequence[Sequence[Period]], now: datetime, seen: str) -> list[Appointment]:
    """These weekly hours in place of all others. WrongState if they are no longer what was `seen`. Returns the appointments that are now outside."""
    for periods in week:
        _check(periods)
    with _held(calendar, now) as outside:
        if seen != state(week_of(calendar)):
            raise WrongState(_("Somebody has changed these hours meanwhile. Yours are below; save them again if they are to replace the others."))
        calendar.working_hours.all().delete()
        _save([WorkingHours(calendar=calendar, weekday=day, **_fields(one)) for day, periods in enumerate(week) for one in periods], week)
    return outside


def set_day(*, calendar: Calendar, day: date, periods: Sequence[Period], now: datetime) -> list[Appointment]:
    """The hours of one date in place of its weekday's; without any it is a day like the others again."""
    _check(periods)
    with _held(calendar, now) as outside:
        calendar.special_days.filter(day=day).delete()
        _save([SpecialDay(calendar=calendar, day=day, **_fields(one)) for one in periods], [periods])
    return outside


def add_time_off(*, calendar: Calendar, first_day: date, last_day: date, label: str = "", yearly: bool = False, now: datetime) -> list[Appointment]:
    off = TimeOff(calendar=calendar, first_day=first_day, last_day=last_day, label=label, yearly=yearly)
    off.full_clean()
    with _held(calendar, now) as outside:
        off.save()
    return outside


def remove_time_off(*, calendar: Calendar, pk: int) -> None:
    """Does nothing if it is gone already."""
    TimeOff.objects.filter(calendar=calendar, pk=pk).delete()


def set_calendar(*, calendar: Calendar, timezone: str, country: str, subdivision: str, closed: bool, now: datetime) -> list[Appointment]:
    """Where its clock stands and which public holidays there are. ValidationError for a zone, country or state that isn't known."""
    calendar.timezone, calendar.holidays_country, calendar.holidays_subdivision, calendar.holidays_closed = timezone, country, subdivision, closed
    calendar.full_clean()
    with _held(calendar, now) as outside:
        calendar.save(update_fields=["timezone", "holidays_country", "holidays_subdivision", "holidays_closed"])
    return outside


@contextmanager
def watched(*, now: datetime, calendar: Calendar | None = None) -> Iterator[list[Appointment]]:
    """The list it gives holds, after the block, the appointments that lie outside the hours and didn't before."""
    before = {one.pk for one in outside(now=now, calendar=calendar)}
    newly: list[Appointment] = []
    yield newly
    newly += [one for one in outside(now=now, calendar=calendar) if one.pk not in before]


def outside(*, now: datetime, calendar: Calendar | None = None) -> list[Appointment]:
    """The appointments to come at which somebody who serves them (the calendar's owner, if one is named) doesn't work, by their start.
    As many queries as there are services."""
    rows = Staffing.objects.filter(appointment__status__in=LIVE, appointment__end__gt=now).select_related("appointment__service", "employee")
    if calendar is not None:
        rows = rows.filter(employee__calendar=calendar)
    by_service: dict[Service, list[Staffing]] = {}
    for row in rows.order_by("appointment__start", "appointment"):
        by_service.setdefault(row.appointment.service, []).append(row)
    found: dict[int, Appointment] = {}
    for service, staffings in by_service.items():
        window = seconds(staffings[0].appointment.start), max(seconds(one.appointment.end) for one in staffings)
        people = {one.employee for one in staffings}
        schedules = {one.employee_id: one for one in load_schedules(service=service, employees=people, window=window, now=now)}
        # Who no longer serves it has no hours for it: that was another decision.
        found |= {one.appointment_id: one.appointment for one in staffings if not _is_inside(schedules.get(one.employee_id), one.appointment)}
    return sorted(found.values(), key=lambda one: (one.start, one.pk))


def _is_inside(schedule: Schedule | None, appointment: Appointment) -> bool:
    if schedule is None:
        return True
    start, end = int(appointment.start.timestamp() // 1), seconds(appointment.end)
    for place, rules in schedule.hours:
        if place is None or appointment.location_id in (None, place):
            span = covering(working_time(rules, (start, end)), start)
            if span is not None and end <= span[1]:
                return True
    return False


@contextmanager
def _held(calendar: Calendar, now: datetime) -> Iterator[list[Appointment]]:
    with transaction.atomic():
        allocation.lock([calendar.pk])
        with watched(now=now, calendar=calendar) as outside:
            yield outside


def _check(periods: Sequence[Period]) -> None:
    if any(one.end != time(0) and one.end <= one.start for one in periods):
        raise BookingError(_("The end must be after the start."))
    if clash(periods) is not None:
        raise BookingError(_("Two periods of a day overlap."))
    if len(periods) > MOST:
        raise BookingError(_("A day has at most %(most)d periods.") % {"most": MOST})


def _period(row: WorkingHours | SpecialDay) -> Period:
    return Period(row.start, row.end, row.location_id, frozenset(one.pk for one in row.services.all()))


def _fields(period: Period) -> dict[str, object]:
    return {"start": period.start, "end": period.end, "location_id": period.location_id}


def _save(rows: Sequence[WorkingHours] | Sequence[SpecialDay], periods: Sequence[Sequence[Period]]) -> None:
    """The rows, in the order of the periods, and the services that each is for."""
    for row, period in zip(rows, (one for day in periods for one in day), strict=True):
        row.save()
        if period.service_ids:
            row.services.set(period.service_ids)
