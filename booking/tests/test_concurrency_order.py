"""Locks are taken in one order by everybody: a calendar that is being read and a customer never wait for each other for ever."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction

from booking.actions import allocation
from booking.actions import appointments as actions
from booking.models import Appointment, Service, Staffing

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.django_db(transaction=True)
def test_many_moved_in_one_transaction_and_one_of_them_by_a_customer_do_not_lock_each_other_out(employee):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one lock for everything")
    service = Service.objects.create(name="Haircut", duration=30, price=20)
    first, second = (_appointment(service, employee, MONDAY + n * HOUR) for n in (0, 2))
    began, ended, failures = threading.Event(), threading.Event(), []

    def customer() -> None:
        try:
            began.set()
            _move(second, MONDAY + 5 * HOUR)
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()
            ended.set()

    with transaction.atomic():
        _move(first, MONDAY + HOUR)
        thread = threading.Thread(target=customer)
        thread.start()
        began.wait()
        assert not ended.wait(0.5), "it did not wait for the calendar"
        _move(second, MONDAY + 3 * HOUR)
    thread.join()
    assert not failures
    second.refresh_from_db()
    assert second.start == MONDAY + 5 * HOUR


def _move(appointment: Appointment, start: datetime) -> None:
    actions.move(appointment=Appointment.objects.get(pk=appointment.pk), start=start, end=start + HOUR / 2, now=MONDAY - 24 * HOUR)


def _appointment(service: Service, employee, start: datetime) -> Appointment:
    made = Appointment.objects.create(service=service, start=start, end=start + HOUR / 2)
    Staffing.objects.create(appointment=made, employee=employee)
    allocation.occupy(made, [employee], first=True)
    return made
