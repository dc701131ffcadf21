"""Why an instant can or can't be booked: by rule, calendar, event and freshness. Decides by the same data and arithmetic as the list of slots."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import F, Q
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from booking import public_holidays
from booking.availability.groups import few_left, load_groups, too_many
from booking.availability.intervals import covering
from booking.availability.load import Holder, Schedule, Source, load_schedules
from booking.availability.search import NOTHING, seconds, seconds_of, terms_of
from booking.availability.slots import DAY, DaysOff, Rules, Terms, bookable_window, grid, local_day, local_time, working_time
from booking.models import Allocation, Busy, BusySource, Employee, SpecialDay, TimeOff, WorkingHours

if TYPE_CHECKING:
    from booking.models import Calendar, Location, Service

MARK = BusySource.Policy.MARK


@dataclass(frozen=True)
class Reason:
    """One reason. `code`: hours, other_service, other_location, time_off, closed, holiday, special_day, off_grid, notice, horizon, allocation, busy, stale,
    truncated, lost, inactive, places, colleague.

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
    persons: int = 1,
    together: Sequence[Employee] = (),
    join: bool = True,
) -> Explanation:
    """Why `employee` can or can't be booked for `service` at `start`, together with those named; the rest as for find_slots. `owner`: the titles of
    the events may be shown. All times aware."""
    instant = seconds(start)
    asked = None if service.collective and not together else [employee, *together]
    schedules = load_schedules(service=service, employees=asked, window=(instant, instant + 1 + seconds_of(added)), now=now, location=location)
    own = [schedule for schedule in schedules if schedule.employee_id == employee.pk]
    reasons = [*_inactive(service, employee, own), *_too_soon_or_far(service, start, now), *_too_many(service, persons)]
    several = asked is None or len(asked) > 1
    lengths = {one.employee_id: terms_of(service, one, duration, added) for one in schedules}
    if several and lengths:  # it lasts as long as the slowest of them needs
        lengths = dict.fromkeys(lengths, max(lengths.values(), key=lambda terms: terms.duration))
    if join and start.microsecond == 0:
        groups = load_groups(service, (instant, instant + 1), employees=list(lengths), ignore=ignore, location=location)
        if groups:
            short = duration is None and not added
            left = max((group.left for group in groups if short or group.end - group.start >= lengths[group.employee_id].duration), default=0)
            return Explanation((*reasons, *_full(left, persons)))
    notes: list[Reason] = []
    place = _common_place(schedules, lengths[schedules[0].employee_id], start) if several and schedules else None
    for schedule in own:
        terms = lengths[schedule.employee_id]
        hours, leading = (_at(schedule, place), _at(schedules[0], place)) if several else ([rules for _, rules in schedule.hours],) * 2
        reasons += _rules(schedule, hours, leading, terms, start, employee.calendar, service, location)
        reasons += _taken(schedule, terms, start, str(employee.calendar), ignore, owner=owner)
        for reason in _doubts(schedule, terms, start, str(employee.calendar)):
            (reasons if reason.policy == BusySource.Policy.CLOSE else notes).append(reason)
    if several:
        others = [(schedule, _at(schedule, place), lengths[schedule.employee_id]) for schedule in schedules if schedule not in own]
        missing = {one.pk for one in together} - set(lengths) - {employee.pk}
        reasons += _colleagues(others, missing, start, ignore)
        doubts = [one for other, _, terms in others for one in _doubts(other, terms, start, "") if one.policy == MARK]
        notes += [Reason("colleague", one.sentence, policy=one.policy) for one in doubts]
    return Explanation(reasons=tuple(reasons), notes=tuple(notes))


def _too_many(service: Service, persons: int) -> Iterator[Reason]:
    if persons > service.max_capacity:
        yield Reason("places", too_many(service))


def _full(left: int, persons: int) -> Iterator[Reason]:
    if left < persons:
        yield Reason("places", few_left(left))


def _colleagues(others: Sequence[tuple[Schedule, list[Rules], Terms]], missing: set[int], start: datetime, ignore: Holder | None) -> Iterator[Reason]:
    """Who serves it too and can't; why is nobody else's business."""
    busy = {
        other.employee_id
        for other, hours, terms in others
        if not _fit(hours, terms, start)
        or any(_taken(other, terms, start, "", ignore, owner=False))
        or any(reason.policy == BusySource.Policy.CLOSE for reason in _doubts(other, terms, start, ""))
    }
    for one in Employee.objects.filter(pk__in=busy | missing):
        yield Reason("colleague", _("%(name)s, who serves it too, isn't free then.") % {"name": one})


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


def _common_place(schedules: Sequence[Schedule], terms: Terms, start: datetime) -> int | None:
    """Where they could all serve it; where there is no such place, one at which the first of them could."""
    instant = int(start.timestamp() // 1)
    possible = [place for place, rules in schedules[0].hours if start.microsecond == 0 and grid(rules, terms, (instant, instant + 1))]
    common = [place for place in possible if all(_fit(_at(one, place), terms, start) for one in schedules)]
    return next(iter([*common, *possible, *(place for place, _ in schedules[0].hours)]), None)


def _at(schedule: Schedule, place: int | None) -> list[Rules]:
    rules = schedule.at(place)
    return [] if rules is None else [rules]


def _fit(hours: Sequence[Rules], terms: Terms, start: datetime) -> bool:
    """Whether it lies inside working time."""
    until = _until(hours, terms, start)
    instant = int(start.timestamp() // 1)
    return instant + terms.duration <= until and not (start.microsecond and instant + terms.duration == until)


def _until(hours: Sequence[Rules], terms: Terms, start: datetime) -> int:
    """How far the hours go that hold the start: to the end of the longest."""
    instant = int(start.timestamp() // 1)
    spans = [covering(working_time(rules, (instant, instant + terms.duration)), instant) for rules in hours]
    return max((span[1] for span in spans if span is not None), default=instant)


def _rules(
    schedule: Schedule,
    hours: Sequence[Rules],
    leading: Sequence[Rules],
    terms: Terms,
    start: datetime,
    calendar: Calendar,
    service: Service,
    location: Location | None,
) -> Iterator[Reason]:
    """Starts are counted from the `leading` hours, of the first of those who serve it together."""
    instant = int(start.timestamp() // 1)
    if not hours:
        yield Reason("other_location", _("“%(service)s” isn't offered at “%(location)s”.") % {"service": service, "location": location}, calendar=str(calendar))
        return
    if _fit(hours, terms, start):
        on_grid = start.microsecond == 0 and any(grid(rules, terms, (instant, instant + 1)) for rules in leading)
        if not on_grid and _fit(leading, terms, start):
            rule = _("a start every %(minutes)s minutes") % {"minutes": terms.step // 60}
            yield Reason("off_grid", _("No slot begins at this minute."), rule=rule, calendar=str(calendar))
        return
    # The day that holds the first instant outside working time tells the rule.
    timezone, until = hours[0].timezone, _until(hours, terms, start)
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


def _doubts(schedule: Schedule, terms: Terms, start: datetime, calendar: str) -> list[Reason]:
    until = start + timedelta(seconds=terms.duration + terms.after)
    return [reason for source in schedule.sources if (reason := _doubt(source, until, calendar)) is not None]


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
