"""Access tokens end within the hour: they are renewed in time, by one worker, and a service that can't do it at the moment loses nobody's connection."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.core import mail
from django.db import connection, transaction
from django.utils import timezone

from integrations import connect, engine
from integrations.contract import NeedsPerson, Retry
from integrations.models import Account, OAuthClient
from integrations.oauth import tokens
from integrations.oauth.tests.desk import Desk
from integrations.pages.tests.salon import book, workday
from integrations.testing.converged import assert_converged

pytestmark = pytest.mark.django_db(transaction=True)


def age(account: Account, left: timedelta = timedelta(0)) -> None:
    """The stored token has that long to live, there too when it has none."""
    Account.objects.filter(pk=account.pk).update(token_expires_at=timezone.now() + left)


@pytest.fixture
def account(client, desk, background) -> Account:
    desk.set_up()
    found: Account = desk.connected(client)
    return found


def expire(desk: Desk, account: Account) -> None:
    desk.oauth.expire()
    age(account)


def test_a_token_is_used_until_shortly_before_its_end(account, desk):
    first = tokens.fresh(account.pk).access
    assert tokens.fresh(account.pk).access == first
    age(account, tokens.MARGIN + timedelta(minutes=1))
    assert tokens.fresh(account.pk).access == first
    assert desk.renewals == 0
    age(account, tokens.MARGIN - timedelta(seconds=1))
    second = tokens.fresh(account.pk).access
    assert second != first
    assert desk.renewals == 1
    account.refresh_from_db()
    assert (account.token_version, account.refreshing_until) == (2, None)
    assert account.token_expires_at > timezone.now() + timedelta(minutes=50)


def test_F52_ten_workers_at_the_end_of_a_token_renew_it_once(account, desk):
    """Red without _claim: ten calls; with a service that ends the old refresh token, the connection would be lost."""
    desk.oauth.rotates = True
    expire(desk, account)
    barrier = Barrier(10)

    def worker(_number: int) -> str:
        try:
            barrier.wait(20)
            return connect.provider_for(Account.objects.get(pk=account.pk)).identity()
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        assert set(pool.map(worker, range(10))) == {"employee@example.com"}
    assert desk.renewals == 1
    account.refresh_from_db()
    assert (account.token_version, account.state) == (2, Account.State.CONNECTED)


def test_a_refresh_token_that_is_replaced_is_kept(client, outlook, background):
    """The old one is refused from then on."""
    outlook.set_up()
    account = outlook.connected(client)
    outlook.oauth.rotates = True
    for number in (1, 2, 3):
        age(account)
        tokens.fresh(account.pk)
        assert outlook.renewals == number


def test_the_lease_of_a_worker_that_died_runs_out(account, desk):
    expire(desk, account)
    Account.objects.update(refreshing_until=timezone.now() + timedelta(seconds=1))
    assert tokens.fresh(account.pk).access
    assert desk.renewals == 1


def test_who_loses_the_race_takes_what_the_winner_has_saved(account, desk):
    """A worker whose lease ran out while it asked: its answer is thrown away, the newer one stays. Red without token_version in the update."""
    expire(desk, account)
    stale = Account.objects.get(pk=account.pk)
    winner = tokens.fresh(account.pk)
    assert tokens._renew(stale, timezone.now()) is None
    account.refresh_from_db()
    assert account.secrets["access_token"] == winner.access
    assert account.token_version == 2


def test_F52_a_refusal_of_what_is_not_stored_any_more_is_no_revocation(client, outlook, background):
    """The loser's refresh token has been replaced meanwhile. Red without the look at token_version in _ask_anew."""
    outlook.set_up()
    account = outlook.connected(client)
    outlook.oauth.rotates = True
    age(account)
    stale = Account.objects.get(pk=account.pk)
    tokens.fresh(account.pk)
    assert tokens._renew(stale, timezone.now()) is None
    account.refresh_from_db()
    assert account.state == Account.State.CONNECTED


