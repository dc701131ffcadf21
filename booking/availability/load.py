"""The two queries that feed availability, however many calendars: who serves, by which rules, and what takes their time.

Written in SQL, because turning rows into objects costs more than everything else here.
"""

from __future__ import annotations

import sys
from array import array
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cached_property, lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db import connection

from booking import public_holidays
from booking.availability.intervals import Span, gaps
from booking.availability.slots import DAY, EPOCH, DaysOff, Period, Placed, Rules, Trust, rules_by_place
from booking.models import BusySource

if TYPE_CHECKING:
    from booking.models import Employee, Location, Service

Texts = tuple[str, ...]
Holder = tuple[str, int]
"""(kind, holder id) of an Allocation."""

# Each dialect's words for a moment and a length of time as seconds.
MOMENT = {"postgresql": "date_part('epoch', {0})", "sqlite": "strftime('%%s', {0})"}
LENGTH = {"postgresql": "date_part('epoch', {0})", "sqlite": "{0} / 1000000"}

# Who serves, and all their rules, as text: the kind, the calendar, and up to six values. Hours of other services are left out, but a special day
# that has no others still replaces the weekday's.
RULES = """
WITH serving AS (
    SELECT e.calendar_id AS calendar, e.id AS employee, row_number() OVER (ORDER BY e.position, e.first_name, e.last_name, e.id) AS place,
        s.duration AS duration, s.price AS price
    FROM booking_service_employees s JOIN booking_employee e ON e.id = s.employee_id WHERE s.service_id = %s AND e.is_active {employees}
)
SELECT 'serving', calendar, CAST(employee AS text), CAST(place AS text), CAST(duration AS text), CAST(price AS text), NULL, NULL FROM serving
UNION ALL SELECT 'calendar', id, timezone, CASE WHEN holidays_closed THEN holidays_country ELSE '' END, holidays_subdivision, NULL, NULL, NULL
    FROM booking_calendar JOIN serving ON calendar = id
UNION ALL SELECT 'place', 0, CAST(location_id AS text), NULL, NULL, NULL, NULL, NULL FROM booking_service_locations WHERE service_id = %s
UNION ALL SELECT 'hours', calendar, CAST(weekday AS text), CAST(start AS text), CAST("end" AS text), CAST(location_id AS text), NULL, NULL
    FROM booking_workinghours h JOIN serving ON calendar = calendar_id WHERE h.id NOT IN (
        SELECT workinghours_id FROM booking_workinghours_services GROUP BY workinghours_id HAVING count(CASE WHEN service_id = %s THEN 1 END) = 0
    )
UNION ALL SELECT 'special', calendar, CAST(day AS text), CAST(start AS text), CAST("end" AS text), CAST(location_id AS text), CASE WHEN d.id IN (
        SELECT specialday_id FROM booking_specialday_services GROUP BY specialday_id HAVING count(CASE WHEN service_id = %s THEN 1 END) = 0
    ) THEN 'other' ELSE '' END, NULL
    FROM booking_specialday d JOIN serving ON calendar = calendar_id WHERE day BETWEEN %s AND %s
UNION ALL SELECT 'off', calendar, CAST(first_day AS text), CAST(last_day AS text), CASE WHEN yearly THEN 'yearly' ELSE '' END, NULL, NULL, NULL
    FROM booking_timeoff JOIN serving ON calendar = calendar_id WHERE yearly OR (first_day <= %s AND last_day >= %s)
UNION ALL SELECT 'closed', 0, CAST(first_day AS text), CAST(last_day AS text), CASE WHEN yearly THEN 'yearly' ELSE '' END, NULL, NULL, NULL
    FROM booking_timeoff WHERE calendar_id IS NULL AND (yearly OR (first_day <= %s AND last_day >= %s))
UNION ALL SELECT 'source', calendar, label, policy, state, CAST({fetched_at} AS text), CAST({max_age} AS text), CAST({complete_until} AS text)
    FROM booking_busysource JOIN serving ON calendar = calendar_id
"""

