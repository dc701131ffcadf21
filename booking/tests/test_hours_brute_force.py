"""Slots with locations, services, holidays and closing days around changes of the clocks, against a count of single minutes (catalogue P3)."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from booking.availability import explain, find_slots
from booking.models import Calendar, Employee, Location, Service, SpecialDay, TimeOff, WorkingHours
from booking.tests.test_availability_brute_force import clocks

# A zone, a day on which its clocks change, and a country where that day is a public holiday.
DAYS = [("America/New_York", date(2026, 11, 1), "DE-BY"), ("Australia/Lord_Howe", date(2026, 4, 5), "DE-BB"), ("Europe/Berlin", date(2027, 3, 28), "DE-BB")]

quarter = st.integers(0, 96)
limits = st.tuples(quarter, quarter).map(sorted).filter(lambda pair: pair[0] < pair[1])
# From, until, which location (0: wherever), for whom.
period = st.tuples(limits, st.integers(0, 2), st.sampled_from(["all", "this", "other"]))
periods = st.lists(period, max_size=3)


def clock(quarters: int) -> time:
    return time(quarters // 4 % 24, quarters % 4 * 15)


class Everything(TestCase):
    """hypothesis rolls back each example."""

    @pytest.mark.feature("P3")
    @settings(max_examples=40, deadline=None)
    @given(
        where=st.sampled_from(DAYS),
        weekly=periods,
        special=st.none() | periods.filter(bool),
        offered=st.sets(st.integers(1, 2)),
        wanted=st.integers(0, 2),
        closed=st.sampled_from(["", "", "", "own", "shop", "yearly"]),
        holidays=st.booleans(),
        minutes=st.tuples(st.integers(1, 16).map(lambda n: 15 * n), st.integers(1, 60)),
    )
    @example(where=DAYS[0], weekly=[((36, 48), 0, "all")], special=[((40, 44), 0, "this")], offered=set(), wanted=0, closed="", holidays=True, minutes=(15, 15))
    @example(
        where=DAYS[0], weekly=[((0, 12), 0, "all"), ((12, 20), 1, "this")], special=None, offered={1, 2}, wanted=1, closed="", holidays=False, minutes=(60, 20)
    )
    def test_slots_equal_a_count_of_single_minutes_and_the_explanation_agrees(self, where, weekly, special, offered, wanted, closed, holidays, minutes):
        """Red when rules_by_place forgets what is worked wherever, when holidays are put before special days, or a shop's closing day is left out."""
        zone, day, country = where
        locations = [None, *(Location.objects.create(name=name) for name in "AB")]
        duration, step = minutes
        service = Service.objects.create(name="Cut", duration=duration, slot_step=step, min_notice=0, horizon=40)
        other = Service.objects.create(name="Massage")
        service.locations.set([locations[number] for number in offered])
        land, _, state = country.partition("-")
        calendar = Calendar.objects.create(name="Eve", timezone=zone, holidays_country=land, holidays_subdivision=state, holidays_closed=holidays)
        employee = Employee.objects.create(calendar=calendar, first_name="Eve", email="eve@example.org")
        service.employees.add(employee)
        around = [day + timedelta(days=n) for n in range(-3, 5)]
        made: list[tuple[type[WorkingHours | SpecialDay], dict[str, object], list]]
        made = [(WorkingHours, {"weekday": weekday}, weekly) for weekday in range(7)]
        for model, on, rows in [*made, (SpecialDay, {"day": day}, special or [])]:
            for (start, end), place, whom in rows:
                row = model(calendar=calendar, start=clock(start), end=clock(end), location=locations[place], **on)
                row.save()
                row.services.set({"all": [], "this": [service], "other": [other]}[whom])
        if closed:
            last_year = day.replace(year=day.year - 1)
            first = last_year if closed == "yearly" else day
            TimeOff.objects.create(calendar=calendar if closed == "own" else None, first_day=first, last_day=first, yearly=closed == "yearly")

        def worked(on: date) -> list[tuple[int, int, int]]:
            """The (start, end, location) in minutes that count for the service on a date."""
            if closed and on == day:
                return []
            usual = [] if holidays and is_holiday(country, on) else weekly
            rows = special if special and on == day else usual
            return [(15 * start, 15 * end, place) for (start, end), place, whom in rows if whom != "other"]

        everywhere = 0
        if wanted and offered and wanted not in offered:
            places: list[int] = []
        elif wanted or len(offered) == 1:
            places = [wanted or min(offered)]
        else:
            places = [everywhere, *sorted(offered or {1, 2})]

        midnight = int(datetime.combine(day, time(0), ZoneInfo(zone)).timestamp()) // 60
        window = midnight - 300, midnight + 1800
        low = window[0] - 300
        walls = clocks(zone, low, window[1] + 300)
        rows_of = {on: worked(on) for on in around}
        expected: dict[int, int] = {}
        for place in reversed(places):
            there = {on: [(start, end) for start, end, at in rows if at in (everywhere, place)] for on, rows in rows_of.items()}
            working = [any(start <= minute < end for start, end in there[on]) for on, minute in walls]
            stepped = [any(start <= minute < end and (minute - start) % step == 0 for start, end in there[on]) for on, minute in walls]
            for minute in range(*window):
                at = minute - low
                if stepped[at] and all(working[at : at + duration]):
                    expected[minute] = place

        now = datetime.fromtimestamp(60 * (window[0] - 1440), UTC)
        start, end = (datetime.fromtimestamp(60 * minute, UTC) for minute in window)
        found = find_slots(service=service, start=start, end=end, now=now, location=locations[wanted])
        ids = [None if one is None else one.pk for one in locations]
        assert [(int(slot.start.timestamp()) // 60, ids.index(slot.location_id)) for slot in found] == sorted(expected.items())
        for minute in range(window[0], window[1], 145):
            told = explain(service=service, employee=employee, start=datetime.fromtimestamp(60 * minute, UTC), now=now, location=locations[wanted])
            assert told.bookable == (minute in expected), told


def is_holiday(country: str, day: date) -> bool:
    """By the calendar on the wall, not by the package: the days around those of DAYS."""
    return (
        day
        in {
            "DE-BY": {date(2026, 11, 1)},
            "DE-BB": {date(2026, 4, 3), date(2026, 4, 5), date(2026, 4, 6), date(2027, 3, 26), date(2027, 3, 28), date(2027, 3, 29)},
        }[country]
    )
