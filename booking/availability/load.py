"""The few queries that feed availability: a constant number for any number of calendars."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from django.db.models import Q

from booking.availability.intervals import Span
from booking.availability.slots import DAY, EPOCH, DaysOff, Period, Rules, Trust
from booking.models import Allocation, Busy, BusySource, Employee, SpecialDay, TimeOff, WorkingHours

if TYPE_CHECKING:
    from booking.models import Service

Holder = tuple[str, int]
"""(kind, holder id) of an Allocation."""


class Source(NamedTuple):
    """How far one source of busy times can be trusted; instants in seconds. `doubt` is empty, "lost" or "stale" (not read, or too long ago)."""

    label: str
    policy: str
    doubt: str
    fetched_at: datetime | None
    complete_until: float | None


@dataclass(frozen=True, slots=True)
class Schedule:
    """One employee's calendar: the rules and how far the busy times are to be trusted."""

    employee_id: int
    calendar_id: int
    rules: Rules
    sources: tuple[Source, ...]

    @property
    def trust(self) -> Trust:
        return Trust(closed=self._doubted_from(BusySource.Policy.CLOSE), unsure=self._doubted_from(BusySource.Policy.MARK))

    def _doubted_from(self, policy: str) -> int | None:
        instants = [
            0 if source.doubt else int(source.complete_until)
            for source in self.sources
            if source.policy == policy and (source.doubt or source.complete_until is not None)
        ]
        return min(instants, default=None)


def load_schedules(*, service: Service, employees: Iterable[Employee] | None, window: Span, now: datetime) -> list[Schedule]:
    """The schedules of the service's active employees, or of those `employees` that are among them, in the employees' order."""
    serving = Employee.objects.filter(services=service, is_active=True)
    if employees is not None:
        serving = serving.filter(pk__in=[employee.pk for employee in employees])
    rows = list(serving.values_list("pk", "calendar_id", "calendar__timezone"))
    calendars = [calendar for _, calendar, _ in rows]
    first, last = _day(window[0]) - timedelta(days=2), _day(window[1]) + timedelta(days=9)

    weekly: dict[int, list[list[Period]]] = defaultdict(lambda: [[] for _ in range(7)])
    for calendar, weekday, start, end in WorkingHours.objects.filter(calendar__in=calendars).order_by("start").values_list("calendar_id", "weekday", "start", "end"):
        weekly[calendar][weekday].append(Period(start, end))
    special: dict[int, dict[date, list[Period]]] = defaultdict(lambda: defaultdict(list))
    for calendar, day, start, end in (
        SpecialDay.objects.filter(calendar__in=calendars, day__range=(first, last)).order_by("day", "start").values_list("calendar_id", "day", "start", "end")
    ):
        special[calendar][day].append(Period(start, end))
    off: dict[int, list[DaysOff]] = defaultdict(list)
    for calendar, *days in (
        TimeOff.objects.filter(Q(yearly=True) | Q(first_day__lte=last, last_day__gte=first), calendar__in=calendars)
        .order_by()
        .values_list("calendar_id", "first_day", "last_day", "yearly")
    ):
        off[calendar].append(DaysOff(*days))
    sources: dict[int, list[Source]] = defaultdict(list)
    for row in BusySource.objects.filter(calendar__in=calendars).order_by("pk"):
        sources[row.calendar_id].append(_source(row, now))

    return [
        Schedule(
            employee_id=employee,
            calendar_id=calendar,
            rules=Rules(
                timezone=timezone,
                weekly=tuple(tuple(day) for day in weekly[calendar]),
                special=tuple((day, tuple(found)) for day, found in special[calendar].items()),
                off=tuple(off[calendar]),
            ),
            sources=tuple(sources[calendar]),
        )
        for employee, calendar, timezone in rows
    ]


def load_blocks(calendars: Sequence[int], window: Span, *, ignore: Holder | None = None) -> dict[int, list[Span]]:
    """What is sold or busy in `window` by calendar, sorted by start; spans may overlap."""
    lo, hi = (datetime.fromtimestamp(instant, UTC) for instant in window)
    sold = Allocation.objects.filter(calendar__in=calendars, start__lt=hi, end__gt=lo)
    if ignore is not None:
        sold = sold.exclude(kind=ignore[0], holder_id=ignore[1])
    busy = Busy.objects.filter(calendar__in=calendars, start__lt=hi, end__gt=lo)
    blocks: dict[int, list[Span]] = defaultdict(list)
    for rows in (sold, busy):
        for calendar, start, end in rows.values_list("calendar_id", "start", "end"):
            # Outwards, so that parts of a second stay taken.
            blocks[calendar].append((int(start.timestamp()), -int(-end.timestamp() // 1)))
    for spans in blocks.values():
        spans.sort()
    return blocks


def _source(row: BusySource, now: datetime) -> Source:
    if row.state == BusySource.State.LOST:
        doubt = "lost"
    elif row.state == BusySource.State.WAITING or row.fetched_at is None or row.fetched_at + row.max_age < now:
        doubt = "stale"
    else:
        doubt = ""
    return Source(row.label, row.policy, doubt, row.fetched_at, row.complete_until.timestamp() if row.complete_until else None)


def _day(instant: int) -> date:
    return date.fromordinal(instant // DAY + EPOCH)
