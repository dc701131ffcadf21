"""Access that the person takes back, and access that we give back: one mail, nothing lost, everything erased."""

from __future__ import annotations

import pytest
from django.core import mail
from django.urls import reverse

from booking.models import BusySource
from integrations import engine
from integrations.models import Account, Link, Outgoing
from integrations.oauth.tests.desk import WHO
from integrations.oauth.tests.test_tokens_are_renewed import expire
from integrations.pages.tests.salon import book, free_starts, workday
from integrations.tasks import sweep
from integrations.testing.converged import assert_converged

pytestmark = [pytest.mark.once, pytest.mark.django_db(transaction=True)]

CALENDARS = reverse("integrations:calendars")


def needs_you() -> list[mail.EmailMessage]:
    return [one for one in mail.outbox if "needs you" in one.subject]


def writes(desk) -> int:
    return int(desk.server.writes if desk.provider == "google" else desk.server.mailbox.writes)


def test_F50_revoked_access_is_told_once_and_after_reconnecting_the_backlog_is_drained(client, desk, employee, service, background):
    """Red without code="revoked" for connect.refused: told after the third refusal only."""
    desk.set_up()
    account = desk.connected(client)
    link = account.links.get()
    book(service, workday(10))
    assert writes(desk) == 1
    desk.oauth.withdraw(WHO)
    book(service, workday(11))
    for _again in range(3):
        engine.drain(link.pk)
        engine.pull(link.pk)
    account.refresh_from_db()
    assert account.state == Account.State.NEEDS_PERSON
    assert len(needs_you()) == 1
    assert needs_you()[0].to == [employee.user.email]
    assert account.secrets["refresh_token"] not in needs_you()[0].body
    # The banner, the way out of it, and what customers see meanwhile.
    page = client.get(CALENDARS).content.decode()
    assert "alert-danger" in page
    assert "The access to this account was taken back or has expired." in page
    assert "Connect again" in page
    assert free_starts(client, service, workday(), employee) == set()
    assert BusySource.objects.get(link=link).state == BusySource.State.LOST
    assert Outgoing.objects.count() == 1
    # The same account again: same row, same link, nothing twice.
    desk.consent(client, account=str(account.pk))
    account.refresh_from_db()
    assert (Account.objects.count(), account.state, account.problem) == (1, Account.State.CONNECTED, "")
    assert Link.objects.get().pk == link.pk
    assert not Outgoing.objects.exists()
    assert writes(desk) == 2
    sweep()
    assert free_starts(client, service, workday(), employee)
    assert_converged(lambda: writes(desk))
    assert len(needs_you()) == 1


@pytest.mark.parametrize("why", ["inactive", "password", "withdrawn", "second factor"])
def test_F50_whatever_ended_it_at_microsoft_the_person_is_asked(client, outlook, background, why):
    outlook.set_up()
    account = outlook.connected(client)
    outlook.oauth.withdraw(WHO, why)
    expire(outlook, account)
    engine.pull(account.links.get().pk)
    account.refresh_from_db()
    assert account.state == Account.State.NEEDS_PERSON
    assert len(needs_you()) == 1


def test_another_account_than_the_one_that_needs_it_is_a_second_one_and_said_so(client, desk, background):
    desk.set_up()
    desk.server.add_person("second@example.com", "Second Account")
    account = desk.connected(client)
    page = desk.consent(client, "second@example.com", account=str(account.pk)).content.decode()
    assert "choose that account there" in page
    assert set(Account.objects.values_list("identity", flat=True)) == {WHO, "second@example.com"}
    # The picker comes with the account that is wanted.
    assert "login_hint=employee%40example.com" in desk.begin(client, account=str(account.pk))


@pytest.mark.feature("C8", "A12")
def test_disconnecting_revokes_there_and_erases_here(client, desk, service, background):
    """Red without provider.revoke in connect.disconnect: Google's grant stays."""
    desk.set_up()
    account = desk.connected(client)
    book(service, workday())
    refresh = account.secrets["refresh_token"]
    url = reverse("integrations:disconnect", args=[account.pk])
    page = client.get(url).content.decode()
    assert ("Microsoft lets no program take its own access back" in page) == (desk.provider == "outlook")
    client.post(url)
    assert not Account.objects.exists()
    assert not Link.objects.exists()
    assert (WHO in [email for _app, email in desk.oauth.grants]) == (desk.provider == "outlook")
    assert (refresh in desk.oauth.ended) == (desk.provider == "google")
    assert "Not connected. Click to connect" in client.get(CALENDARS).content.decode()
    # Connected again it takes over what it finds of ours.
    desk.connected(client)
    assert_converged(lambda: writes(desk))


def test_disconnecting_works_though_the_service_is_away_or_the_access_is_gone(client, desk, background):
    desk.set_up()
    account = desk.connected(client)
    desk.server.faults.then(desk.fault, "revoke")
    client.post(reverse("integrations:disconnect", args=[account.pk]))
    assert not Account.objects.exists()
    account = desk.connected(client)
    desk.oauth.withdraw(WHO)
    client.post(reverse("integrations:disconnect", args=[account.pk]))
    assert not Account.objects.exists()
