"""Finding bookable slots. The function that lists is the one that validates."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import TYPE_CHECKING, NamedTuple

from booking.availability.intervals import Span
from booking.availability.load import Holder, Schedule, load_free, load_schedules
from booking.availability.slots import DAY, Rules, Terms, bookable_window, grid, open_starts, trusted

if TYPE_CHECKING:
    from booking.models import Employee, Location, Service

# Days that `next_slot` looks through before it looks further: mostly the first few suffice.
FIRST_LOOK = 2
GROWTH = 4


class Slot(NamedTuple):
    """A time that can be booked: aware UTC instants without buffers. `unsure`: busy times may be missing, and the owner chose to offer it so.
    `location_id`: where the employee works then; None where neither the hours nor the service say."""

    start: datetime
    end: datetime
    employee_id: int
    unsure: bool = False
    location_id: int | None = None


Found = tuple[int, int, int, bool, int | None]
"""A slot with its instants in seconds since the epoch."""


def find_slots(
    *,
    service: Service,
    start: datetime,
    end: datetime,
    now: datetime,
    employees: Iterable[Employee] | None = None,
    ignore: Holder | None = None,
    duration: timedelta | None = None,
    location: Location | None = None,
) -> list[Slot]:
    """The bookable slots that start in [start, end), by start and then by the employees' order.

    Without `employees`: all active ones of the service; those who don't serve it are left out. `ignore` is the holder of an Allocation
    that doesn't count, ("appointment", id), when that appointment is to be moved. `duration` replaces the service's. `location`: only there.
    All times aware.
    """
    spans = find_spans(service=service, start=start, end=end, now=now, employees=employees, ignore=ignore, duration=duration, location=location)
    instants: dict[int, datetime] = {}
    for span in spans:
        if span[0] not in instants:
            instants[span[0]] = datetime.fromtimestamp(span[0], UTC)
        if span[1] not in instants:
            instants[span[1]] = datetime.fromtimestamp(span[1], UTC)
    return [Slot(instants[begin], instants[until], employee, unsure, place) for begin, until, employee, unsure, place in spans]


def find_spans(
    *,
    service: Service,
    start: datetime,
    end: datetime,
    now: datetime,
    employees: Iterable[Employee] | None = None,
    ignore: Holder | None = None,
    duration: timedelta | None = None,
    location: Location | None = None,
) -> list[Found]:
    """What find_slots finds, with seconds since the epoch: cheap to serialise by the thousand."""
    terms = terms_of(service, duration)
    window = _bookable(service, now, (seconds(start), seconds(end)))
    if not service.is_active or window[0] >= window[1]:
        return []
    schedules = load_schedules(service=service, employees=employees, window=window, now=now, location=location)
    return _search(schedules, terms, window, ignore)


def is_bookable(
    *,
    service: Service,
    employee: Employee,
    start: datetime,
    now: datetime,
    ignore: Holder | None = None,
    duration: timedelta | None = None,
    location: Location | None = None,
) -> Slot | None:
    """The slot of `employee` at exactly `start`, if find_slots would list it."""
    instant = start + timedelta(microseconds=1)
    slots = find_slots(service=service, start=start, end=instant, now=now, employees=[employee], ignore=ignore, duration=duration, location=location)
    return slots[0] if slots else None


def next_slot(*, service: Service, now: datetime, employees: Iterable[Employee] | None = None, location: Location | None = None) -> Slot | None:
    """The first bookable slot up to the horizon."""
    terms = terms_of(service)
    whole = _bookable(service, now, (seconds(now), seconds(now) + (service.horizon + 1) * DAY))
    if not service.is_active or whole[0] >= whole[1]:
        return None
    schedules = load_schedules(service=service, employees=employees, window=whole, now=now, location=location)
    for window in _growing(whole):
        for start, end, employee, unsure, place in _search(schedules, terms, window, None):
            return Slot(datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(end, UTC), employee, unsure, place)
    return None


def terms_of(service: Service, duration: timedelta | None = None) -> Terms:
    return Terms(
        duration=service.duration * 60 if duration is None else ceil(duration.total_seconds()),
        step=service.slot_step * 60,
        before=service.buffer_before * 60,
        after=service.buffer_after * 60,
    )


def _search(schedules: list[Schedule], terms: Terms, window: Span, ignore: Holder | None) -> list[Found]:
    starts_by_rules: dict[Rules, list[int]] = {}
    for schedule in schedules:
        for _, rules in schedule.hours:
            if rules not in starts_by_rules:
                starts_by_rules[rules] = grid(rules, terms, window)
    asked = [schedule for schedule in schedules if any(starts_by_rules[rules] for _, rules in schedule.hours)]
    if not asked:
        return []
    needed = window[0] - terms.before, window[1] + terms.duration + terms.after
    least = terms.before + terms.duration + terms.after
    free = load_free([schedule.calendar_id for schedule in asked], needed, least=least, ignore=ignore)

    offers: dict[int, list[tuple[int, bool, int | None]]] = defaultdict(list)
    for schedule in asked:
        trust = schedule.trust
        known: set[int] = set()
        for place, rules in schedule.hours:
            found = open_starts(starts_by_rules[rules], free[schedule.calendar_id], terms=terms, trust=trust)
            if len(schedule.hours) > 1:  # a time that fits at several places is offered once
                found = [start for start in found if start not in known]
                known.update(found)
            sure = len(found) if trust.unsure is None else trusted(found, trust.unsure, terms)
            for unsure, starts in ((False, found[:sure]), (True, found[sure:])):
                offer = schedule.employee_id, unsure, place
                for start in starts:
                    offers[start].append(offer)
    return [(start, start + terms.duration, employee, unsure, place) for start in sorted(offers) for employee, unsure, place in offers[start]]


def _bookable(service: Service, now: datetime, window: Span) -> Span:
    lo, hi = bookable_window(now.timestamp(), notice=service.min_notice * 60, horizon=service.horizon * DAY)
    return max(lo, window[0]), min(hi, window[1])


def _growing(whole: Span) -> Iterator[Span]:
    start, days = whole[0], FIRST_LOOK
    while start < whole[1]:
        end = min(start + days * DAY, whole[1])
        yield start, end
        start, days = end, days * GROWTH


def seconds(instant: datetime) -> int:
    """Since the epoch; a part of a second counts as a whole one."""
    if instant.tzinfo is None:
        raise ValueError("Availability wants aware datetimes.")
    return ceil(instant.timestamp())
