"""Why an instant can or can't be booked: by rule, calendar, event and freshness. Decides by the same data and arithmetic as the list of slots."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import F, Q
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from booking import public_holidays
from booking.availability.intervals import covering
from booking.availability.load import Holder, Schedule, Source, load_schedules
from booking.availability.search import NOTHING, seconds, seconds_of, terms_of
from booking.availability.slots import DAY, DaysOff, Terms, bookable_window, grid, local_day, local_time, working_time
from booking.models import Allocation, Busy, BusySource, SpecialDay, TimeOff, WorkingHours

if TYPE_CHECKING:
    from booking.models import Calendar, Employee, Location, Service


@dataclass(frozen=True)
class Reason:
    """One reason. `code`: hours, other_service, other_location, time_off, closed, holiday, special_day, off_grid, notice, horizon, allocation, busy, stale,
    truncated, lost, inactive.

    `sentence` is translated. `start` and `end` are what takes the time; `title` is only filled for the calendar's owner.
    """

    code: str
    sentence: str
    rule: str = ""
    calendar: str = ""
    source: str = ""
    policy: str = ""
    title: str = ""
    start: datetime | None = None
    end: datetime | None = None
    fetched_at: datetime | None = None
    complete_until: datetime | None = None


@dataclass(frozen=True)
class Explanation:
    """`reasons` say why not, and are empty exactly if find_slots lists the time; `notes` tell of doubts that don't close the time."""

    reasons: tuple[Reason, ...]
    notes: tuple[Reason, ...] = ()

    @property
    def bookable(self) -> bool:
        return not self.reasons


def explain(
    *,
    service: Service,
    employee: Employee,
    start: datetime,
    now: datetime,
    ignore: Holder | None = None,
    duration: timedelta | None = None,
    added: timedelta = NOTHING,
    owner: bool = False,
    location: Location | None = None,
) -> Explanation:
    """Why `employee` can or can't be booked for `service` at `start`, and at `location`, if one is named; `duration` and `added` as in find_slots.
    `owner`: the titles of the events may be shown. All times aware."""
    instant = seconds(start)
    schedules = load_schedules(service=service, employees=[employee], window=(instant, instant + 1 + seconds_of(added)), now=now, location=location)
    calendar = str(employee.calendar)
    reasons = [*_inactive(service, employee, schedules), *_too_soon_or_far(service, start, now)]
    notes: list[Reason] = []
    for schedule in schedules:
        terms = terms_of(service, schedule, duration, added)
        reasons += _rules(schedule, terms, start, employee.calendar, service, location)
        reasons += _taken(schedule, terms, start, calendar, ignore, owner=owner)
        for source in schedule.sources:
            if (reason := _doubt(source, start + timedelta(seconds=terms.duration + terms.after), calendar)) is not None:
                (reasons if source.policy == BusySource.Policy.CLOSE else notes).append(reason)
    return Explanation(reasons=tuple(reasons), notes=tuple(notes))


def _inactive(service: Service, employee: Employee, schedules: list[Schedule]) -> Iterator[Reason]:
    if not service.is_active:
        yield Reason("inactive", _("“%(service)s” isn't offered at the moment.") % {"service": service})
    if schedules:
        return
    if employee.is_active:
        yield Reason("inactive", _("%(employee)s doesn't offer “%(service)s”.") % {"employee": employee, "service": service})
    else:
        yield Reason("inactive", _("%(employee)s takes no bookings at the moment.") % {"employee": employee})


def _too_soon_or_far(service: Service, start: datetime, now: datetime) -> Iterator[Reason]:
    earliest, after_last = bookable_window(now.timestamp(), notice=service.min_notice * 60, horizon=service.horizon * DAY)
    if start.timestamp() < earliest:
        rule = _("minimum notice: %(minutes)s minutes") % {"minutes": service.min_notice}
        yield Reason("notice", _("It begins too soon; this service must be booked earlier."), rule=rule)
    if start.timestamp() > after_last - 1:
        rule = _("bookable ahead: %(days)s days") % {"days": service.horizon}
        yield Reason("horizon", _("It is too far ahead to be booked already."), rule=rule)


