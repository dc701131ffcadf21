"""Subscriptions: made in the background, renewed before they end, one at a time, ended when they are no longer wanted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from booking.models import Busy, Employee
from integrations import choosing, connect, listening
from integrations.contract import Provider
from integrations.models import Account, Link, Subscription
from integrations.tasks import sweep
from integrations.tests.tellers import Teller, monday, work

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]


def test_it_is_made_once_and_tells_from_then_on(there: Teller):
    work()
    work()
    assert there.live == [there.current.remote_id]
    assert there.current.told == ""
    there.enter(monday())
    assert there.current.told == "changed"
    work()
    assert there.busy() == [monday()]
    assert there.current.told == ""


@pytest.mark.parametrize("days", [30, pytest.param(90, marks=pytest.mark.long)])
def test_f45_all_the_time_exactly_one_tells(there: Teller, days: int):
    """Seen red without renewing, and without ending the old one of Google's."""
    held, deaf = set(), timedelta()
    with time_machine.travel(datetime(2026, 1, 5, 8, tzinfo=UTC), tick=False) as clock:
        for _step in range(days * 2):
            for pk in listening.due(datetime.now(UTC)):
                listening.tend(pk)
            assert there.live == [there.current.remote_id]
            held.add(expires := there.current.expires_at)
            clock.shift(timedelta(hours=12))
            deaf += max(timedelta(), datetime.now(UTC) - (expires or datetime.now(UTC)))
        there.enter(monday())
        assert there.current.told == "changed"
    assert days / 7 < len(held) <= days / 3, "it lives seven days and is renewed after half to four fifths of them"
    assert deaf == timedelta()


def test_f45_after_a_long_standstill_a_new_one_is_made_and_what_happened_is_read(there: Teller):
    """Seen red when what happened while nobody listened is not asked for after a new one was made."""
    with time_machine.travel(datetime(2026, 3, 2, 8, tzinfo=UTC), tick=False) as clock:
        work()
        old = there.current.remote_id
        clock.shift(timedelta(days=10))
        assert there.live == []
        there.enter(monday())
        Link.objects.update(next_pull_at=datetime(2027, 1, 1, tzinfo=UTC))  # no polling helps
        work()
        assert there.live == [there.current.remote_id]
        assert there.current.remote_id != old
        assert there.busy() == [monday()]


@pytest.mark.parametrize("there", ["google"], indirect=True)  # Graph prolongs the one there is
def test_one_that_could_not_be_ended_is_listened_to_and_ended_later(there: Teller):
    """The old one is noted as to be ended in the transaction that saves the new one."""
    work()
    Subscription.objects.update(due_at=datetime.now(UTC))
    there.person.server.faults.then("500:backendError", "calendar.channels.stop")
    listening.tend(there.link.account_id)
    assert len(there.live) == 2
    there.enter(monday())
    assert set(Subscription.objects.values_list("told", flat=True)) == {"changed"}, "both are listened to"
    Subscription.objects.filter(ending=True).update(due_at=datetime.now(UTC))
    work()
    assert there.live == [there.current.remote_id]
    assert Subscription.objects.count() == 1


def test_two_workers_at_once_make_one(there: Teller):
    due = listening.due(datetime.now(UTC))
    assert due == [there.link.account_id]
    Subscription.objects.create(account=there.link.account, link=there.link, due_at=datetime.now(UTC))
    stale = there.current
    listening.tend(due[0])
    assert not Subscription.objects.filter(pk=stale.pk, due_at=stale.due_at).exists()
    listening.tend(due[0])
    assert len(there.live) == 1


def test_f59_disconnecting_ends_it(there: Teller):
    """Seen red when disconnecting forgets it without a word."""
    work()
    connect.disconnect(Account.objects.get(pk=there.link.account_id))
    assert there.live == []
    assert not Subscription.objects.exists()


def test_a_calendar_that_is_no_longer_chosen_is_no_longer_listened_to(there: Teller):
    work()
    choosing.choose(there.link.account, there.link.calendar, reads=set(), writes="")
    assert not Link.objects.exists()
    assert listening.due(datetime.now(UTC)) == [there.link.account_id]
    work()
    assert there.live == []
    assert not Subscription.objects.exists()


def test_a_calendar_that_is_only_written_is_listened_to(there: Teller):
    """What is moved there must be here at once, too."""
    choosing.choose(there.link.account, there.link.calendar, reads=set(), writes=there.link.remote_id)
    work()
    assert len(there.live) == 1


def test_without_an_address_nobody_is_asked_to_call(there: Teller, settings):
    settings.PUSH_ADDRESS = ""
    work()
    assert there.live == []
    assert not Subscription.objects.exists()


def test_with_another_address_it_is_replaced(there: Teller, settings, live_server):
    work()
    before = there.current.remote_id
    settings.PUSH_ADDRESS = live_server.url.replace("localhost", "127.0.0.1")
    assert live_server.url != settings.PUSH_ADDRESS
    work()
    assert there.live == [there.current.remote_id] != [before]
    there.enter(monday())
    assert there.current.told == "changed"


