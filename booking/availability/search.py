"""Finding bookable slots. The function that lists is the one that validates."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import ceil
from typing import TYPE_CHECKING, NamedTuple, TypedDict, Unpack

from booking.availability.groups import load_groups
from booking.availability.intervals import Span, starts_inside
from booking.availability.load import Holder, Schedule, load_free, load_schedules
from booking.availability.slots import DAY, Rules, Terms, bookable_window, grid, open_starts, trusted, working_time

if TYPE_CHECKING:
    from booking.models import Employee, Location, Service

# Days that `next_slot` looks through before it looks further: mostly the first few suffice.
FIRST_LOOK = 2
GROWTH = 4
NOTHING = timedelta(0)


class Slot(NamedTuple):
    """A time that can be booked: aware UTC instants without buffers. `price` is what the service costs with this employee, without extras.
    `unsure`: busy times may be missing, and the owner chose to offer it so. `location_id`: where the employee works then; None where neither
    the hours nor the service say.

    Of a service for several persons: `places_left`, and the `appointment` that is there already and is joined.
    """

    start: datetime
    end: datetime
    employee_id: int
    price: Decimal
    unsure: bool = False
    location_id: int | None = None
    places_left: int | None = None
    appointment: int | None = None


Found = tuple[int, int, int, bool, int | None, int | None, int | None]
"""The same without the price, with seconds since the epoch: start, end, employee, unsure, location, places left, appointment."""


class Wanted(TypedDict, total=False):
    """What may be said of the slots that are searched for.

    `employees`: of these only; those who don't serve it are left out. Without: all active ones of the service. `together`: one slot needs all of them,
    as a collective service needs all of its own, whoever is named. `ignore`: the holder of an Allocation that doesn't count, ("appointment", id), when
    that appointment is to be moved. `duration` replaces the service's and the employees' own; `added` is what extras need on top. `location`: only
    there. `persons`: so many places must be left; with `join` false only free time counts, no appointment that could be joined.
    """

    employees: Iterable[Employee] | None
    together: bool
    ignore: Holder | None
    duration: timedelta | None
    added: timedelta
    location: Location | None
    persons: int
    join: bool


class Wish(NamedTuple):
    """The same, but for whom and what is left out."""

    duration: timedelta | None = None
    added: timedelta = NOTHING
    location: Location | None = None
    persons: int = 1
    together: bool = False
    join: bool = True

    @classmethod
    def of(cls, wanted: Wanted) -> Wish:
        return cls(**{name: value for name, value in wanted.items() if name in cls._fields})  # type: ignore[arg-type]  # named alike

    def is_collective(self, service: Service) -> bool:
        return self.together or service.collective

    def terms(self, service: Service, schedule: Schedule) -> Terms:
        return terms_of(service, schedule, self.duration, self.added)


def find_slots(*, service: Service, start: datetime, end: datetime, now: datetime, **wanted: Unpack[Wanted]) -> list[Slot]:
    """The bookable slots that start in [start, end), by start and then by the employees' order. All times aware."""
    schedules, spans = _find(service, (start, end), now, wanted)
    prices = {schedule.employee_id: service.price if schedule.price is None else schedule.price for schedule in schedules}
    instants: dict[int, datetime] = {}
    for span in spans:
        if span[0] not in instants:
            instants[span[0]] = datetime.fromtimestamp(span[0], UTC)
        if span[1] not in instants:
            instants[span[1]] = datetime.fromtimestamp(span[1], UTC)
    return [
        Slot(instants[begin], instants[until], employee, prices[employee], unsure, place, left, group)
        for begin, until, employee, unsure, place, left, group in spans
    ]


def find_spans(*, service: Service, start: datetime, end: datetime, now: datetime, **wanted: Unpack[Wanted]) -> list[Found]:
    """What find_slots finds, with seconds since the epoch: cheap to serialise by the thousand."""
    return _find(service, (start, end), now, wanted)[1]


def is_bookable(*, service: Service, employee: Employee, start: datetime, now: datetime, **wanted: Unpack[Wanted]) -> Slot | None:
    """The slot of `employee` at exactly `start`, if find_slots would list it."""
    wanted["employees"] = [employee]
    slots = find_slots(service=service, start=start, end=start + timedelta(microseconds=1), now=now, **wanted)
    return slots[0] if slots else None


def next_slot(*, service: Service, now: datetime, **wanted: Unpack[Wanted]) -> Slot | None:
    """The first bookable slot up to the horizon."""
    wish = Wish.of(wanted)
    whole = _bookable(service, now, (seconds(now), seconds(now) + (service.horizon + 1) * DAY))
    schedules = _schedules(service, wanted.get("employees"), whole, now, wish)
    ignore = wanted.get("ignore")
    joined = _with_groups([], service, schedules, wish, whole, ignore)
    for window in _growing(whole) if schedules else ():
        found = [*_search(service, schedules, wish, window, ignore)[:1], *(one for one in joined[:1] if one[0] < window[1])]
        if found:
            start, end, employee, unsure, place, left, group = min(found, key=lambda one: one[0])
            price = next(service.price if one.price is None else one.price for one in schedules if one.employee_id == employee)
            return Slot(datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(end, UTC), employee, price, unsure, place, left, group)
    return None


