"""Finding bookable slots. The function that lists is the one that validates."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
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
NOTHING = timedelta(0)


class Slot(NamedTuple):
    """A time that can be booked: aware UTC instants without buffers. `price` is what the service costs with this employee, without extras.
    `unsure`: busy times may be missing, and the owner chose to offer it so. `location_id`: where the employee works then; None where neither
    the hours nor the service say."""

    start: datetime
    end: datetime
    employee_id: int
    price: Decimal
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
    added: timedelta = NOTHING,
    location: Location | None = None,
) -> list[Slot]:
    """The bookable slots that start in [start, end), by start and then by the employees' order.

    Without `employees`: all active ones of the service; those who don't serve it are left out. `ignore` is the holder of an Allocation
    that doesn't count, ("appointment", id), when that appointment is to be moved. `duration` replaces the service's and the employees' own;
    `added` is what extras need on top. `location`: only there. All times aware.
    """
    schedules, spans = _find(service, employees, (start, end), now, ignore, duration, added, location)
    prices = {schedule.employee_id: service.price if schedule.price is None else schedule.price for schedule in schedules}
    instants: dict[int, datetime] = {}
    for span in spans:
        if span[0] not in instants:
            instants[span[0]] = datetime.fromtimestamp(span[0], UTC)
        if span[1] not in instants:
            instants[span[1]] = datetime.fromtimestamp(span[1], UTC)
    return [Slot(instants[begin], instants[until], employee, prices[employee], unsure, place) for begin, until, employee, unsure, place in spans]


def find_spans(
    *,
    service: Service,
    start: datetime,
    end: datetime,
    now: datetime,
    employees: Iterable[Employee] | None = None,
    ignore: Holder | None = None,
    duration: timedelta | None = None,
    added: timedelta = NOTHING,
    location: Location | None = None,
) -> list[Found]:
    """What find_slots finds, with seconds since the epoch: cheap to serialise by the thousand."""
    return _find(service, employees, (start, end), now, ignore, duration, added, location)[1]


def is_bookable(
    *,
    service: Service,
    employee: Employee,
    start: datetime,
    now: datetime,
    ignore: Holder | None = None,
    duration: timedelta | None = None,
    added: timedelta = NOTHING,
    location: Location | None = None,
) -> Slot | None:
    """The slot of `employee` at exactly `start`, if find_slots would list it."""
    instant = start + timedelta(microseconds=1)
    slots = find_slots(
        service=service, start=start, end=instant, now=now, employees=[employee], ignore=ignore, duration=duration, added=added, location=location
    )
    return slots[0] if slots else None


def next_slot(
    *,
    service: Service,
    now: datetime,
    employees: Iterable[Employee] | None = None,
    duration: timedelta | None = None,
    added: timedelta = NOTHING,
    location: Location | None = None,
) -> Slot | None:
    """The first bookable slot up to the horizon."""
    whole = _bookable(service, now, (seconds(now), seconds(now) + (service.horizon + 1) * DAY))
    if not service.is_active or whole[0] >= whole[1]:
        return None
    schedules = load_schedules(service=service, employees=employees, window=_reaching(whole, added), now=now, location=location)
    terms = [terms_of(service, schedule, duration, added) for schedule in schedules]
    for window in _growing(whole):
        for start, end, employee, unsure, place in _search(schedules, terms, window, None):
            price = next(service.price if one.price is None else one.price for one in schedules if one.employee_id == employee)
            return Slot(datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(end, UTC), employee, price, unsure, place)
    return None


def terms_of(service: Service, schedule: Schedule | None = None, duration: timedelta | None = None, added: timedelta = NOTHING) -> Terms:
    """What a slot of the service needs with the employee of `schedule`."""
    if duration is not None:
        needed = seconds_of(duration)
    else:
        own = schedule.duration if schedule is not None else None
        needed = service.duration * 60 if own is None else own
    return Terms(
        duration=needed + seconds_of(added),
        step=service.slot_step * 60,
        before=service.buffer_before * 60,
        after=service.buffer_after * 60,
    )


def _find(
    service: Service,
    employees: Iterable[Employee] | None,
    within: tuple[datetime, datetime],
    now: datetime,
    ignore: Holder | None,
    duration: timedelta | None,
    added: timedelta,
    location: Location | None,
) -> tuple[list[Schedule], list[Found]]:
    window = _bookable(service, now, (seconds(within[0]), seconds(within[1])))
    if not service.is_active or window[0] >= window[1]:
        return [], []
    schedules = load_schedules(service=service, employees=employees, window=_reaching(window, added), now=now, location=location)
    return schedules, _search(schedules, [terms_of(service, schedule, duration, added) for schedule in schedules], window, ignore)


def _search(schedules: Sequence[Schedule], terms: Sequence[Terms], window: Span, ignore: Holder | None) -> list[Found]:
    starts_by_rules: dict[tuple[Rules, int], list[int]] = {}
    asked: list[tuple[Schedule, Terms, list[tuple[int | None, list[int]]]]] = []
    for schedule, own in zip(schedules, terms, strict=True):
        possible: list[tuple[int | None, list[int]]] = []
        for place, rules in schedule.hours:
            key = rules, own.duration
            if (starts := starts_by_rules.get(key)) is None:
                starts = starts_by_rules[key] = grid(rules, own, window)
            if starts:
                possible.append((place, starts))
        if possible:
            asked.append((schedule, own, possible))
    if not asked:
        return []
    before, after, lengths = terms[0].before, terms[0].after, [own.duration for _, own, _ in asked]
    needed = window[0] - before, window[1] + max(lengths) + after
    free = load_free([schedule.calendar_id for schedule, _, _ in asked], needed, least=before + min(lengths) + after, ignore=ignore)

    offers: dict[int, list[tuple[int, bool, int, int | None]]] = defaultdict(list)
    for schedule, own, possible in asked:
        trust = schedule.trust
        known: set[int] = set()
        for place, starts in possible:
            found = open_starts(starts, free[schedule.calendar_id], terms=own, trust=trust)
            if len(possible) > 1:  # a time that fits at several places is offered once
                found = [start for start in found if start not in known]
                known.update(found)
            sure = len(found) if trust.unsure is None else trusted(found, trust.unsure, own)
            for unsure, listed in ((False, found[:sure]), (True, found[sure:])):
                offer = schedule.employee_id, unsure, own.duration, place
                for start in listed:
                    offers[start].append(offer)
    return [(start, start + length, employee, unsure, place) for start in sorted(offers) for employee, unsure, length, place in offers[start]]


def _reaching(window: Span, added: timedelta) -> Span:
    """As far as a slot that starts in the window may reach with its extras."""
    return window[0], window[1] + seconds_of(added)


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


def seconds_of(length: timedelta) -> int:
    """A part of a second counts as a whole one."""
    return ceil(length.total_seconds())