TAKEN = """
SELECT calendar_id, start, "end" FROM booking_busy WHERE calendar_id IN ({calendars}) AND start < %s AND "end" > %s
UNION ALL
SELECT calendar_id, start, "end" FROM booking_allocation WHERE calendar_id IN ({calendars}) AND start < %s AND "end" > %s {ignore}
"""
# One row per calendar, all starts and all ends in the server's own form: microseconds since 2000 in 8 bytes, most significant first.
PACKED = """
SELECT calendar_id, string_agg(timestamptz_send(start), ''::bytea), string_agg(timestamptz_send("end"), ''::bytea)
FROM ({taken}) AS taken GROUP BY calendar_id
"""
# SQLite keeps instants as text, in UTC; a longer text has a fraction of a second.
PLAIN = """
SELECT calendar_id, CAST(strftime('%%s', start) AS integer), CAST(strftime('%%s', "end") AS integer) + (length("end") > 19) FROM ({taken}) AS taken
"""
SECOND = 1_000_000
CENT = Decimal("0.01")  # SQLite tells 35.5 for 35.50
YEAR_2000 = 946_684_800


class Source(NamedTuple):
    """How far one source of busy times can be trusted. `doubt` is empty, "lost", or "stale" (not read, or too long ago); instants in seconds."""

    label: str
    policy: str
    doubt: str
    fetched_at: float | None
    complete_until: float | None


@dataclass(frozen=True)
class Schedule:
    """One employee's calendar: the rules of each location at which a slot may be (None: it belongs to none), and how far its busy times can be trusted.
    `duration` (seconds) and `price` where the employee's differ from the service's."""

    employee_id: int
    calendar_id: int
    hours: tuple[tuple[int | None, Rules], ...]
    sources: Sequence[Source]
    duration: int | None = None
    price: Decimal | None = None

    def at(self, place: int | None) -> Rules | None:
        """The rules at that place: what is worked wherever counts at each. None where the service isn't offered."""
        hours = dict(self.hours)
        return hours.get(place, hours.get(None))

    @cached_property
    def trust(self) -> Trust:
        return Trust(closed=self._doubted_from(BusySource.Policy.CLOSE), unsure=self._doubted_from(BusySource.Policy.MARK))

    def _doubted_from(self, policy: str) -> int | None:
        instants = [
            0 if source.doubt else int(source.complete_until or 0)
            for source in self.sources
            if source.policy == policy and (source.doubt or source.complete_until is not None)
        ]
        return min(instants, default=None)


def load_schedules(*, service: Service, employees: Iterable[Employee] | None, window: Span, now: datetime, location: Location | None = None) -> list[Schedule]:
    """The schedules of the service's active employees, or of those `employees` that are among them, in the employees' order; `location`: only there."""
    wanted = None if employees is None else [employee.pk for employee in employees]
    if wanted == []:
        return []
    # A slot may begin the day before the window's and reach over a week beyond it.
    first, last = _day(window[0]) - timedelta(days=2), _day(window[1]) + timedelta(days=9)
    since, until = (connection.ops.adapt_datefield_value(day) for day in (first, last))
    with connection.cursor() as cursor:
        sql = RULES.format(
            employees="" if wanted is None else f"AND e.id IN ({_places(wanted)})",
            fetched_at=MOMENT[connection.vendor].format("fetched_at"),
            complete_until=MOMENT[connection.vendor].format("complete_until"),
            max_age=LENGTH[connection.vendor].format("max_age"),
        )
        cursor.execute(sql, [service.pk, *(wanted or ()), service.pk, service.pk, service.pk, since, until, until, since, until, since])
        rows = cursor.fetchall()

    serving: list[tuple[int, int, int, int | None, Decimal | None]] = []
    calendars: dict[int, tuple[str, str, str]] = {}
    offered: set[int] = set()
    weekly: dict[int, list[Texts]] = defaultdict(list)
    special: dict[int, list[Texts]] = defaultdict(list)
    off: dict[int, list[DaysOff]] = defaultdict(list)
    closed: list[DaysOff] = []
    sources: dict[int, list[Source]] = defaultdict(list)
    for kind, calendar, *values in rows:
        match kind:
            case "serving":
                employee, place, minutes, price = values[:4]
                serving.append((int(place), calendar, int(employee), minutes and int(minutes) * 60, price and Decimal(price).quantize(CENT)))
            case "calendar":
                calendars[calendar] = values[0], values[1], values[2]
            case "place":
                offered.add(int(values[0]))
            case "hours":
                weekly[calendar].append((values[0], values[1], values[2], values[3] or ""))
            case "special":
                special[calendar].append((values[0], values[1], values[2], values[3] or "", values[4]))
            case "off":
                off[calendar].append(_days_off(values))
            case "closed":
                closed.append(_days_off(values))
            case _:
                sources[calendar].append(_source(*values, now=now.timestamp()))
    places, wish = frozenset(offered), None if location is None else location.pk
    schedules = []
    for _, calendar, employee, duration, price in sorted(serving, key=itemgetter(0)):
        timezone, country, subdivision = calendars[calendar]
        hours = _hours(
            timezone,
            tuple(sorted(weekly[calendar])),
            tuple(sorted(special[calendar])),
            tuple(public_holidays.between(country, subdivision, first, last)),
            tuple(sorted([*off[calendar], *closed])),
            places,
            wish,
        )
        schedules.append(Schedule(employee, calendar, hours, sources[calendar], duration, price))
    return schedules


