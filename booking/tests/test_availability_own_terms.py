"""Employees with their own lengths, and extras: the list is that of services which are as long by themselves."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from booking.availability import find_slots, next_slot
from booking.models import Allocation, Calendar, Employee, Offer, Service, SpecialDay, WorkingHours

NOW = datetime(2026, 6, 1, 6, tzinfo=UTC)
MIDNIGHT = datetime(2026, 6, 2, tzinfo=UTC)
lengths = st.none() | st.integers(1, 120)


def hire(service: Service, name: str, **own: object) -> Employee:
    calendar = Calendar.objects.create(name=name, timezone="UTC")
    for start, end in ((9, 12), (13, 18)):
        WorkingHours.objects.create(calendar=calendar, weekday=1, start=time(start), end=time(end))
    employee = Employee.objects.create(calendar=calendar, first_name=name, email=f"{name}@example.org")
    Offer.objects.create(service=service, employee=employee, **own)
    return employee


class Equal(TestCase):
    @settings(max_examples=40, deadline=None)
    @given(
        own=st.lists(lengths, min_size=1, max_size=3),
        added=st.integers(0, 90),
        step=st.integers(5, 60),
        taken=st.lists(st.integers(0, 40), max_size=3, unique=True),
    )
    @example(own=[20, 100], added=10, step=15, taken=[8, 12])
    def test_it_is_the_list_of_services_that_are_as_long(self, own, added, step, taken) -> None:
        """Red when _search takes one length for all, or load_free leaves out gaps that only a short one fits."""
        service = Service.objects.create(name="Cut", duration=60, slot_step=step, min_notice=0, buffer_after=5)
        people = [hire(service, f"E{number}", duration=length, price=None if length is None else length) for number, length in enumerate(own)]
        for person in people:
            for number, quarter in enumerate(taken):
                start = MIDNIGHT + timedelta(hours=8, minutes=15 * quarter)
                Allocation.objects.create(calendar=person.calendar, start=start, end=start + timedelta(minutes=10), kind="x", holder_id=number)
        window: dict[str, Any] = {
            "start": MIDNIGHT,
            "end": MIDNIGHT + timedelta(hours=14),
            "now": NOW,
        }  # within working hours: what begins there ends beyond it
        found = find_slots(service=service, **window, added=timedelta(minutes=added))
        expected = []
        for person, length in zip(people, own, strict=True):
            alike = Service.objects.create(name="Alike", duration=(length or 60) + added, slot_step=step, min_notice=0, buffer_after=5)
            alike.employees.add(person)
            expected += [(slot.start, slot.end, person.pk, Decimal(length or 0)) for slot in find_slots(service=alike, **window)]
        assert sorted((slot.start, slot.end, slot.employee_id, slot.price) for slot in found) == sorted(expected)
        first = next_slot(service=service, now=NOW, added=timedelta(minutes=added))
        assert first == (found[0] if found else first)


@pytest.mark.django_db
def test_it_takes_no_more_statements() -> None:
    service = Service.objects.create(name="Cut", duration=60, min_notice=0)
    for number in range(4):
        hire(service, f"E{number}", duration=20 + number, price=number)
    with CaptureQueriesContext(connection) as queries:
        assert find_slots(service=service, start=MIDNIGHT, end=MIDNIGHT + timedelta(days=9), now=NOW, added=timedelta(hours=1))
    assert len(queries) == 2


@pytest.mark.django_db
def test_extras_that_reach_over_days_see_the_special_days_there() -> None:
    """Red when load_schedules is not told how far a slot reaches."""
    service = Service.objects.create(name="Retreat", duration=60, min_notice=0)
    calendar = Calendar.objects.create(name="Eve", timezone="UTC")
    for weekday in range(7):
        WorkingHours.objects.create(calendar=calendar, weekday=weekday, start=time(0), end=time(0))
    Offer.objects.create(service=service, employee=Employee.objects.create(calendar=calendar, first_name="Eve", email="e@example.org"))
    closing = (MIDNIGHT + timedelta(days=20)).date()
    SpecialDay.objects.create(calendar=calendar, day=closing, start=time(12), end=time(13))
    window: dict[str, Any] = {"start": MIDNIGHT, "end": MIDNIGHT + timedelta(hours=1), "now": NOW}
    assert find_slots(service=service, **window, added=timedelta(days=19))
    assert not find_slots(service=service, **window, added=timedelta(days=21))
