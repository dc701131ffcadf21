"""The month with its free days and the times of one day: the same for booking and for moving an appointment."""

from __future__ import annotations

from calendar import Calendar
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple, Unpack
from zoneinfo import ZoneInfo

from django.utils.formats import get_format

from booking.availability import Wanted, find_slots, find_spans, next_slot
from booking.models import Appointment, Employee, Location, Service

Holder = tuple[str, int]


class Day(NamedTuple):
    """A cell of the month; `times` is how many different times are free."""

    date: date
    times: int
    in_month: bool


class Time(NamedTuple):
    """A time on offer; `unsure`: the busy times of everybody who has it free are in doubt, and the owner chose to offer it so. `places_left`, of the
    one with the most, where several persons can come."""

    start: datetime
    end: datetime
    unsure: bool
    places_left: int | None


@dataclass(frozen=True, slots=True)
class Picker:
    """`month` is its first day; `day` the day whose `times` are shown; `next_free` is offered when there are none."""

    month: date
    weeks: list[list[Day]]
    day: date | None
    times: list[Time]
    next_free: datetime | None
    previous_month: date | None
    next_month: date | None
    zone: ZoneInfo
    weekdays: list[date] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        return not any(day.times for week in self.weeks for day in week)

    def unmet(self, today: date) -> tuple[date, date]:
        """The days that somebody would wait for who finds nothing here: the day that has nothing free, else the rest of the month."""
        if self.day is not None and not self.times:
            return self.day, self.day
        return max(self.month, today), (self.month + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def pick(
    *,
    service: Service,
    zone: ZoneInfo,
    now: datetime,
    month: date | None = None,
    day: date | None = None,
    without: datetime | None = None,
    **more: Unpack[Wanted],
) -> Picker:
    """The month asked for, else the day's, else the one with the first free time; days are days in `zone`.

    Without a day the first free one is opened. A month before today or past the horizon is drawn in.
    `without` is a start that is not offered: the time an appointment already has. The rest is as for find_slots.
    """
    wanted: Any = {"service": service, "now": now, **more}
    today, last = now.astimezone(zone).date(), (now + timedelta(days=service.horizon)).astimezone(zone).date()
    if month is None and day is None:
        first = next_slot(**wanted)
        month = first.start.astimezone(zone).date() if first else today
    month = min(max((month or day or today), today), last).replace(day=1)
    after = (month + timedelta(days=31)).replace(day=1)
    if day is not None and not month <= day < after:
        day = None

    def spans(start: date, end: date) -> dict[int, tuple[int, bool, int | None]]:
        """Start -> (end, unsure, places left), both instants in seconds, in order."""
        found: dict[int, tuple[int, bool, int | None]] = {}
        for begin, until, _employee, unsure, _location, left, _appointment in find_spans(start=_midnight(start, zone), end=_midnight(end, zone), **wanted):
            if without is not None and begin == without.timestamp():
                continue
            if (known := found.get(begin)) is not None:
                unsure, left = unsure and known[1], None if left is None else max(left, known[2] or 0)
            found[begin] = (until, unsure, left)
        return found

    by_day: dict[date, list[Time]] = {}
    for begin, (until, unsure, left) in spans(month, after).items():
        start = datetime.fromtimestamp(begin, UTC)
        by_day.setdefault(start.astimezone(zone).date(), []).append(Time(start, datetime.fromtimestamp(until, UTC), unsure, left))
    if day is None and by_day:
        day = next(iter(by_day))

    next_free = None
    if day not in by_day:
        later = [times[0].start for free_day, times in by_day.items() if day is not None and free_day > day]
        if not later:
            later = [datetime.fromtimestamp(begin, UTC) for begin in list(spans(after, last + timedelta(days=1)))[:1]]
        if not later and (first := next_slot(**wanted)):
            later = [first.start]
        next_free = later[0] if later else None

    first_weekday = (int(get_format("FIRST_DAY_OF_WEEK")) - 1) % 7
    weeks = [
        [Day(one, len(by_day.get(one, ())) if one.month == month.month else 0, one.month == month.month) for one in week]
        for week in Calendar(first_weekday).monthdatescalendar(month.year, month.month)
    ]
    return Picker(
        month=month,
        weeks=weeks,
        day=day,
        times=by_day.get(day, []) if day else [],
        next_free=next_free,
        previous_month=(month - timedelta(days=1)).replace(day=1) if month > today else None,
        next_month=after if after <= last else None,
        zone=zone,
        weekdays=[cell.date for cell in weeks[0]],
    )


def place_after_move(appointment: Appointment, employees: Sequence[Employee], start: datetime, now: datetime) -> Location | None:
    """Where it takes place if it is moved to `start` as offered: see actions.appointments.reschedule."""
    if (chosen := appointment.chosen_location) is not None:
        return chosen
    ignore, end = ("appointment", appointment.pk), start + timedelta(seconds=1)
    slots = find_slots(service=appointment.service, start=start, end=end, now=now, employees=employees, ignore=ignore)
    places = [slot.location_id for slot in slots if slot.location_id is not None]
    return Location.objects.filter(pk=places[-1]).first() if places else appointment.location


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(0), zone)