def test_failures_never_stop_polling_and_are_kept_in_words(there: Teller, settings):
    """Seen red when a failure to subscribe is raised, or when the next reading then waits for the safety poll."""
    settings.PUSH_ADDRESS = "http://kalends.example"  # neither calls such an address
    there.enter(monday())
    work()
    assert there.busy() == [monday()]
    assert there.live == []
    assert there.current.problem
    link = Link.objects.get(pk=there.link.pk)
    assert link.next_pull_at is not None
    assert link.next_pull_at < datetime.now(UTC) + timedelta(seconds=settings.POLL_SECONDS + 5)
    calls = len(there.calls())
    work()
    assert len(there.calls()) == calls, "it is not tried all the time"


def test_a_server_in_trouble_is_asked_again_as_it_said(there: Teller):
    there.person.server.faults.after = 77
    there.person.server.faults.then("429:rateLimitExceeded" if there.name == "google" else "busy")
    before = datetime.now(UTC)
    listening.tend(there.link.account_id)
    assert (there.live, there.current.failures) == ([], 1)
    assert timedelta(seconds=70) < there.current.due_at - before < timedelta(seconds=90)
    with time_machine.travel(there.current.due_at + timedelta(seconds=1), tick=False):
        work()
        assert (len(there.live), there.current.failures, there.current.problem) == (1, 0, "")


def test_f48_a_token_is_nowhere_to_be_read(there: Teller):
    """Only its hash is kept."""
    work()
    token = next(iter(there.channels.live.values()))
    told = token.token if there.name == "google" else token["clientState"]
    assert len(told) >= 43
    assert told not in str(list(Subscription.objects.values()))


def out_of_order(there: Teller, times: int = 1) -> None:
    """Their server takes no farewell so many times."""
    fault = ("503:backendError", "calendar.channels.stop") if there.name == "google" else ("busy", "write")
    there.person.server.faults.then(*fault, times=times)


def grants(there: Teller) -> int:
    """Calls that gave our access back; Microsoft knows none."""
    return int(there.person.server.oauth.calls["revoke"])


@pytest.mark.usefixtures("background")
def test_f48_one_that_could_not_be_ended_while_disconnecting_is_ended_later_and_before_the_access(there: Teller, employee: Employee, client: Client):
    """Seen red when it is forgotten at once, and when the access is given back first. Everything else goes at once, whoever calls us meanwhile is not
    heard, and the secrets go with the last call."""
    with time_machine.travel(datetime(2026, 3, 2, 8, tzinfo=UTC), tick=False) as clock:
        work()
        there.enter(monday())
        work()
        assert there.busy() == [monday()]
        out_of_order(there)
        connect.disconnect_later(Account.objects.get())
        account = Account.objects.get()
        assert (account.state, account.calendars) == (Account.State.DISCONNECTING, [])
        assert employee.user is not None
        client.force_login(employee.user)
        assert "for a week at most" in client.get(reverse("integrations:calendars"), headers={"accept-language": "en"}).content.decode()
        assert not Link.objects.exists()
        assert not Busy.objects.exists()
        assert (len(there.live), grants(there)) == (1, 0)
        rows = list(Subscription.objects.values())
        there.enter(monday() + timedelta(hours=3))
        assert there.answers[-1] == 404
        assert (list(Subscription.objects.values()), Busy.objects.count()) == (rows, 0)
        out_of_order(there)
        for minutes, left in ((1, 1), (3, 0)):
            calls = len(there.calls())
            sweep()
            assert len(there.calls()) == calls, "it is not tried all the time"
            clock.shift(timedelta(minutes=minutes))
            sweep()
            assert (len(there.live), Account.objects.count(), Subscription.objects.count()) == (left, left, left)
        assert grants(there) == (1 if there.name == "google" else 0)


def test_f48_what_never_could_be_ended_is_forgotten_once_it_has_expired(there: Teller):
    """Seen red when it is tried for ever."""
    with time_machine.travel(datetime(2026, 3, 2, 8, tzinfo=UTC), tick=False) as clock:
        work()
        out_of_order(there, times=100)
        for _day in range(7):
            connect.disconnect(Account.objects.get())
            clock.shift(timedelta(days=1))
        assert Subscription.objects.count() == 1
        calls = len(there.calls())
        connect.disconnect(Account.objects.get())
        assert len(there.calls()) == calls
        assert not Account.objects.exists()


def test_f48_without_access_it_ends_by_itself_and_nothing_is_kept_for_it(there: Teller):
    """Seen red when it is tried again whatever the reason."""
    work()
    Account.objects.update(secrets={})
    connect.disconnect(Account.objects.get())
    assert len(there.live) == 1
    assert not Account.objects.exists()


@pytest.mark.parametrize("how", ["subscribe", "renew"])
def test_f48_one_that_is_made_while_the_account_is_disconnected_is_ended_at_once(there: Teller, how: str):
    """Seen red when the answer is saved without a look: at Google it told us of changes until it expired, and nobody knew of it."""
    if how == "renew":
        work()
        Subscription.objects.update(due_at=datetime.now(UTC))

    def asking(account: Account) -> Provider:
        provider = connect.provider_for(account)
        ask = getattr(provider, how)

        def meanwhile(*given: Any) -> Any:
            found = ask(*given)
            connect.disconnect(Account.objects.get())
            return found

        setattr(provider, how, meanwhile)
        return provider

    with mock.patch.object(listening, "provider_for", asking):
        listening.tend(there.link.account_id)
    assert there.live == []
    assert not Subscription.objects.exists()
