"""Why an instant can or can't be booked: by rule, calendar, event and freshness. Decides by the same data and arithmetic as the list of slots."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from booking.availability.groups import few_left, load_groups, too_many
from booking.availability.intervals import Span, covering
from booking.availability.load import Holder, Schedule, Source, load_schedules
from booking.availability.search import seconds, terms_of
from booking.availability.slots import DAY, Terms, bookable_window, grid, local_day, periods, working_time
from booking.models import Allocation, Busy, BusySource, Employee

if TYPE_CHECKING:
    from booking.models import Service

MARK = BusySource.Policy.MARK


@dataclass(frozen=True)
class Reason:
    """One reason. `code`: hours, time_off, special_day, off_grid, notice, horizon, allocation, busy, stale, truncated, lost, inactive,
    places, colleague.

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
    owner: bool = False,
    persons: int = 1,
    together: Sequence[Employee] = (),
    join: bool = True,
) -> Explanation:
    """Why `employee` can or can't be booked for `service` at `start`, together with those named; the rest as for find_slots. `owner`: the titles of
    the events may be shown. All times aware."""
    terms = terms_of(service, duration)
    instant = seconds(start)
    asked = None if service.collective and not together else [employee, *together]
    schedules = load_schedules(service=service, employees=asked, window=(instant, instant + 1), now=now)
    own = [schedule for schedule in schedules if schedule.employee_id == employee.pk]
    reasons = [*_inactive(service, employee, own), *_too_soon_or_far(service, start, now), *_too_many(service, persons)]
    if join and start.microsecond == 0:
        groups = load_groups(service, (instant, instant + 1), employees=[schedule.employee_id for schedule in schedules], ignore=ignore)
        if groups:
            left = max((group.left for group in groups if duration is None or group.end - group.start >= terms.duration), default=0)
            return Explanation((*reasons, *_full(left, persons)))
    notes: list[Reason] = []
    for schedule in own:
        reasons += _rules(schedule, schedules[0], terms, start, str(employee.calendar))
        reasons += _taken(schedule, terms, start, str(employee.calendar), ignore, owner=owner)
        for reason in _doubts(schedule, terms, start, str(employee.calendar)):
            (reasons if reason.policy == BusySource.Policy.CLOSE else notes).append(reason)
    if asked is None or len(asked) > 1:
        others = [schedule for schedule in schedules if schedule not in own]
        missing = {one.pk for one in together} - {schedule.employee_id for schedule in schedules} - {employee.pk}
        reasons += _colleagues(others, missing, terms, start, ignore)
        notes += [Reason("colleague", one.sentence, policy=one.policy) for other in others for one in _doubts(other, terms, start, "") if one.policy == MARK]
    return Explanation(reasons=tuple(reasons), notes=tuple(notes))


def _too_many(service: Service, persons: int) -> Iterator[Reason]:
    if persons > service.max_capacity:
        yield Reason("places", too_many(service))


def _full(left: int, persons: int) -> Iterator[Reason]:
    if left < persons:
        yield Reason("places", few_left(left))


def _colleagues(others: list[Schedule], missing: set[int], terms: Terms, start: datetime, ignore: Holder | None) -> Iterator[Reason]:
    """Who serves it too and can't; why is nobody else's business."""
    busy = {
        other.employee_id
        for other in others
        if any(_rules(other, other, terms, start, "", step=False))
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


def _rules(schedule: Schedule, lead: Schedule, terms: Terms, start: datetime, calendar: str, *, step: bool = True) -> Iterator[Reason]:
    """Starts are counted from the hours of the `lead`, the first of those who serve it together."""
    instant = int(start.timestamp() // 1)
    fits, span = _fits(schedule, terms, start)
    if fits:
        if step and _fits(lead, terms, start)[0] and not (start.microsecond == 0 and grid(lead.rules, terms, (instant, instant + 1))):
            rule = _("a start every %(minutes)s minutes") % {"minutes": terms.step // 60}
            yield Reason("off_grid", _("No slot begins at this minute."), rule=rule, calendar=calendar)
        return
    # The day that holds the first instant outside working time tells the rule.
    day = local_day(instant if span is None else span[1], schedule.rules.timezone)
    worked = ", ".join(f"{period.start:%H:%M}–{period.end:%H:%M}" for period in periods(schedule.rules, day))
    if any(off.covers(day) for off in schedule.rules.off):
        yield Reason("time_off", _("It is a day off."), rule=f"{day:%Y-%m-%d}", calendar=calendar)
    elif any(special == day for special, _periods in schedule.rules.special):
        yield Reason("special_day", _("It doesn't fit into the special hours of this day."), rule=f"{day:%Y-%m-%d}: {worked}", calendar=calendar)
    else:
        yield Reason("hours", _("It doesn't fit into the working hours."), rule=worked or _("no working hours on this weekday"), calendar=calendar)


def _fits(schedule: Schedule, terms: Terms, start: datetime) -> tuple[bool, Span | None]:
    """Whether it lies inside working time, and the working time around its start."""
    instant = int(start.timestamp() // 1)
    span = covering(working_time(schedule.rules, (instant, instant + terms.duration)), instant)
    return span is not None and instant + terms.duration <= span[1] and not (start.microsecond and instant + terms.duration == span[1]), span


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
