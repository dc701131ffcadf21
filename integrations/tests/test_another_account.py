"""F59. An employee connects another account than before: its calendar gets everything once, and nothing of the old one counts any more."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import pytest
import time_machine
from django.core import mail
from django.utils import timezone

from booking.actions import appointments
from booking.actions.customers import Guest
from booking.models import Appointment, Busy, BusySource, Employee, Message, Service
from integrations import choosing, connect, outbox
from integrations.models import Account, Link, Outgoing
from integrations.testing.converged import assert_converged, cycle
from integrations.testing.world import BERLIN
from integrations.tests.staff import Office, later, linked, opened

pytestmark = [pytest.mark.django_db, pytest.mark.once]

MONDAY = datetime(2026, 3, 2, 9, tzinfo=BERLIN)
OLD, NEW = "emma@old.example", "emma@new.example"


@pytest.fixture(params=["google", "outlook"])
def office(request: pytest.FixtureRequest, settings: Any) -> Iterator[Office]:
    with time_machine.travel(datetime(2026, 2, 26, 8, tzinfo=UTC), tick=False), mock.patch.object(outbox, "wake"), opened(request.param, settings) as made:
        yield made


@pytest.fixture
def book(employee: Employee, service: Service) -> Callable[[float], Appointment]:
    def made(hours: float) -> Appointment:
        guest = Guest("Clara", "clara@example.org", "Kunde")
        return appointments.book(service=service, start=later(MONDAY, hours), guest=guest, now=timezone.now(), employee=employee).appointment

    return made


def settled(office: Office) -> None:
    for _ in range(2):
        cycle()
    assert_converged(office.writes)


def starts(office: Office, email: str) -> list[float]:
    """Hours after nine, of all that stands there."""
    return [(one.start - MONDAY) / timedelta(hours=1) for one in office.seen(email)]


def test_disconnected_and_another_connected_it_gets_all_that_is_coming_and_no_old_busy_time_stays(office: Office, employee: Employee, book):
    """Seen red with an old source of busy times that is kept, and without the hand-over."""
    linked(office, employee, OLD)
    office.enter(OLD, "Dentist", later(MONDAY, 6), later(MONDAY, 7))
    _stays, moved, ended = book(0), book(1), book(2)
    settled(office)
    assert list(Busy.objects.values_list("start", flat=True)) == [later(MONDAY, 6)]
    connect.disconnect(Account.objects.get())
    assert (Busy.objects.count(), BusySource.objects.count(), Outgoing.objects.count()) == (0, 0, 0)
    appointments.move(appointment=moved, start=later(MONDAY, 4), end=later(MONDAY, 4.5), now=timezone.now())
    appointments.cancel(appointment=ended, now=timezone.now())
    book(6)  # where the old account was busy
    told = Message.objects.count()
    linked(office, employee, NEW)
    settled(office)
    assert starts(office, NEW) == [0, 4, 6]
    assert starts(office, OLD) == [0, 1, 2, 6]  # only its owner deletes what is there
    assert not Busy.objects.exists()
    assert (Message.objects.count(), office.mails(), mail.outbox) == (told, 0, [])


def test_back_at_the_first_account_its_own_events_are_taken_over_and_the_second_keeps_none_of_them_busy(office: Office, employee: Employee, book):
    """Seen red with events known by their UID alone, which Google and Outlook give themselves: everything stood there twice."""
    linked(office, employee, OLD)
    stays, _other = book(0), book(1)
    settled(office)
    connect.disconnect(Account.objects.get())
    linked(office, employee, NEW)
    settled(office)
    connect.disconnect(Account.objects.get())
    appointments.move(appointment=stays, start=later(MONDAY, 3), end=later(MONDAY, 3.5), now=timezone.now())
    linked(office, employee, OLD)
    settled(office)
    assert (starts(office, OLD), starts(office, NEW)) == ([1, 3], [0, 1])
    assert not Busy.objects.exists()


def test_with_both_connected_the_events_go_over_to_the_one_that_is_written_now(office: Office, employee: Employee, book):
    """Seen red without the hand-over."""
    old = linked(office, employee, OLD)
    office.enter(OLD, "Dentist", later(MONDAY, 6), later(MONDAY, 7))
    book(0)
    settled(office)
    linked(office, employee, NEW)
    settled(office)
    assert (starts(office, OLD), starts(office, NEW)) == ([6], [0])
    assert list(Busy.objects.values_list("start", flat=True)) == [later(MONDAY, 6)]
    with mock.patch.object(choosing, "_pull_later"):
        choosing.choose(old.account, employee.calendar, reads={old.remote_id}, writes=old.remote_id)
    settled(office)
    assert (starts(office, OLD), starts(office, NEW)) == ([0, 6], [])
    assert Link.objects.filter(writes=True).get() == old
