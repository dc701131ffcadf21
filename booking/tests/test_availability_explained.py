"""Why an instant can or can't be booked (catalogue B5), and that the answer always agrees with the list of slots."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from booking.availability import Explanation, explain, find_slots, find_spans, is_bookable, next_slot
from booking.models import (
    Allocation,
    Appointment,
    Attendance,
    Busy,
    BusySource,
    Calendar,
    Customer,
    Employee,
    Offer,
    Service,
    SpecialDay,
    Staffing,
    TimeOff,
    WorkingHours,
)

NOW = datetime(2026, 6, 1, 6, tzinfo=UTC)


def at(hour: int, minute: int = 0, day: int = 2) -> datetime:
    return datetime(2026, 6, day, hour, minute, tzinfo=UTC)


def make_service() -> Service:
    return Service.objects.create(name="Cut", duration=60, buffer_before=10, buffer_after=10, slot_step=30, min_notice=0, horizon=30)


def hire(service: Service, name: str = "Ada") -> Employee:
    calendar = Calendar.objects.create(name=name, timezone="UTC")
    for weekday in range(5):
        WorkingHours.objects.create(calendar=calendar, weekday=weekday, start=time(9), end=time(12))
    employee = Employee.objects.create(calendar=calendar, first_name=name, email=f"{name}@example.org")
    service.employees.add(employee)
    return employee


@pytest.fixture
def service(db: None) -> Service:
    return make_service()


@pytest.fixture
def employee(service: Service) -> Employee:
    return hire(service)


def asked(service: Service, employee: Employee, start: datetime, **options: object) -> Explanation:
    return explain(service=service, employee=employee, start=start, now=NOW, **options)  # type: ignore[arg-type]


def codes(service: Service, employee: Employee, start: datetime) -> list[str]:
    return [reason.code for reason in asked(service, employee, start).reasons]


def test_a_bookable_time_has_no_reasons(service: Service, employee: Employee) -> None:
    assert asked(service, employee, at(9)).bookable
    assert asked(service, employee, at(9)).reasons == ()


def test_it_tells_the_rule_that_closes_a_time(service: Service, employee: Employee) -> None:
    assert codes(service, employee, at(11, 30)) == ["hours"]
    assert asked(service, employee, at(11, 30)).reasons[0].rule == "09:00–12:00"
    assert codes(service, employee, at(9, 0, day=6)) == ["hours"]
    assert codes(service, employee, at(9, 10)) == ["off_grid"]
    SpecialDay.objects.create(calendar=employee.calendar, day=date(2026, 6, 3), start=time(15), end=time(17))
    assert codes(service, employee, at(9, day=3)) == ["special_day"]
    assert codes(service, employee, at(15, day=3)) == []
    TimeOff.objects.create(calendar=employee.calendar, first_day=date(2020, 6, 4), last_day=date(2020, 6, 4), yearly=True)
    assert codes(service, employee, at(9, day=4)) == ["time_off"]


def test_it_tells_notice_horizon_and_who_does_not_serve(service: Service, employee: Employee) -> None:
    service.min_notice, service.horizon = 27 * 60 + 1, 7
    assert codes(service, employee, at(9)) == ["notice"]
    assert codes(service, employee, at(9, day=8)) == ["horizon"]
    service.min_notice = 0
    employee.is_active = False
    employee.save()
    assert codes(service, employee, at(9)) == ["inactive"]
    employee.is_active = True
    employee.save()
    service.employees.remove(employee)
    assert codes(service, employee, at(9)) == ["inactive"]


def test_it_tells_what_takes_the_time_and_the_title_only_to_the_owner(service: Service, employee: Employee) -> None:
    Allocation.objects.create(calendar=employee.calendar, start=at(10), end=at(10, 30), kind="appointment", holder_id=7)
    source = BusySource.objects.create(calendar=employee.calendar, label="Nextcloud", state="ok", fetched_at=NOW, max_age=timedelta(hours=1))
    Busy.objects.create(calendar=employee.calendar, source=source, start=at(10, 5), end=at(10, 25), key="1", title="CANARY-PRIVATE-7f")
    found = asked(service, employee, at(9))
    assert [(reason.code, reason.source, reason.start) for reason in found.reasons] == [("allocation", "", at(10)), ("busy", "Nextcloud", at(10, 5))]
    assert "CANARY" not in repr(found)
    assert asked(service, employee, at(9), owner=True).reasons[1].title == "CANARY-PRIVATE-7f"
    assert [reason.code for reason in asked(service, employee, at(9), ignore=("appointment", 7)).reasons] == ["busy"]


@pytest.mark.parametrize("count", [1, 25])
def test_it_asks_the_database_the_same_number_of_times_for_any_number_of_calendars(service: Service, count: int) -> None:
    for number in range(count):
        employee = hire(service, f"E{number}")
        Allocation.objects.create(calendar=employee.calendar, start=at(9), end=at(10), kind="appointment", holder_id=number)
    with CaptureQueriesContext(connection) as queries:
        assert find_spans(service=service, start=at(0), end=at(0, day=30), now=NOW)
    assert len(queries) == 2
    with CaptureQueriesContext(connection) as queries:
        assert next_slot(service=service, now=NOW)
    assert len(queries) == 2
    Allocation.objects.filter(calendar__employee__services=service).update(start=NOW, end=NOW + timedelta(days=99))
    with CaptureQueriesContext(connection) as queries:
        assert next_slot(service=service, now=NOW) is None
    assert len(queries) <= 8


quarters = st.integers(-8, 24)
rows = st.lists(st.tuples(quarters, st.integers(1, 6)), max_size=3)
policies = st.sampled_from(["close", "mark", "offer"])
instants = st.none() | quarters


class Agreement(TestCase):
    """hypothesis rolls back each example."""

    @settings(max_examples=60, deadline=None)
    @given(
        hours=st.lists(st.tuples(st.integers(0, 12), st.integers(1, 8)), max_size=2),
        special=st.none() | st.tuples(st.integers(0, 12), st.integers(1, 8)),
        sold=st.none() | st.tuples(quarters, st.integers(1, 6)),
        busy=rows,
        sources=st.lists(st.tuples(policies, st.sampled_from(["ok", "lost", "waiting"]), instants, st.integers(0, 20)), min_size=1, max_size=2),
        off=st.booleans(),
        minutes=st.tuples(st.integers(1, 90), st.integers(5, 45), st.integers(0, 30), st.integers(0, 30)),
        notice=st.integers(0, 240),
        ignored=st.booleans(),
        own=st.none() | st.integers(1, 120),
        added=st.just(0) | st.integers(1, 90),
    )
    @example(
        hours=[(0, 8)], special=None, sold=None, busy=[], sources=[("offer", "ok", None, 0)], off=False, minutes=(60, 15, 0, 0), notice=0, ignored=False,
        own=45, added=30,
    )  # fmt: skip
    def test_the_explanation_says_bookable_exactly_for_what_is_listed(
        self, hours, special, sold, busy, sources, off, minutes, notice, ignored, own, added
    ) -> None:
        start = datetime(2026, 6, 2, 9, tzinfo=UTC)
        now = start - timedelta(hours=1, seconds=7)

        def instant(quarter: int) -> datetime:
            return start + timedelta(minutes=15 * quarter)

        duration, step, before, after = minutes
        service = Service.objects.create(name="Cut", duration=duration, slot_step=step, buffer_before=before, buffer_after=after, min_notice=notice, horizon=1)
        employee = hire(service)
        Offer.objects.update(duration=own)
        employee.calendar.working_hours.all().delete()
        for model, day, pairs in ((WorkingHours, {"weekday": 1}, hours), (SpecialDay, {"day": start.date()}, [special] if special else [])):
            for begin, length in pairs:
                model.objects.create(calendar=employee.calendar, start=instant(begin).time(), end=instant(begin + length).time(), **day)
        if off:
            TimeOff.objects.create(calendar=employee.calendar, first_day=start.date(), last_day=start.date())
        for policy, state, until, age in sources:
            source = BusySource.objects.create(
                calendar=employee.calendar, label="Nextcloud", policy=policy, state=state, max_age=timedelta(minutes=15),
                fetched_at=now - timedelta(minutes=age), complete_until=None if until is None else instant(until),
            )  # fmt: skip
        for number, (begin, length) in enumerate(busy):
            Busy.objects.create(calendar=employee.calendar, source=source, start=instant(begin), end=instant(begin + length), key=str(number))
        if sold is not None:
            Allocation.objects.create(calendar=employee.calendar, start=instant(sold[0]), end=instant(sum(sold)), kind="appointment", holder_id=1)
        ignore = ("appointment", 1) if ignored else None

        extras = timedelta(minutes=added)
        listed = find_slots(service=service, start=instant(-2), end=instant(14), now=now, ignore=ignore, added=extras)
        assert {slot.end - slot.start for slot in listed} <= {timedelta(minutes=(own or duration) + added)}
        single = {slot.start: slot for slot in listed}
        for asked_at in {instant(quarter) for quarter in range(-2, 14)} | set(single):
            found = explain(service=service, employee=employee, start=asked_at, now=now, ignore=ignore, added=extras)
            assert found.bookable == (asked_at in single), (asked_at, found)
            assert is_bookable(service=service, employee=employee, start=asked_at, now=now, ignore=ignore, added=extras) == single.get(asked_at)
            assert all(reason.sentence for reason in found.reasons)
            if found.bookable:
                assert single[asked_at].unsure == any(note.policy == "mark" for note in found.notes)


class GroupAgreement(TestCase):
    """The same for services of several persons and several employees; against a count of single minutes for what is free."""

    @settings(max_examples=60, deadline=None)
    @given(
        hours=st.tuples(st.tuples(st.integers(0, 6), st.integers(1, 12)), st.tuples(st.integers(0, 6), st.integers(1, 12))),
        groups=st.lists(st.tuples(st.integers(0, 12), st.integers(1, 3), st.booleans(), st.booleans()), max_size=3),
        busy=st.lists(st.tuples(st.integers(0, 12), st.integers(1, 4), st.booleans()), max_size=2),
        capacity=st.integers(1, 3),
        persons=st.integers(1, 3),
        collective=st.booleans(),
        join=st.booleans(),
        minutes=st.sampled_from([(60, 30), (30, 15), (45, 30)]),
        ignored=st.booleans(),
    )
    def test_the_explanation_says_bookable_exactly_for_what_is_listed(self, hours, groups, busy, capacity, persons, collective, join, minutes, ignored) -> None:
        start, (duration, step) = datetime(2026, 6, 2, 9, tzinfo=UTC), minutes
        now = start - timedelta(hours=1)

        def instant(quarter: int) -> datetime:
            return start + timedelta(minutes=15 * quarter)

        fields = {"duration": duration, "slot_step": step, "max_capacity": capacity, "collective": collective}
        service = Service.objects.create(name="Yoga", min_notice=0, horizon=1, **fields)
        staff = [hire(service, name) for name in ("Ada", "Bob")]
        taken: dict[int, list[tuple[datetime, datetime]]] = {one.pk: [] for one in staff}
        for one, (begin, length) in zip(staff, hours, strict=True):
            one.calendar.working_hours.all().delete()
            WorkingHours.objects.create(calendar=one.calendar, weekday=1, start=instant(begin).time(), end=instant(begin + length).time())
        for number, (begin, length, second) in enumerate(busy):
            one = staff[second]
            source = BusySource.objects.create(calendar=one.calendar, label="x", state="ok", fetched_at=now, max_age=timedelta(hours=9))
            Busy.objects.create(calendar=one.calendar, source=source, start=instant(begin), end=instant(begin + length), key=str(number))
            taken[one.pk].append((instant(begin), instant(begin + length)))
        there: dict[tuple[datetime, int], int] = {}
        ignore = None
        for begin, places, second, with_both in groups:
            serving = staff if with_both or collective else [staff[second]]
            span = instant(begin), instant(begin) + timedelta(minutes=duration)
            if any(Allocation.objects.filter(calendar=one.calendar, start__lt=span[1], end__gt=span[0]).exists() for one in serving):
                continue
            made = Appointment.objects.create(service=service, start=span[0], end=span[1])
            customer = Customer.objects.create(first_name="C", email="c@example.org")
            Attendance.objects.create(appointment=made, customer=customer, price=0, persons=places)
            Attendance.objects.create(appointment=made, customer=customer, price=0, persons=9, status="cancelled")
            for one in serving:
                Staffing.objects.create(appointment=made, employee=one)
                Allocation.objects.create(calendar=one.calendar, start=span[0], end=span[1], kind="appointment", holder_id=made.pk)
            if ignored and ignore is None:
                ignore = ("appointment", made.pk)
                continue
            for one in serving:
                taken[one.pk].append(span)
                there[span[0], staff[0].pk if collective else one.pk] = capacity - places

        def is_free(one: Employee, at: datetime, lead: Employee) -> bool:
            begin, length = hours[staff.index(one)]
            until = at + timedelta(minutes=duration)
            on_grid = (at - instant(hours[staff.index(lead)][0])) % timedelta(minutes=step) == timedelta(0)
            return on_grid and instant(begin) <= at and until <= instant(begin + length) and not any(a < until and b > at for a, b in taken[one.pk])

        expected: dict[tuple[datetime, int], int | None] = {}
        for at_minute in range(0, 19 * 15, 15):
            at_ = start + timedelta(minutes=at_minute)
            for one in staff[:1] if collective else staff:
                if join and capacity > 1 and there.get((at_, one.pk), 0) >= persons:
                    expected[at_, one.pk] = there[at_, one.pk]
                elif persons <= capacity and all(is_free(each, at_, staff[0] if collective else each) for each in (staff if collective else [one])):
                    expected[at_, one.pk] = capacity if capacity > 1 else None

        options: Any = {"service": service, "now": now, "persons": persons, "join": join, "ignore": ignore}
        listed = {(slot.start, slot.employee_id): slot.places_left for slot in find_slots(start=instant(0), end=instant(19), **options)}
        assert listed == expected
        for quarter in range(19):
            for one in staff:
                found = explain(employee=one, start=instant(quarter), **options)
                assert found.bookable == ((instant(quarter), staff[0].pk if collective else one.pk) in listed), (instant(quarter), found)
        if join and ignore is None:
            first = next_slot(service=service, now=now, persons=persons)
            earliest = min(listed, default=(None,))[0]
            assert (first and first.start) == earliest or (earliest is None and first is not None and first.start >= instant(19))
