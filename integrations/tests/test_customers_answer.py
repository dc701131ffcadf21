"""F61. Customers who are invited in the calendar answer there, or are taken off: people are told, the page says it, and nothing is cancelled."""

from __future__ import annotations

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from booking.actions import appointments
from booking.actions.customers import Guest
from booking.models import Appointment, Employee, Message, Status
from integrations.models import FieldChange, Pair
from integrations.tests.staff import Team, later
from integrations.tests.test_group_appointments import EVERYWHERE, MONDAY, carl, clock, emma, team

__all__ = ["carl", "clock", "emma", "team"]

pytestmark = [pytest.mark.django_db, pytest.mark.once]

CLARA = "clara@example.org"


def invited(team: Team, *, staff: int) -> Appointment:
    """An appointment to which the customer is invited, who has a calendar at the same provider; with one employee or with both."""
    team.rule(attendees=True)
    team.office.join(CLARA, "Clara Kunde")
    if staff == 1:
        guest = Guest("Clara", CLARA, "Kunde")
        made = appointments.book(service=team.service, start=MONDAY, guest=guest, now=timezone.now(), employee=team.staff[0]).appointment
    else:
        made = team.book(MONDAY)
    team.sync()
    return made


def page(employee: Employee, appointment: Appointment) -> str:
    web = Client()
    assert employee.user is not None
    web.force_login(employee.user)
    return web.get(reverse("booking:appointment", args=[appointment.pk])).content.decode()


def stands(team: Team, appointment: Appointment, staff: int) -> None:
    """As it was, for us and for everybody but the customer."""
    appointment.refresh_from_db()
    assert (appointment.status, appointment.start) == (Status.APPROVED, MONDAY)
    assert appointment.attendances.get().status == Status.APPROVED
    assert list(appointment.employees.order_by("pk")) == team.staff[:staff]
    assert [len(team.seen(one)) for one in team.staff[:staff]] == [1] * staff
    assert not FieldChange.objects.filter(direction="in", kind="delete").exists()
    assert not Message.objects.filter(kind=Message.Kind.CANCELLED).exists()


@EVERYWHERE
@pytest.mark.parametrize("staff", [1, 2])
def test_a_customer_who_declines_is_shown_and_told_of_and_cancels_nothing(team: Team, emma: Employee, staff: int):
    """Seen red without note_answers."""
    appointment = invited(team, staff=staff)
    team.office.decline(CLARA, team.office.seen(CLARA)[0].id)
    team.sync(3)
    stands(team, appointment, staff)
    assert "Clara Kunde: has declined" in page(emma, appointment)
    assert [(one.to, "Clara Kunde" in one.subject) for one in mail.outbox] == [([emma.email], True)]
    team.assert_converged()
    appointments.move(appointment=appointment, start=later(MONDAY, 3), end=later(MONDAY, 3.5), now=timezone.now())
    team.sync()
    assert [one.start for one in team.seen(emma)] == [later(MONDAY, 3)]
    assert len(mail.outbox) == 1, "told again of the same answer"
    team.assert_converged()


@EVERYWHERE
def test_a_customer_whom_the_organiser_takes_off_there_stays_with_us_and_is_not_invited_again(team: Team, emma: Employee):
    """Seen red without note_answers."""
    appointment = invited(team, staff=1)
    mails = team.office.mails()
    team.office.uninvite(emma.email, team.seen(emma)[0].id, CLARA)
    after = team.office.mails()
    team.sync(3)
    stands(team, appointment, 1)
    assert "Clara Kunde: was taken off in the calendar" in page(emma, appointment)
    assert team.seen(emma)[0].attendees == frozenset()
    assert team.office.mails() == after >= mails
    assert Pair.objects.get().responses[CLARA]["is"] == "removed"
    team.assert_converged()
