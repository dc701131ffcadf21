"""What ends by itself is listed, and whoever can do something about it is told in time, once each."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.core import mail
from django.urls import reverse
from django.utils import timezone

from integrations import expiry
from integrations.models import Account, Link, OAuthClient, Reminder, Subscription
from integrations.pages.tests.person import connect

pytestmark = pytest.mark.django_db


def account(user, **values):
    return Account.objects.create(user=user, provider="caldav", username="emma", state="connected", **values)


def client_secret(on: date) -> OAuthClient:
    return OAuthClient.objects.create(provider="google", client_id="x", secrets={"client_secret": "s"}, secret_expires_on=on)


def test_a_mail_comes_thirty_fourteen_and_three_days_before_and_each_once(employee):
    """Red without the row of the mail sent, without `min(due)`, or without DAYS."""
    end = date(2027, 3, 31)
    account(employee.user, access_ends_on=end)
    sent = []
    for days in range(40, -3, -1):
        for _twice in range(2):
            if expiry.remind(end - timedelta(days=days)):
                sent.append(days)
    assert sent == [30, 14, 3]
    assert {one.to[0] for one in mail.outbox} == {employee.user.email}


def test_after_a_standstill_one_mail_is_sent_not_all(employee):
    account(employee.user, access_ends_on=date(2027, 3, 31))
    assert expiry.remind(date(2027, 3, 30)) == 1
    assert expiry.remind(date(2027, 3, 31)) == 0
    assert len(mail.outbox) == 1


def test_a_later_end_begins_anew(employee):
    one = account(employee.user, access_ends_on=date(2027, 3, 31))
    assert expiry.remind(date(2027, 3, 30)) == 1
    Account.objects.filter(pk=one.pk).update(access_ends_on=date(2027, 6, 30))
    assert expiry.remind(date(2027, 4, 1)) == 0
    assert expiry.remind(date(2027, 5, 31)) == 1


@pytest.mark.feature("B7")
def test_the_end_of_a_client_secret_is_told_to_the_admins_and_leads_to_the_place(client, admin, employee):
    """Red without _of_client, or when the mail goes to everybody: nothing is listed, or the employee gets it."""
    today = timezone.localdate()
    made = client_secret(today + timedelta(days=10))
    assert expiry.remind(today) == 1
    (told,) = mail.outbox
    assert told.to == [admin.email]
    assert reverse("admin:integrations_oauthclient_change", args=[made.pk]) in told.body
    client.force_login(admin)
    page = client.get(reverse("integrations:expiry")).content.decode()
    assert "10" in page
    assert "Google" in page
    client.force_login(employee.user)
    assert "Google" not in client.get(reverse("integrations:expiry")).content.decode()


def test_everybody_sees_the_own_ones_only(client, employee, colleague):
    day = timezone.localdate() + timedelta(days=20)
    account(employee.user, access_ends_on=day, identity="emma@example.org")
    account(colleague.user, access_ends_on=day, identity="carl@example.org")
    client.force_login(employee.user)
    page = client.get(reverse("integrations:expiry")).content.decode()
    assert "emma@example.org" in page
    assert "carl@example.org" not in page


def test_a_mail_that_could_not_be_sent_is_sent_by_the_next_run(employee, settings):
    account(employee.user, access_ends_on=date(2027, 3, 31))
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_PORT = 9
    assert expiry.remind(date(2027, 3, 30)) == 0
    assert not Reminder.objects.exclude(sent_at=None).exists()
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert expiry.remind(date(2027, 3, 30)) == 1


@pytest.mark.django_db(transaction=True)
def test_the_last_day_of_a_password_is_typed_with_it(client, person, background):
    day = timezone.localdate() + timedelta(days=90)
    connect(client, person, ends_on=day.isoformat())
    assert Account.objects.get().access_ends_on == day
    page = connect(client, person, ends_on=(timezone.localdate() - timedelta(days=1)).isoformat())
    assert page.status_code == 400
    assert "This day is over." in page.content.decode()


@pytest.mark.feature("B7")
@pytest.mark.parametrize("address", ["https://outlook.office365.com/EWS/Exchange.asmx", "outlook.office365.com", "https://outlook.live.com"])
def test_a_mailbox_at_microsoft_is_led_to_outlook(client, person, address):
    """Red without MICROSOFT in the form: the password would be sent there."""
    page = connect(client, person, server=address)
    assert page.status_code == 400
    assert "connect them as Outlook" in page.content.decode()
    assert not Account.objects.exists()


def test_what_is_renewed_by_itself_is_listed_and_nobody_is_reminded(client, employee):
    """Red without `renews` in remind: a mail."""
    today = timezone.localdate()
    one = account(employee.user)
    link = Link.objects.create(account=one, calendar=employee.calendar, remote_id="r", remote_name="Work")
    ends = timezone.now() + timedelta(days=2)
    Subscription.objects.create(account=one, link=link, remote_id="s", expires_at=ends, due_at=ends)
    assert expiry.remind(today) == 0
    client.force_login(employee.user)
    assert "renewed by itself" in client.get(reverse("integrations:expiry"), HTTP_ACCEPT_LANGUAGE="en").content.decode()
