"""What the database itself refuses, should a program ever forget the lock."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from booking.models import Allocation, Calendar
from booking.tests.salon import soon

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


@pytest.fixture
def calendar() -> Calendar:
    calendar = Calendar.objects.create(name="Eve")
    Allocation.objects.create(calendar=calendar, start=soon(10), end=soon(11), kind="appointment", holder_id=1)
    return calendar


@pytest.mark.parametrize(("before", "after"), [(0, 0), (-30, -30), (30, 30), (-30, 30), (10, -10), (59, 60)])
def test_two_that_overlap_are_refused(calendar, before, after):
    """Red when migration 0002 is left out."""
    span = {"start": soon(10) + timedelta(minutes=before), "end": soon(11) + timedelta(minutes=after)}
    with pytest.raises(IntegrityError, match="allocation_exclusive"), transaction.atomic():
        Allocation.objects.create(calendar=calendar, kind="other", holder_id=2, **span)


def test_neighbours_and_other_calendars_are_welcome(calendar):
    Allocation.objects.create(calendar=calendar, start=soon(9), end=soon(10), kind="appointment", holder_id=2)
    Allocation.objects.create(calendar=calendar, start=soon(11), end=soon(12), kind="appointment", holder_id=3)
    Allocation.objects.create(calendar=Calendar.objects.create(name="Finn"), start=soon(10), end=soon(11), kind="appointment", holder_id=4)
    assert set(Allocation.objects.values_list("holder_id", flat=True)) >= {2, 3, 4}


def test_a_change_may_not_overlap_either(calendar):
    other = Allocation.objects.create(calendar=calendar, start=soon(11), end=soon(12), kind="appointment", holder_id=2)
    with pytest.raises(IntegrityError, match="allocation_exclusive"), transaction.atomic():
        Allocation.objects.filter(pk=other.pk).update(start=soon(10, 30))
    assert connection.vendor == "postgresql"
