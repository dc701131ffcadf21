"""Finding bookable slots. The function that lists is the one that validates."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import TYPE_CHECKING, NamedTuple

from booking.availability.groups import load_groups
from booking.availability.intervals import Span, starts_inside
from booking.availability.load import Holder, Schedule, load_free, load_schedules
from booking.availability.slots import DAY, Rules, Terms, bookable_window, grid, open_starts, trusted, working_time

if TYPE_CHECKING:
    from booking.models import Employee, Service

# Days that `next_slot` looks through before it looks further: mostly the first few suffice.
FIRST_LOOK = 2
GROWTH = 4


class Slot(NamedTuple):
    """A time that can be booked: aware UTC instants without buffers. `unsure`: busy times may be missing, and the owner chose to offer it so.

    Of a service for several persons: `places_left`, and the `appointment` that is there already and is joined.
    """

    start: datetime
    end: datetime
    employee_id: int
    unsure: bool = False
    places_left: int | None = None
    appointment: int | None = None


Found = tuple[int, int, int, bool, int | None, int | None]
"""The same with seconds since the epoch."""


def find_slots(
    *,
    service: Service,
    start: datetime,
    end: datetime,
    now: datetime,
    employees: Iterable[Employee] | None = None,
    ignore: Holder | None = None,
    duration: timedelta | None = None,
    persons: int = 1,
    together: bool = False,
    join: bool = True,
) -> list[Slot]:
    """The bookable slots that start in [start, end), by start and then by the employees' order.

    Without `employees`: all active ones of the service; those who don't serve it are left out. `together`: one slot needs all of them, as a
    collective service needs all of its own, whoever is named. `ignore` is the holder of an Allocation
    that doesn't count, ("appointment", id), when that appointment is to be moved. `duration` replaces the service's. `persons`: so many
    places must be left; with `join` false only free time counts, no appointment that could be joined. All times aware.
    """
    spans = find_spans(
        service=service,
        start=start,
        end=end,
        now=now,
        employees=employees,
        ignore=ignore,
        duration=duration,
        persons=persons,
        together=together,
        join=join,
    )
    instants: dict[int, datetime] = {}
    for span in spans:
        if span[0] not in instants:
            instants[span[0]] = datetime.fromtimestamp(span[0], UTC)
        if span[1] not in instants:
            instants[span[1]] = datetime.fromtimestamp(span[1], UTC)
    return [Slot(instants[begin], instants[until], employee, unsure, left, group) for begin, until, employee, unsure, left, group in spans]


def find_spans(
    *,
    service: Service,
    start: datetime,
    end: datetime,
    now: datetime,
    employees: Iterable[Employee] | None = None,
    ignore: Holder | None = None,
    duration: timedelta | None = None,
    persons: int = 1,
    together: bool = False,
    join: bool = True,
) -> list[Found]:
    """What find_slots finds, in seconds since the epoch: cheap to serialise by the thousand."""
    window = _bookable(service, now, (seconds(start), seconds(end)))
    if not service.is_active or window[0] >= window[1] or persons > service.max_capacity:
        return []
    asked = None if employees is None or (service.collective and not together) else list(employees)
    schedules = load_schedules(service=service, employees=asked, window=window, now=now)
    if together and asked is not None and len(schedules) < len({one.pk for one in asked}):
        return []
    wish = _wish(service, persons, together=together, duration=duration)
    found = _search(schedules, wish, window, ignore)
    return _with_groups(found, service, schedules, wish, window, ignore) if join and service.is_group else found


def is_bookable(
    *, service: Service, employee: Employee, start: datetime, now: datetime, ignore: Holder | None = None, duration: timedelta | None = None
) -> Slot | None:
    """The slot of `employee` at exactly `start`, if find_slots would list it."""
    instant = start + timedelta(microseconds=1)
    slots = find_slots(service=service, start=start, end=instant, now=now, employees=[employee], ignore=ignore, duration=duration)
    return slots[0] if slots else None


def next_slot(*, service: Service, now: datetime, employees: Iterable[Employee] | None = None, persons: int = 1) -> Slot | None:
    """The first bookable slot up to the horizon."""
    whole = _bookable(service, now, (seconds(now), seconds(now) + (service.horizon + 1) * DAY))
    if not service.is_active or whole[0] >= whole[1] or persons > service.max_capacity:
        return None
    schedules = load_schedules(service=service, employees=None if service.collective else employees, window=whole, now=now)
    wish = _wish(service, persons)
    joined = _with_groups([], service, schedules, wish, whole, None)
    for window in _growing(whole):
        found = [*_search(schedules, wish, window, None)[:1], *(one for one in joined[:1] if one[0] < window[1])]
        if found:
            start, end, *rest = min(found, key=lambda one: one[0])
            return Slot(datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(end, UTC), *rest)
    return None


def terms_of(service: Service, duration: timedelta | None = None) -> Terms:
    return Terms(
        duration=service.duration * 60 if duration is None else ceil(duration.total_seconds()),
        step=service.slot_step * 60,
        before=service.buffer_before * 60,
        after=service.buffer_after * 60,
    )


class Wish(NamedTuple):
    """What is searched for: `together`, all of them free at once; `places` of a time at which nobody has booked yet, None where only one can come;
    `least`, how long an appointment that is joined must take."""

    terms: Terms
    persons: int
    together: bool
    places: int | None
    least: int


def _wish(service: Service, persons: int, *, together: bool = False, duration: timedelta | None = None) -> Wish:
    terms = terms_of(service, duration)
    places = service.max_capacity if service.is_group else None
    return Wish(terms, persons, together or service.collective, places, least=0 if duration is None else terms.duration)


def _search(schedules: list[Schedule], wish: Wish, window: Span, ignore: Holder | None) -> list[Found]:
    terms = wish.terms
    starts_by_rules: dict[Rules, list[int]] = {}
    for schedule in schedules[:1] if wish.together else schedules:
        if schedule.rules not in starts_by_rules:
            starts_by_rules[schedule.rules] = grid(schedule.rules, terms, window)
    asked = schedules if wish.together else [schedule for schedule in schedules if starts_by_rules[schedule.rules]]
    if not asked or not any(starts_by_rules.values()):
        return []
    needed = window[0] - terms.before, window[1] + terms.duration + terms.after
    least = terms.before + terms.duration + terms.after
    free = load_free([schedule.calendar_id for schedule in asked], needed, least=least, ignore=ignore)
    if wish.together:
        return _all_free(asked, free, starts_by_rules[asked[0].rules], wish, window)

    offers: dict[int, list[tuple[int, bool]]] = defaultdict(list)
    for schedule in asked:
        trust = schedule.trust
        found = open_starts(starts_by_rules[schedule.rules], free[schedule.calendar_id], terms=terms, trust=trust)
        sure = len(found) if trust.unsure is None else trusted(found, trust.unsure, terms)
        for unsure, starts in ((False, found[:sure]), (True, found[sure:])):
            offer = schedule.employee_id, unsure
            for start in starts:
                offers[start].append(offer)
    return [(start, start + terms.duration, employee, unsure, wish.places, None) for start in sorted(offers) for employee, unsure in offers[start]]


def _all_free(schedules: list[Schedule], free: dict[int, list[Span]], starts: list[int], wish: Wish, window: Span) -> list[Found]:
    """Those of the first one's starts at which everybody works and is free."""
    terms = wish.terms
    for schedule in schedules:
        worked = working_time(schedule.rules, (window[0], window[1] + terms.duration))
        starts = starts_inside(starts, worked, before=0, after=terms.duration)
        starts = open_starts(starts, free[schedule.calendar_id], terms=terms, trust=schedule.trust)
    sure = min((trusted(starts, one.trust.unsure, terms) for one in schedules if one.trust.unsure is not None), default=len(starts))
    lead = schedules[0].employee_id
    return [(start, start + terms.duration, lead, place >= sure, wish.places, None) for place, start in enumerate(starts)]


def _with_groups(found: list[Found], service: Service, schedules: list[Schedule], wish: Wish, window: Span, ignore: Holder | None) -> list[Found]:
    """With the appointments that have places left, where they stand: whoever serves them is there already, whatever the hours are."""
    order = {schedule.employee_id: place for place, schedule in enumerate(schedules)}
    joined: dict[tuple[int, int], Found] = {}
    for start, end, employee, appointment, left in load_groups(service, window, employees=order, ignore=ignore):
        if left >= wish.persons and end - start >= wish.least:
            lead = schedules[0].employee_id if wish.together else employee
            joined[lead, appointment] = (start, end, lead, False, left, appointment)
    return sorted([*found, *joined.values()], key=lambda one: (one[0], order[one[2]])) if joined else found


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
