"""What a colleague is shown who connects a calendar into which the organiser's invitations will come."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from unittest import mock

import pytest
import time_machine

from booking.models import Employee, Service
from integrations import connect
from integrations.engine.rehearse import rehearse
from integrations.models import Pair
from integrations.testing.accounts import granted
from integrations.testing.world import BERLIN
from integrations.tests.staff import Team, linked, opened

MONDAY = datetime(2026, 3, 2, 9, tzinfo=BERLIN)


@pytest.mark.django_db
@pytest.mark.feature("B2")
@pytest.mark.parametrize("provider", ["google", "outlook"])
def test_what_will_come_as_an_invitation_is_listed_and_not_left_out(provider: str, employee: Employee, colleague: Employee, settings):
    """Seen red without the rows that wait: the list was empty, as if the appointment were not to be in the calendar at all."""
    service = Service.objects.create(name="Haircut", duration=30, price=20, slot_step=15)
    service.employees.add(employee, colleague)
    with time_machine.travel(MONDAY - timedelta(days=4), tick=False), mock.patch("booking.wake.wake"), opened(provider, settings) as office:
        linked(office, employee)
        team = Team(office, service, [employee, colleague])
        team.book(MONDAY)
        team.sync()
        office.join(colleague.email, colleague.full_name)
        account = granted(colleague.user, provider, office.token(colleague.email), username=colleague.email)
        connect.check(account.pk)
        account.refresh_from_db()
        remote = office.calendar(colleague.email)
        found = rehearse(account, colleague.calendar, reads=set(), writes=remote, listing={remote: []})
    (one,) = found["items"]
    assert (one["kind"], one["item"], datetime.fromisoformat(one["times"]["start"])) == ("invitation", "Haircut · Clara Kunde", MONDAY.astimezone(UTC))
    assert not Pair.objects.filter(link__account=account).exists()