def test_no_transaction_waits_for_the_service(account, desk):
    expire(desk, account)
    with transaction.atomic(), pytest.raises(RuntimeError, match="durable"):
        tokens.fresh(account.pk)
    assert desk.renewals == 0


def test_F51_a_token_endpoint_in_trouble_loses_nobody(account, desk, service, background):
    """Busy, cut off, half an answer: it is asked again later."""
    book(service, workday())
    before = desk.server.writes if desk.provider == "google" else desk.server.mailbox.writes
    link = account.links.get()
    kinds = ["503:backendError", "cut-before", "page", "truncate"] if desk.provider == "google" else ["busy", "lose-before", "page", "truncate", "late-error"]
    for kind in kinds:
        expire(desk, account)
        desk.server.faults.then(kind, "token")
        Account.objects.update(paused_until=None)
        with pytest.raises(Retry):
            tokens.fresh(account.pk)
        assert Account.objects.get().state == Account.State.CONNECTED
    assert not [one for one in mail.outbox if "needs you" in one.subject]
    desk.server.faults.stop()
    Account.objects.update(paused_until=None)
    engine.pull(link.pk)
    engine.drain(link.pk)
    assert Account.objects.get().problem == ""
    writes = (lambda: desk.server.writes) if desk.provider == "google" else (lambda: desk.server.mailbox.writes)
    assert_converged(writes)
    assert writes() - before <= 1


def test_F51_a_refused_registration_is_the_admins_business(account, desk):
    """The account stays connected; the page of the set-up says what is wrong, until it is mended."""
    OAuthClient.objects.update(secrets={"client_secret": "wrong"})
    expire(desk, account)
    link = account.links.get()
    engine.pull(link.pk)
    account.refresh_from_db()
    assert account.state == Account.State.CONNECTED
    assert "does not accept our registration" in account.problem
    assert account.paused_until > timezone.now()
    assert OAuthClient.objects.get().problem == "The client secret is not right."
    assert mail.outbox == []
    OAuthClient.objects.update(secrets={"client_secret": "secret-of-the-client"})
    Account.objects.update(paused_until=None)
    engine.pull(link.pk)
    assert OAuthClient.objects.get().problem == ""
    account.refresh_from_db()
    assert account.problem == ""


@pytest.mark.parametrize("minutes", [-10, 10])
def test_F55_a_clock_that_is_wrong_costs_one_call_and_no_change(account, desk, minutes):
    """Ours is slow: we think the token good, the service does not: 401, renewed once, asked again. Red without the loop in Transport.request and
    Bridge.send: the account counts as refused. Ours is fast: it is renewed too early, once. Red when what is stored is used whatever its end."""
    if minutes < 0:
        desk.oauth.expire()
    age(account, timedelta(minutes=-minutes))
    link = account.links.get()
    assert engine.pull(link.pk)
    account.refresh_from_db()
    assert (account.state, account.failures, account.problem) == (Account.State.CONNECTED, 0, "")
    assert desk.renewals == 1
    assert engine.pull(link.pk)
    assert desk.renewals == 1


def test_F55_a_token_that_is_always_refused_is_asked_for_twice_not_for_ever(account, desk):
    """Both sides of the loop's end: the second 401 stands."""
    desk.oauth.bearer = lambda headers: None
    with pytest.raises(NeedsPerson) as refused:
        connect.provider_for(Account.objects.get(pk=account.pk)).identity()
    assert refused.value.code == "auth"
    assert desk.renewals == 1


def test_parts_of_an_envelope_that_are_refused_are_sent_again_with_another_token(client, google, background):
    """Google answers each part by itself; its SDK sends those again once. Red without the look into the envelope in Transport.request."""
    google.set_up()
    account = google.connected(client)
    sdk = connect.provider_for(Account.objects.get(pk=account.pk)).google  # type: ignore[attr-defined]
    google.server.faults.then("401:authError", "read", times=2)
    listing = sdk.resource.calendarList().list
    found = sdk.many({"one": listing(), "other": listing()})
    assert all(answer["items"] for answer in found.values())
    assert google.renewals == 1
