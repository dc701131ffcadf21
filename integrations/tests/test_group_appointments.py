"""Appointments that several employees serve, in calendars at Google and Microsoft: one event of the organiser's, its copies with the others."""

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
from booking.models import Appointment, Employee, Service, Status
from conftest import make_employee
from integrations import outbox
from integrations.models import Link, Pair
from integrations.testing.world import BERLIN
from integrations.tests.staff import Team, later, linked, opened

pytestmark = [pytest.mark.django_db, pytest.mark.once]

MONDAY = datetime(2026, 3, 2, 9, tzinfo=BERLIN)
EVERYWHERE = pytest.mark.parametrize("provider", ["google", "outlook"])


@pytest.fixture
def clock() -> Iterator[Callable[[timedelta], None]]:
    with time_machine.travel(datetime(2026, 2, 26, 8, tzinfo=UTC), tick=False) as travel, mock.patch.object(outbox, "wake", return_value=None):
        yield travel.shift


@pytest.fixture
def emma(db: None) -> Employee:
    return make_employee("emma", "Emma", "Weber")


@pytest.fixture
def carl(db: None) -> Employee:
    return make_employee("carl", "Carl", "Vogel")


@pytest.fixture
def team(provider: str, clock: Any, emma: Employee, carl: Employee, settings: Any) -> Iterator[Team]:
    service = Service.objects.create(name="Haircut", duration=30, price=20, slot_step=15)
    service.employees.add(emma, carl)
    with opened(provider, settings) as office:
        for one in (emma, carl):
            linked(office, one)
        yield Team(office, service, [emma, carl])


@EVERYWHERE
@pytest.mark.feature("A14")
def test_the_organiser_has_the_event_and_the_others_its_copy(team: Team, emma: Employee, carl: Employee):
    """Seen red with Part.OWN for everybody: two events that know nothing of each other."""
    team.book(MONDAY)
    team.sync()
    (own,), (copy,) = team.seen(emma), team.seen(carl)
    assert (own.organizer, own.attendees) == (emma.email, frozenset({carl.email}))
    assert (copy.organizer, copy.start, copy.title) == (emma.email, own.start, own.title)
    assert (team.mode(emma), team.mode(carl)) == (("own", "live"), ("copy", "live"))
    team.assert_converged()


@EVERYWHERE
@pytest.mark.feature("A14")
def test_moving_and_cancelling_here_reach_everybody(team: Team, emma: Employee, carl: Employee):
    """Seen red in Outlook without the deletion in _let_go: the cancelled copy stayed."""
    appointment = team.book(MONDAY)
    team.sync()
    appointments.move(appointment=appointment, start=later(MONDAY, 3), end=later(MONDAY, 3.5), now=timezone.now())
    team.sync()
    assert [one.start for one in (*team.seen(emma), *team.seen(carl))] == [later(MONDAY, 3)] * 2
    team.assert_converged()
    appointments.cancel(appointment=appointment, now=timezone.now())
    team.sync()
    assert (team.office.seen(emma.email), team.office.seen(carl.email)) == ([], [])
    team.assert_converged()


@EVERYWHERE
@pytest.mark.feature("A14")
def test_the_organiser_moves_it_there_and_it_moves_for_all(team: Team, emma: Employee, carl: Employee):
    """Seen red with nobody leading."""
    appointment = team.book(MONDAY)
    team.sync()
    team.office.move(emma.email, team.seen(emma)[0].id, later(MONDAY, 2), later(MONDAY, 2.5))
    team.sync()
    appointment.refresh_from_db()
    assert (appointment.start, team.seen(carl)[0].start) == (later(MONDAY, 2), later(MONDAY, 2))
    team.assert_converged()


@EVERYWHERE
@pytest.mark.feature("A14")
def test_who_is_added_and_who_leaves_is_followed(team: Team, emma: Employee, carl: Employee):
    """Seen red with nobody invited."""
    dora = make_employee("dora", "Dora", "Neu")
    linked(team.office, dora)
    appointment = team.book(MONDAY)
    team.sync()
    appointments.set_staff(appointment=appointment, employees=[emma, dora], now=timezone.now())
    team.sync()
    assert [len(team.seen(one)) for one in (emma, carl, dora)] == [1, 0, 1]
    assert team.office.seen(carl.email) == []
    assert team.seen(emma)[0].attendees == {dora.email}
    team.assert_converged()
    appointments.set_staff(appointment=appointment, employees=[emma, carl, dora], now=timezone.now())
    team.sync()
    assert [len(team.seen(one)) for one in (emma, carl, dora)] == [1, 1, 1]
    assert mail.outbox == []
    team.assert_converged()


