"""The calendars' page and the admin say in plain words whether changes are told to us, and until when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.urls import reverse

from booking.models import Employee
from integrations.models import Account, Link, Subscription

pytestmark = [pytest.mark.django_db, pytest.mark.once]


@pytest.fixture
def link(employee: Employee, settings) -> Link:
    settings.PUSH_ADDRESS = "https://booking.example.org"
    account = Account.objects.create(user=employee.user, provider="google", state=Account.State.CONNECTED)
    return Link.objects.create(account=account, calendar=employee.calendar, remote_id="work", remote_name="Work")


def listened(link: Link, **values: Any) -> Subscription:
    made = {"remote_id": "c", "expires_at": datetime.now(UTC) + timedelta(days=5), "due_at": datetime.now(UTC)} | values
    return Subscription.objects.create(account=link.account, link=link, **made)


def page(client, link: Link, language: str = "en") -> str:
    client.force_login(link.account.user)
    answer = client.get(reverse("integrations:calendars"), headers={"Accept-Language": language})
    return str(answer.content.decode())


@pytest.mark.feature("B7")
def test_while_we_are_told_the_page_says_until_when(client, link):
    """Seen red without the sentence."""
    listened(link, expires_at=datetime(2099, 3, 2, 8, tzinfo=UTC))
    assert "Changes there are told to us at once (until 03/02/2099 9 a.m.; renewed by itself)." in page(client, link)
    assert "Änderungen dort werden uns sofort gemeldet (bis 02.03.2099 09:00; verlängert sich von selbst)." in page(client, link, "de")


def test_one_that_is_being_ended_does_not_count(client, link):
    listened(link, ending=True)
    assert "It is read every 5 minutes." in page(client, link)


def test_why_we_are_not_told_and_what_happens_instead(client, link):
    listened(link, remote_id="", expires_at=None, problem="The server refuses this content.")
    text = page(client, link, "de")
    assert "können uns nicht gemeldet werden: Der Server" in text
    assert "Der Kalender wird alle 5 Minuten gelesen." in text


def test_calls_that_never_arrive_are_said(client, link):
    listened(link, unheard=2)
    assert "The calls that tell us of changes don&#x27;t arrive. It is read every 5 minutes." in page(client, link)


def test_without_an_address_of_ours_it_is_only_read(client, link, settings):
    settings.PUSH_ADDRESS = ""
    assert "It is read every 5 minutes." in page(client, link)


def test_the_admin_shows_it_and_never_the_token(client, link, admin):
    listened(link, secret="5" * 64)
    client.force_login(admin)
    for address in (reverse("admin:integrations_link_changelist"), reverse("admin:integrations_link_change", args=[link.pk])):
        text = client.get(address).content.decode()
        assert f"{datetime.now(UTC) + timedelta(days=5):%Y}" in text
        assert "5555" not in text
    assert "Changes there are told to us at once" in text