@lru_cache(maxsize=2048)
def _hours(
    timezone: str,
    weekly: tuple[Texts, ...],
    special: tuple[Texts, ...],
    holidays: tuple[date, ...],
    off: tuple[DaysOff, ...],
    offered: frozenset[int],
    wanted: int | None,
) -> tuple[tuple[int | None, Rules], ...]:
    """The rules that the rows say; remembered, because many calendars have the same and few change from one request to the next."""
    week: list[list[Placed]] = [[] for _ in range(7)]
    for weekday, *period in weekly:
        week[int(weekday)].append(_placed(*period))
    days: dict[date, list[Placed]] = {day: [] for day in holidays}
    # A special day stands in place of a holiday, and of the weekday's hours also when its own are for other services.
    days |= {date.fromisoformat(day): [] for day, *_ in special}
    for day, *period, other in special:
        if not other:
            days[date.fromisoformat(day)].append(_placed(*period))
    return rules_by_place(timezone=timezone, weekly=week, special=days, off=off, offered=offered, wanted=wanted)


def load_free(calendars: Sequence[int], window: Span, *, least: int, ignore: Holder | None = None) -> dict[int, list[Span]]:
    """The time in `window` that is neither sold nor busy, in pieces of at least `least` seconds, sorted, for each calendar. Parts of a second are
    left out of it."""
    lo, hi = (connection.ops.adapt_datetimefield_value(datetime.fromtimestamp(instant, UTC)) for instant in window)
    taken = TAKEN.format(calendars=_places(calendars), ignore="" if ignore is None else "AND NOT (kind = %s AND holder_id = %s)")
    params: list[Any] = [*calendars, hi, lo, *calendars, hi, lo, *(ignore or ())]
    free = {calendar: [window] for calendar in calendars}
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(PACKED.format(taken=taken), params)
            within = (window[0] - YEAR_2000) * SECOND, (window[1] - YEAR_2000) * SECOND
            for calendar, starts, ends in cursor:
                found = gaps(_unpack(starts), _unpack(ends), within=within, least=least * SECOND)
                free[calendar] = [(-(-start // SECOND) + YEAR_2000, end // SECOND + YEAR_2000) for start, end in found]
        else:
            cursor.execute(PLAIN.format(taken=taken), params)
            rows: dict[int, tuple[list[int], list[int]]] = {calendar: ([], []) for calendar in calendars}
            for calendar, start, end in cursor:
                starts, ends = rows[calendar]
                starts.append(start)
                ends.append(end)
            for calendar, (starts, ends) in rows.items():
                free[calendar] = gaps(starts, ends, within=window, least=least)
    return free


def _days_off(values: Sequence[str]) -> DaysOff:
    return DaysOff(date.fromisoformat(values[0]), date.fromisoformat(values[1]), values[2] == "yearly")


def _unpack(packed: bytes) -> array[int]:
    instants = array("q", packed)
    if sys.byteorder == "little":
        instants.byteswap()
    return instants


def _source(label: str, policy: str, state: str, fetched_at: str | None, max_age: str, complete_until: str | None, *, now: float) -> Source:
    read = None if fetched_at is None else float(fetched_at)
    if state == BusySource.State.LOST:
        doubt = "lost"
    elif state == BusySource.State.WAITING or read is None or read + float(max_age) < now:
        doubt = "stale"
    else:
        doubt = ""
    return Source(label, policy, doubt, read, None if complete_until is None else float(complete_until))


def _placed(start: str, end: str, location: str) -> Placed:
    return Period(time.fromisoformat(start), time.fromisoformat(end)), int(location) if location else None


def _places(values: Sequence[int]) -> str:
    return ", ".join(["%s"] * len(values))


def _day(instant: int) -> date:
    return date.fromordinal(instant // DAY + EPOCH)
