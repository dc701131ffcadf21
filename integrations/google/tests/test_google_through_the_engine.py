"""An employee's Google calendar behind the whole engine: what is booked is there, what is moved there is here, and in the end both sides are quiet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from unittest import mock

import pytest
import time_machine

from booking.actions import appointments
from booking.actions.customers import Guest
from booking.models import Appointment, Busy, Employee, Service, Status
from conftest import make_employee
from integrations import choosing, connect, engine
from integrations.google.tests.world import GoogleWorld
from integrations.models import Account, Link, Pair
from integrations.testing.accounts import granted
from integrations.testing.converged import assert_converged
from integrations.testing.servers.google import OFFICE, GoogleServer
from integrations.testing.world import BERLIN

pytestmark = [pytest.mark.django_db, pytest.mark.once]

MONDAY = datetime(2026, 3, 2, 9, tzinfo=BERLIN)


class Salon:
    """Emma's calendar "Work" is read and written."""

    def __init__(self, world: GoogleWorld) -> None:
        self.world = world
        self.employee: Employee = make_employee("employee", "Emma", "Weber")
        self.service = Service.objects.create(name="Haircut", duration=30, price=20, slot_step=15)
        self.service.employees.add(self.employee)
        account = granted(self.employee.user, "google", OFFICE, username="employee@example.com")
        connect.check(account.pk)
        account.refresh_from_db()
        assert account.state == Account.State.CONNECTED, account.steps
        with mock.patch("integrations.choosing._pull_later"):  # the test says when it is read
            choosing.choose(account, self.employee.calendar, reads={world.calendar}, writes=world.calendar)
        self.link = Link.objects.get(account=account)
        self.sync()

    def sync(self) -> None:
        engine.pull(self.link.pk)
        engine.drain(self.link.pk)

    def book(self, start: datetime) -> Appointment:
        guest = Guest("Clara", "clara@example.org", "Kunde")
        return appointments.book(service=self.service, start=start, guest=guest, now=datetime.now(UTC), employee=self.employee).appointment

    def remote_id(self, appointment: Appointment) -> str:
        return Pair.objects.get(link=self.link, item_id=appointment.pk).remote_id


@pytest.fixture
def clock() -> Iterator[Callable[[timedelta], None]]:
    with time_machine.travel(datetime(2026, 2, 26, 8, tzinfo=UTC), tick=False) as travel:
        yield travel.shift


@pytest.fixture
def salon(clock: Callable[[timedelta], None], world: GoogleWorld) -> Salon:
    return Salon(world)


def test_a_booking_is_written_moved_from_there_and_cancelled(salon: Salon, server: GoogleServer) -> None:
    appointment = salon.book(MONDAY)
    salon.sync()
    remote_id = salon.remote_id(appointment)
    row = salon.world.row(remote_id)
    assert (row["start"]["dateTime"], row["guestsCanSeeOtherGuests"]) == ("2026-03-02T09:00:00+01:00", False)
    later = MONDAY + timedelta(hours=3)
    salon.world.edit(remote_id, start=later, end=later + timedelta(minutes=30))
    salon.sync()
    appointment.refresh_from_db()
    assert appointment.start == later
    assert_converged(lambda: server.writes)
    salon.world.remove(remote_id)
    salon.sync()
    appointment.refresh_from_db()
    assert appointment.status == Status.CANCELLED
    assert_converged(lambda: server.writes)
    assert server.store.mails == []


def test_foreign_events_and_series_take_their_time(salon: Salon, server: GoogleServer) -> None:
    def row(hours: int, **more: object) -> dict[str, object]:
        start = MONDAY + timedelta(hours=hours)
        times = {name: {"dateTime": at.isoformat(), "timeZone": "Europe/Berlin"} for name, at in (("start", start), ("end", start + timedelta(hours=1)))}
        return {"summary": "Private matters", **times, **more}

    salon.world.ask("POST", "events", row(0))
    salon.world.ask("POST", "events", row(2, transparency="transparent"))
    series = salon.world.ask("POST", "events", row(4, recurrence=["RRULE:FREQ=WEEKLY;COUNT=3"]))["id"]
    salon.sync()
    salon.world.remove(f"{series}_20260309T120000Z")
    salon.sync()
    taken = Busy.objects.filter(source=salon.link.source).order_by("start").values_list("start", flat=True)
    assert list(taken) == [MONDAY, MONDAY + timedelta(hours=4), MONDAY + timedelta(weeks=2, hours=4)]
    assert_converged(lambda: server.writes)