def _rules(schedule: Schedule, terms: Terms, start: datetime, calendar: Calendar, service: Service, location: Location | None) -> Iterator[Reason]:
    instant = int(start.timestamp() // 1)
    if start.microsecond == 0 and any(grid(rules, terms, (instant, instant + 1)) for _, rules in schedule.hours):
        return
    if not schedule.hours:
        yield Reason("other_location", _("“%(service)s” isn't offered at “%(location)s”.") % {"service": service, "location": location}, calendar=str(calendar))
        return
    spans = [covering(working_time(rules, (instant, instant + terms.duration)), instant) for _, rules in schedule.hours]
    # How far the hours go that hold the start: to the end of the longest.
    until = max((span[1] for span in spans if span is not None), default=instant)
    if instant + terms.duration <= until and not (start.microsecond and instant + terms.duration == until):
        rule = _("a start every %(minutes)s minutes") % {"minutes": terms.step // 60}
        yield Reason("off_grid", _("No slot begins at this minute."), rule=rule, calendar=str(calendar))
        return
    # The day that holds the first instant outside working time tells the rule.
    timezone = schedule.hours[0][1].timezone
    day = local_day(until, timezone)
    yield _closed(calendar, day) or _outside(calendar, day, until, timezone, service, schedule)


def _closed(calendar: Calendar, day: date) -> Reason | None:
    """Why that whole day is closed."""
    for off in TimeOff.objects.filter(Q(calendar=calendar) | Q(calendar=None)).order_by(F("calendar").asc(nulls_last=True), "first_day", "pk"):
        if DaysOff(off.first_day, off.last_day, off.yearly).covers(day):
            rule = f"{off.label}, {day:%Y-%m-%d}" if off.label else f"{day:%Y-%m-%d}"
            if off.calendar_id is None:
                return Reason("closed", _("Everything is closed on that day."), rule=rule, calendar=str(calendar))
            return Reason("time_off", _("It is a day off."), rule=rule, calendar=str(calendar))
    if calendar.holidays_closed and not SpecialDay.objects.filter(calendar=calendar, day=day).exists():
        holiday = public_holidays.name(calendar.holidays_country, calendar.holidays_subdivision, day, get_language() or "en")
        if holiday:
            return Reason("holiday", _("It is a public holiday: %(name)s.") % {"name": holiday}, rule=f"{day:%Y-%m-%d}", calendar=str(calendar))
    return None


def _outside(calendar: Calendar, day: date, instant: int, timezone: str, service: Service, schedule: Schedule) -> Reason:
    """What the hours of the day say about an instant outside those that count."""
    special = list(SpecialDay.objects.filter(calendar=calendar, day=day).select_related("location").prefetch_related("services"))
    usual = WorkingHours.objects.filter(calendar=calendar, weekday=day.weekday()).select_related("location").prefetch_related("services")
    found: list[SpecialDay | WorkingHours] = [*(special or usual)]
    shown = ", ".join(period.words for period in found)
    rule = f"{day:%Y-%m-%d}: {shown}" if special else shown or _("no working hours on this weekday")
    wall = local_time(instant, timezone)
    then = [period for period in found if period.start <= wall and (wall < period.end or not (period.end.hour or period.end.minute or period.end.second))]
    if any((others := period.services.all()) and service not in others for period in then):
        return Reason("other_service", _("These hours are for other services."), rule=rule, calendar=str(calendar))
    if any(period.location_id and period.location_id not in {place for place, _ in schedule.hours} for period in then):
        return Reason("other_location", _("These hours are at another location."), rule=rule, calendar=str(calendar))
    if special:
        return Reason("special_day", _("It doesn't fit into the special hours of this day."), rule=rule, calendar=str(calendar))
    return Reason("hours", _("It doesn't fit into the working hours."), rule=rule, calendar=str(calendar))


def _taken(schedule: Schedule, terms: Terms, start: datetime, calendar: str, ignore: Holder | None, *, owner: bool) -> Iterator[Reason]:
    window: dict[str, Any] = {
        "calendar": schedule.calendar_id,
        "start__lt": start + timedelta(seconds=terms.duration + terms.after),
        "end__gt": start - timedelta(seconds=terms.before),
    }
    sold = Allocation.objects.filter(**window).order_by("start")
    if ignore is not None:
        sold = sold.exclude(kind=ignore[0], holder_id=ignore[1])
    for allocation in sold:
        yield Reason("allocation", _("The time is already booked."), calendar=calendar, start=allocation.start, end=allocation.end)
    for busy in Busy.objects.filter(**window).select_related("source").order_by("start", "pk"):
        yield Reason(
            "busy",
            _("The calendar “%(label)s” is busy then.") % {"label": busy.source.label},
            calendar=calendar,
            source=busy.source.label,
            title=busy.title if owner else "",
            start=busy.start,
            end=busy.end,
            fetched_at=busy.source.fetched_at,
        )


def _doubt(source: Source, needed_until: datetime, calendar: str) -> Reason | None:
    if source.doubt == "lost":
        code, sentence = "lost", _("The calendar “%(label)s” can't be read any more.")
    elif source.doubt and source.fetched_at is None:
        code, sentence = "stale", _("The calendar “%(label)s” hasn't been read yet.")
    elif source.doubt:
        code, sentence = "stale", _("The calendar “%(label)s” was read too long ago.")
    elif source.complete_until is not None and needed_until.timestamp() > source.complete_until:
        code, sentence = "truncated", _("The calendar “%(label)s” is only known up to an earlier time.")
    else:
        return None
    return Reason(
        code,
        sentence % {"label": source.label},
        calendar=calendar,
        source=source.label,
        policy=source.policy,
        fetched_at=_instant(source.fetched_at),
        complete_until=_instant(source.complete_until),
    )


def _instant(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
