"""Events in the calendars of those who give them, and who is invited to them, at Google and Microsoft."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from booking.actions import appointments, events, registrations
from booking.actions.customers import Guest
from booking.models import Attendance, Customer, Employee, Event
from booking.notifications.sending import send_due
from booking.signals import item_changed
from booking.tests.happening import make_event
from conftest import make_employee
from integrations.models import Pair, Rule
from integrations.tests.staff import Team, later, linked
from integrations.tests.test_group_appointments import EVERYWHERE, MONDAY, carl, clock, emma, team

__all__ = ["carl", "clock", "emma", "team"]

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def rule(**values: Any) -> None:
    Rule.objects.create(scope=Rule.Scope.DEFAULT, kind="event", **values)


def entries(address: str) -> list[str]:
    """The .ics that came by mail."""
    send_due(timezone.now())
    letters = [one for one in mail.outbox if one.to == [address]]
    assert letters
    return [bytes(part.get_payload(decode=True)).decode() for one in letters for part in one.message().walk() if part.get_content_type() == "text/calendar"]


@EVERYWHERE
@pytest.mark.feature("A14")
def test_each_period_is_one_event_of_the_organiser_with_copies_for_the_staff(team: Team, emma: Employee, carl: Employee):
    """Seen red with Part.OWN for everybody."""
    rule(title="%event_name% (%event_places%)", description="%employee_full_name%\n%customer_full_name%")
    make_event(emma, MONDAY, later(MONDAY, 24), staff=[carl], location=None)
    team.sync()
    own, copies = team.seen(emma), team.seen(carl)
    assert [(one.title, one.start, one.organizer, one.attendees) for one in own] == [
        ("Perfume evening (10)", start, emma.email, frozenset({carl.email})) for start in (MONDAY, later(MONDAY, 24))
    ]
    assert [(one.start, one.organizer) for one in copies] == [(one.start, emma.email) for one in own]
    assert set(Pair.objects.values_list("kind", "mode", "state")) == {("event", "own", "live"), ("event", "copy", "live")}
    team.assert_converged()


@EVERYWHERE
@pytest.mark.feature("A14")
def test_what_the_organiser_does_there_happens_to_the_event(team: Team, emma: Employee, carl: Employee, clock: Any):
    """Seen red with nobody leading."""
    event = make_event(emma, MONDAY, later(MONDAY, 24), staff=[carl])
    team.sync()
    first, second = team.seen(emma)
    team.office.move(emma.email, first.id, later(MONDAY, 3), later(MONDAY, 5))
    team.sync()
    assert [one.start for one in event.periods.all()] == [later(MONDAY, 3), later(MONDAY, 24)]
    assert [one.start for one in team.seen(carl)] == [later(MONDAY, 3), later(MONDAY, 24)]
    team.office.remove(emma.email, second.id)
    clock(timedelta(minutes=11))
    team.sync(3)
    event.refresh_from_db()
    assert [one.is_cancelled for one in event.periods.all()] == [False, True]
    assert (event.status, len(team.seen(emma)), len(team.office.seen(carl.email))) == (Event.Status.PUBLISHED, 1, 1)
    team.assert_converged()


@EVERYWHERE
@pytest.mark.feature("A14")
def test_its_staff_changes_and_it_is_cancelled_here(team: Team, emma: Employee, carl: Employee):
    """Seen red with nobody invited."""
    dora = make_employee("dora", "Dora", "Neu")
    linked(team.office, dora)
    event = make_event(emma, MONDAY, staff=[carl])
    team.sync()
    events.change(event=event, fields={"organizer": dora}, staff=[emma], now=timezone.now())
    team.sync(4)
    assert [[one.organizer for one in team.seen(person)] for person in (emma, carl, dora)] == [[dora.email], [], [dora.email]]
    team.assert_converged()
    events.cancel(event=event, now=timezone.now())
    team.sync()
    assert [team.office.seen(person.email) for person in (emma, carl, dora)] == [[], [], []]
    team.assert_converged()


@EVERYWHERE
@pytest.mark.feature("A7")
@pytest.mark.feature("A8")
def test_who_registers_is_invited_once_and_sees_nobody_else(team: Team, emma: Employee, carl: Employee):
    """Seen red with hideAttendees left at its default, and with the .ics still in our mail."""
    rule(attendees=True)
    for name in ("clara", "dora"):
        team.office.join(f"{name}@example.org", name.title())
    event = make_event(emma, MONDAY, staff=[carl])
    for name in ("clara", "dora"):
        registrations.register(event=event, guest=Guest(name.title(), f"{name}@example.org", "Kunde"), now=timezone.now())
    team.sync()
    assert team.seen(emma)[0].attendees == frozenset({carl.email, "clara@example.org", "dora@example.org"})
    (theirs,) = team.office.seen("clara@example.org")
    assert (theirs.start, theirs.attendees) == (MONDAY, frozenset({"clara@example.org"}))
    assert entries("clara@example.org") == []
    registrations.withdraw(registration=event.registrations.get(customer__email="clara@example.org"), now=timezone.now())
    team.sync()
    assert [one for one in team.office.seen("clara@example.org") if one.shown] == []
    assert len(team.office.seen("dora@example.org")) == 1
    team.assert_converged()


@EVERYWHERE
@pytest.mark.feature("A7")
@pytest.mark.feature("A8")
def test_customers_of_one_appointment_are_each_invited_once_and_learn_nothing_of_each_other(team: Team, emma: Employee, carl: Employee):
    """Seen red without `discreet`: the description told everybody's telephone number."""
    team.rule(attendees=True, description="%customer_full_name%\n%customer_phone%\n%customer_email%\n%appointment_notes%")
    for name in ("clara", "dora"):
        team.office.join(f"{name}@example.org", name.title())
    appointment = team.book(MONDAY)
    dora = Customer.objects.create(first_name="Dora", last_name="Zweit", email="dora@example.org", phone="+49 30 55")
    Attendance.objects.create(appointment=appointment, customer=dora, status=appointment.status, price=20)
    appointments.edit(appointment=appointment, changes={"internal_note": "Pays late"})
    item_changed.send(sender=type(appointment), item=appointment, origin=None)
    team.sync()
    (own,) = team.seen(emma)
    assert own.attendees == frozenset({carl.email, "clara@example.org", "dora@example.org"})
    for name, other in (("clara", "Dora"), ("dora", "Clara")):
        (theirs,) = team.office.seen(f"{name}@example.org")
        assert theirs.attendees == frozenset({f"{name}@example.org"})
        assert other not in theirs.text
        assert "Pays late" not in theirs.text
        assert theirs.title == "Haircut – 2 Personen"
    assert entries("clara@example.org") == []
    team.assert_converged()


@EVERYWHERE
@pytest.mark.feature("A7")
def test_without_the_switch_our_mail_alone_carries_the_appointment(team: Team, emma: Employee):
    """Seen red with the rule's switch left out of invites_customers."""
    team.office.join("clara@example.org", "Clara")
    team.book(MONDAY)
    team.sync()
    assert team.office.seen("clara@example.org") == []
    found = entries("clara@example.org")
    assert found
    assert all("METHOD:REQUEST" in one for one in found)
    team.assert_converged()