def terms_of(service: Service, schedule: Schedule | None = None, duration: timedelta | None = None, added: timedelta = NOTHING) -> Terms:
    """What a slot of the service needs with the employee of `schedule`."""
    own = service.duration * 60 if schedule is None or schedule.duration is None else schedule.duration
    return Terms(
        duration=(own if duration is None else seconds_of(duration)) + seconds_of(added),
        step=service.slot_step * 60,
        before=service.buffer_before * 60,
        after=service.buffer_after * 60,
    )


def _find(service: Service, within: tuple[datetime, datetime], now: datetime, wanted: Wanted) -> tuple[list[Schedule], list[Found]]:
    wish, ignore = Wish.of(wanted), wanted.get("ignore")
    window = _bookable(service, now, (seconds(within[0]), seconds(within[1])))
    schedules = _schedules(service, wanted.get("employees"), window, now, wish)
    found = _search(service, schedules, wish, window, ignore)
    return schedules, _with_groups(found, service, schedules, wish, window, ignore)


def _schedules(service: Service, employees: Iterable[Employee] | None, window: Span, now: datetime, wish: Wish) -> list[Schedule]:
    """None at all if nothing can be found."""
    if not service.is_active or window[0] >= window[1] or wish.persons > service.max_capacity:
        return []
    asked = None if employees is None or (service.collective and not wish.together) else list(employees)
    reaching = window[0], window[1] + seconds_of(wish.added)  # as far as a slot that starts in the window may reach with its extras
    found = load_schedules(service=service, employees=asked, window=reaching, now=now, location=wish.location)
    return [] if wish.together and asked is not None and len(found) < len({one.pk for one in asked}) else found


def _search(service: Service, schedules: Sequence[Schedule], wish: Wish, window: Span, ignore: Holder | None) -> list[Found]:
    if not schedules:
        return []
    places = service.max_capacity if service.is_group else None  # of a time at which nobody has booked yet
    if wish.is_collective(service):
        return _all_free(service, schedules, wish, window, ignore, places)
    starts_by_rules: dict[tuple[Rules, int], list[int]] = {}
    asked: list[tuple[Schedule, Terms, list[tuple[int | None, list[int]]]]] = []
    for schedule in schedules:
        own = wish.terms(service, schedule)
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
    free = _free([schedule for schedule, _, _ in asked], [own for _, own, _ in asked], window, ignore)

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
    return [(start, start + length, employee, unsure, place, places, None) for start in sorted(offers) for employee, unsure, length, place in offers[start]]


def _free(schedules: Sequence[Schedule], terms: Sequence[Terms], window: Span, ignore: Holder | None) -> dict[int, list[Span]]:
    before, after, lengths = terms[0].before, terms[0].after, [own.duration for own in terms]
    needed = window[0] - before, window[1] + max(lengths) + after
    return load_free([schedule.calendar_id for schedule in schedules], needed, least=before + min(lengths) + after, ignore=ignore)


def _all_free(service: Service, schedules: Sequence[Schedule], wish: Wish, window: Span, ignore: Holder | None, places: int | None) -> list[Found]:
    """Those of the first one's starts at which everybody works, at the same place, and is free; it lasts as long as the slowest of them needs."""
    terms = max((wish.terms(service, schedule) for schedule in schedules), key=lambda own: own.duration)
    free = _free(schedules, [terms], window, ignore)
    lead, known, found = schedules[0].employee_id, set[int](), list[Found]()
    for place, rules in schedules[0].hours:
        starts = grid(rules, terms, window)
        for schedule in schedules:
            there = schedule.at(place)
            worked = [] if there is None else working_time(there, (window[0], window[1] + terms.duration))
            starts = starts_inside(starts, worked, before=0, after=terms.duration)
            starts = open_starts(starts, free[schedule.calendar_id], terms=terms, trust=schedule.trust)
        starts = [start for start in starts if start not in known]
        known.update(starts)
        sure = min((trusted(starts, one.trust.unsure, terms) for one in schedules if one.trust.unsure is not None), default=len(starts))
        found += [(start, start + terms.duration, lead, number >= sure, place, places, None) for number, start in enumerate(starts)]
    return sorted(found, key=lambda one: one[0])


def _with_groups(found: list[Found], service: Service, schedules: Sequence[Schedule], wish: Wish, window: Span, ignore: Holder | None) -> list[Found]:
    """With the appointments that have places left, where they stand: whoever serves them is there already, whatever the hours are."""
    if not schedules or not wish.join or not service.is_group:
        return found
    order = {schedule.employee_id: place for place, schedule in enumerate(schedules)}
    terms = {schedule.employee_id: wish.terms(service, schedule).duration for schedule in schedules}
    joined: dict[tuple[int, int], Found] = {}
    for start, end, employee, appointment, left, place in load_groups(service, window, employees=order, ignore=ignore, location=wish.location):
        least = 0 if wish.duration is None and not wish.added else terms[employee]
        if left >= wish.persons and end - start >= least:
            lead = schedules[0].employee_id if wish.is_collective(service) else employee
            joined[lead, appointment] = (start, end, lead, False, place, left, appointment)
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


def seconds_of(length: timedelta) -> int:
    """A part of a second counts as a whole one."""
    return ceil(length.total_seconds())
