"""F27. Fifty appointments with guests, invited once: neither a full reading nor a new connection makes the provider write to anybody again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import pytest
import time_machine
from django.core import mail
from django.utils import timezone

from booking.actions import appointments
from booking.actions.customers import Guest
from booking.models import Employee, Message, Service
from integrations import connect, engine, outbox
from integrations.models import Account, Link, Pair, Rule
from integrations.testing.converged import assert_converged, cycle
from integrations.testing.world import BERLIN
from integrations.tests.staff import Office, later, linked, opened

pytestmark = [pytest.mark.django_db, pytest.mark.once]

MONDAY = datetime(2026, 3, 2, 9, tzinfo=BERLIN)
MANY = 50


@pytest.fixture(params=["google", "outlook"])
def office(request: pytest.FixtureRequest, settings: Any) -> Iterator[Office]:
    with time_machine.travel(datetime(2026, 2, 26, 8, tzinfo=UTC), tick=False), mock.patch.object(outbox, "wake"), opened(request.param, settings) as made:
        yield made


def test_neither_a_full_reading_nor_a_new_connection_invites_anybody_again(office: Office, employee: Employee, service: Service):
    """Seen red at Google with every writing of guests told to all of them: connected anew, all fifty got a mail."""
    Rule.objects.create(scope=Rule.Scope.DEFAULT, kind="appointment", attendees=True)
    link = linked(office, employee)
    for number in range(MANY):
        guest, start = Guest(f"Guest{number}", f"guest{number}@example.org", "Kunde"), later(MONDAY, 24 * (number // 10) + number % 10 * 0.75)
        appointments.book(service=service, start=start, guest=guest, now=timezone.now(), employee=employee)
    cycle()
    mails, writes, told = office.mails(), office.writes(), Message.objects.count()
    assert mails == MANY
    engine.pull(link.pk, full=True)
    cycle()
    assert (office.mails(), office.writes()) == (mails, writes)
    with time_machine.travel(timezone.now() + timedelta(days=1, minutes=1), tick=False):
        cycle()  # the daily reading of everything
        assert (office.mails(), office.writes()) == (mails, writes)
        connect.disconnect(Account.objects.get())
        linked(office, employee)
        cycle()
        assert Pair.objects.filter(link=Link.objects.get(), state=Pair.State.LIVE).count() == len(office.seen(employee.email)) == MANY
        assert office.mails() == mails
        assert (Message.objects.count(), mail.outbox) == (told, [])
        assert_converged(office.writes)