@EVERYWHERE
@pytest.mark.feature("A14")
def test_another_organiser_leads_from_then_on(team: Team, emma: Employee, carl: Employee):
    """Seen red without `leftover` in take_over: the old event stayed beside the copy of the new one."""
    appointment = team.book(MONDAY)
    team.sync()
    appointments.set_staff(appointment=appointment, employees=[carl, emma], now=timezone.now())
    team.sync(4)
    (own,), (copy,) = team.seen(carl), team.seen(emma)
    assert (own.organizer, own.attendees, copy.organizer) == (carl.email, frozenset({emma.email}), carl.email)
    assert (team.mode(carl), team.mode(emma)) == (("own", "live"), ("copy", "live"))
    assert mail.outbox == []
    team.assert_converged()


@EVERYWHERE
@pytest.mark.feature("A14")
def test_a_colleague_who_declines_is_told_of_and_cancels_nothing(team: Team, emma: Employee, carl: Employee):
    """F61. Seen red without note_answers."""
    appointment = team.book(MONDAY)
    team.sync()
    team.office.decline(carl.email, team.seen(carl)[0].id)
    team.sync(3)
    appointment.refresh_from_db()
    assert (appointment.status, list(appointment.employees.order_by("pk"))) == (Status.APPROVED, [emma, carl])
    assert Pair.objects.get(link__calendar=emma.calendar_id).responses[carl.email]["is"] == "declined"
    assert [(one.to, "Carl Vogel" in one.subject) for one in mail.outbox] == [([emma.email], True)]
    team.assert_converged()


@EVERYWHERE
@pytest.mark.feature("A14")
def test_a_copy_that_its_owner_deletes_cancels_nothing_and_does_not_come_back(team: Team, emma: Employee, carl: Employee, clock: Any):
    """F61. Seen red without withdrew and note_answers."""
    appointment = team.book(MONDAY)
    team.sync()
    team.office.remove(carl.email, team.seen(carl)[0].id)
    for _ in range(3):
        clock(timedelta(minutes=1))
        team.sync(1)
    appointment.refresh_from_db()
    assert (appointment.status, len(team.seen(emma)), team.seen(carl)) == (Status.APPROVED, 1, [])
    assert [one.to for one in mail.outbox] == [[emma.email]]
    team.assert_converged()


@EVERYWHERE
@pytest.mark.feature("A14")
def test_whom_the_organiser_takes_off_there_is_free_here(team: Team, emma: Employee, carl: Employee):
    """F61: host removed, host freed, and told. Seen red without note_answers."""
    appointment = team.book(MONDAY)
    team.sync()
    team.office.uninvite(emma.email, team.seen(emma)[0].id, carl.email)
    team.sync(3)
    appointment.refresh_from_db()
    assert (appointment.status, list(appointment.employees.all())) == (Status.APPROVED, [emma])
    assert "Carl Vogel" in mail.outbox[0].subject
    assert team.office.seen(carl.email) == []
    team.assert_converged()


@EVERYWHERE
@pytest.mark.feature("A14")
def test_the_organiser_deletes_it_there_and_it_is_cancelled_for_all(team: Team, emma: Employee, carl: Employee, clock: Any):
    """Seen red with nobody leading."""
    appointment = team.book(MONDAY)
    team.sync()
    team.office.remove(emma.email, team.seen(emma)[0].id)
    clock(timedelta(minutes=11))
    team.sync(3)
    appointment.refresh_from_db()
    assert appointment.status == Status.CANCELLED
    assert (team.office.seen(emma.email), team.office.seen(carl.email), Appointment.objects.count()) == ([], [], 1)
    assert mail.outbox == []
    team.assert_converged()


@EVERYWHERE
@pytest.mark.feature("A14")
def test_a_colleague_in_another_system_gets_an_own_event_after_five_minutes(team: Team, emma: Employee, carl: Employee, clock: Any):
    """Seen red without `waited`: it is waited for ever."""
    Link.objects.filter(calendar=carl.calendar_id).delete()
    carl.user.calendar_accounts.all().delete()  # type: ignore[union-attr]
    team.office.join("elsewhere@example.net", "Carl Vogel")
    link = linked(team.office, carl, "elsewhere@example.net")
    link.account.identity = "carl@elsewhere.example"  # an address at which this server reaches nobody
    link.account.save()
    appointment = team.book(MONDAY)
    team.sync()
    assert team.office.seen("elsewhere@example.net") == []
    clock(timedelta(minutes=5))
    team.sync()
    (own,) = team.office.seen("elsewhere@example.net")
    assert (own.attendees, own.start) == (frozenset(), MONDAY)
    assert team.mode(carl) == ("own", "live")
    team.assert_converged()
    team.office.move("elsewhere@example.net", own.id, later(MONDAY, 1), later(MONDAY, 1.5))
    team.sync()
    appointment.refresh_from_db()
    assert (appointment.start, team.office.seen("elsewhere@example.net")[0].start) == (MONDAY, MONDAY)  # only the organiser's event leads
    team.assert_converged()
