"""What the page of working hours shows: a picture of the week, and the coming days that are unlike others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from itertools import groupby

from django.db.models import Q
from django.utils.translation import get_language

from booking import public_holidays
from booking.actions.hours import Period
from booking.availability.slots import DaysOff
from booking.models import Calendar, TimeOff
from booking.pages.hours_form import weekdays

AHEAD = timedelta(days=365)
COLOURS = 5  # classes of kalends.css; the first is for hours that belong to no place
HEIGHT = 24


@dataclass(frozen=True, slots=True)
class Bar:
    """A period as a rectangle: minutes from the picture's left edge; periods at the same time lie below one another."""

    x: int
    width: int
    y: float
    height: float
    colour: int
    period: Period
    place: str


@dataclass(frozen=True, slots=True)
class Picture:
    """Seven rows over a common scale. `ticks` are its hours from edge to edge, `width` its minutes."""

    days: list[tuple[int, str, list[Bar]]]
    ticks: list[time]
    width: int
    lines: list[int]
    places: list[tuple[int, str]]


@dataclass(frozen=True, slots=True)
class Unlike:
    """Days that are not like their weekday. `kind`: off, closed (for everybody), holiday, special."""

    first: date
    last: date
    kind: str
    text: str = ""
    yearly: bool = False
    pk: int = 0
    periods: tuple[str, ...] = ()


def picture(week: Sequence[Sequence[Period]], places: Mapping[int, str]) -> Picture:
    """From the first hour to the last of the week; three or four parts of whole hours each."""
    spans = [_minutes(one) for periods in week for one in periods]
    first, last = min((start // 60 for start, _ in spans), default=8), max((-(-end // 60) for _, end in spans), default=16)
    hours = next(number for number in range(max(6, last - first), 25) if number % 3 == 0 or number % 4 == 0)
    parts = 4 if hours % 4 == 0 else 3
    first = min(first, 24 - hours)
    used = sorted({one.location_id for periods in week for one in periods if one.location_id is not None}, key=lambda pk: places.get(pk, ""))
    colours: dict[int | None, int] = {None: 0} | {pk: 1 + number % (COLOURS - 1) for number, pk in enumerate(used)}
    days = [(number, name, _bars(week[number], first * 60, colours, places)) for number, name in weekdays()]
    return Picture(
        days=days,
        ticks=[time((first + hours * part // parts) % 24) for part in range(parts + 1)],
        width=hours * 60,
        lines=[hours * 60 * part // parts for part in range(1, parts)],
        places=[(colours[pk], places.get(pk, "")) for pk in used],
    )


def unlike(calendar: Calendar, today: date) -> list[Unlike]:
    """Those of the coming year, in order."""
    until = today + AHEAD
    found = []
    for off in TimeOff.objects.filter(Q(calendar=calendar) | Q(calendar=None)):
        days = DaysOff(off.first_day, off.last_day, off.yearly).coming(today)
        if days is not None and (off.calendar_id is not None or days[0] <= until):
            found.append(Unlike(*days, "closed" if off.calendar_id is None else "off", off.label, off.yearly, off.pk))
    special = calendar.special_days.filter(day__gte=today).order_by("day", "start").select_related("location").prefetch_related("services")
    for day, rows in groupby(special, key=lambda one: one.day):
        found.append(Unlike(day, day, "special", periods=tuple(one.words for one in rows)))
    open_anyway = {one.first for one in found if one.kind == "special"}
    if calendar.holidays_closed:
        for day in public_holidays.between(calendar.holidays_country, calendar.holidays_subdivision, today, until):
            if day not in open_anyway:
                name = public_holidays.name(calendar.holidays_country, calendar.holidays_subdivision, day, get_language() or "en")
                found.append(Unlike(day, day, "holiday", name))
    return sorted(found, key=lambda one: (one.first, one.last, one.kind))


def _minutes(period: Period) -> tuple[int, int]:
    end = period.end.hour * 60 + period.end.minute
    return period.start.hour * 60 + period.start.minute, end or 24 * 60


def _bars(periods: Sequence[Period], left: int, colours: Mapping[int | None, int], places: Mapping[int, str]) -> list[Bar]:
    lanes: list[int] = []  # where each ends
    laid: list[tuple[int, Period]] = []
    for period in sorted(periods, key=_minutes):
        start, end = _minutes(period)
        lane = next((number for number, until in enumerate(lanes) if until <= start), len(lanes))
        lanes[lane : lane + 1] = [end]
        laid.append((lane, period))
    height = HEIGHT / max(1, len(lanes))
    bars = []
    for lane, period in laid:
        start, end = _minutes(period)
        place = places.get(period.location_id, "") if period.location_id is not None else ""
        bars.append(Bar(start - left, end - start, lane * height, height, colours[period.location_id], period, place))
    return bars
