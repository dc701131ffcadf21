"""F25. A server that is slow or never answers: each call ends in time, no transaction is open meanwhile, and pages answer as ever."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
import requests
from django.db import OperationalError, connection, connections
from django.test import Client
from django.utils import timezone

from booking.actions import appointments as actions
from booking.models import Appointment, Employee, Service
from integrations import connect, engine, listening
from integrations.models import Account, Link, OAuthClient, Outgoing
from integrations.oauth.session import Through
from integrations.pages.tests.salon import book, free_starts, workday
from integrations.testing.accounts import NEVER, granted
from integrations.testing.servers.google import GoogleServer
from integrations.testing.servers.graph import GraphServer
from integrations.tests.salon import Salon, at
from integrations.tests.tellers import Teller, teller, work
from integrations.tests.workers import wait_until
from integrations.wire import http
from integrations.wire.address import Policy, policy

pytestmark = pytest.mark.django_db(transaction=True)

HASTE = 10  # time-outs are so many times shorter than they really are


def nobody_is_in_a_transaction() -> bool:
    """Nobody's connection but this one's is."""
    other = connections["default"].copy()
    try:
        with other.cursor() as cursor:
            if other.vendor == "postgresql":
                ours = "datname = current_database() AND pid <> pg_backend_pid() AND state LIKE 'idle in transaction%%'"
                cursor.execute(f"SELECT count(*) FROM pg_stat_activity WHERE {ours}")
                return bool(cursor.fetchone()[0] == 0)
            cursor.execute("PRAGMA busy_timeout = 200")
            cursor.execute("BEGIN IMMEDIATE")
            cursor.execute("ROLLBACK")
            return True
    except OperationalError:
        return False
    finally:
        other.close()


def test_no_transaction_is_open_while_a_caldav_server_is_asked(salon: Salon):
    """Seen red with `push` in one transaction (then `hold` refuses it, too)."""
    free: list[bool] = []
    salon.proxy.watch = lambda method: free.append(nobody_is_in_a_transaction())
    appointment = salon.book(at(10))
    salon.sync()
    salon.diary.shift(salon.path(appointment), timedelta(hours=1))
    salon.sync()
    actions.reschedule(appointment=appointment, start=at(15), now=timezone.now())
    salon.diary.enter("Dentist", at(9), at(9.5))
    salon.sync()
    salon.diary.delete(salon.path(appointment))
    salon.sync()
    connect.check(salon.link.account_id)
    salon.proxy.watch = None
    assert len(free) > 10
    assert all(free)
    salon.assert_converged()


@dataclass
class Watched:
    """`free`: at each call whether nobody was in a transaction."""

    there: Teller
    free: list[bool] = field(default_factory=list)


@pytest.fixture(params=["google", "outlook"])
def watched(request: pytest.FixtureRequest, employee: Employee, settings, live_server) -> Iterator[Watched]:
    settings.PUSH_ADDRESS, settings.PUSH_GAP_SECONDS = live_server.url, 0
    server: Any = GoogleServer if request.param == "google" else GraphServer
    answer, free = server.answer, list[bool]()

    def looked(self: Any, *given: Any) -> Any:
        free.append(nobody_is_in_a_transaction())
        return answer(self, *given)

    with mock.patch.object(server, "answer", looked), teller(request.param, employee, settings) as there:
        settings.MICROSOFT_LOGIN_ROOT = there.person.server.address
        OAuthClient.objects.update(tenant="common")
        yield Watched(there, free)


def test_no_transaction_is_open_while_google_or_outlook_is_asked(watched: Watched, service: Service):
    """All that is asked there: tokens, the test of a connection, subscriptions, reading, writing, and the end. Seen red with `push`, `tend` and
    `disconnect` each in one transaction."""
    there, account = watched.there, Account.objects.get()
    work()
    appointment = book(service, workday())
    there.enter(workday(14))
    work()
    actions.reschedule(appointment=appointment, start=workday(12), now=timezone.now())
    work()
    actions.cancel(appointment=appointment, now=timezone.now())
    work()
    listening.tend(account.pk)
    connect.check(account.pk)
    Account.objects.update(token_expires_at=timezone.now())
    engine.pull(there.link.pk)
    Account.objects.update(token_expires_at=NEVER, paused_until=None)
    connect.disconnect(Account.objects.get())
    assert not Account.objects.exists()
    assert there.person.server.oauth.calls["token refresh_token"] == 1
    assert len(watched.free) > 15
    assert all(watched.free)


@contextmanager
def black_hole() -> Iterator[Hole]:
    """A server that takes calls and never answers."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        door.listen(50)
        hole = Hole(f"http://127.0.0.1:{door.getsockname()[1]}")
        threading.Thread(target=hole.swallow, args=(door,), daemon=True).start()
        yield hole
        for one in hole.kept:
            one.close()


@dataclass
class Hole:
    """`free`: at each call whether nobody was in a transaction."""

    address: str
    kept: list[socket.socket] = field(default_factory=list)
    free: list[bool] = field(default_factory=list)

    def swallow(self, door: socket.socket) -> None:
        try:
            while True:
                self.kept.append(door.accept()[0])
                self.free.append(nobody_is_in_a_transaction())
        except OSError:
            return


class Hasty(http.Client):
    """Has the patience that was meant for it, but shorter."""

    def __init__(self, rules: Policy | None = None) -> None:
        meant = rules or policy()
        super().__init__(replace(meant, connect=meant.connect / HASTE, read=meant.read / HASTE, total=meant.total / HASTE))


def hasty(patience: int) -> AbstractContextManager[Any]:
    return nullcontext() if patience > 10 else mock.patch.object(http, "Client", Hasty)


def caldav(employee: Employee, settings: Any, hole: str) -> Account:
    settings.KALENDS_PRIVATE_HOSTS = [hole.partition("//")[2]]
    return Account.objects.create(user=employee.user, provider="caldav", server=f"{hole}/", username="employee", secrets={"password": "secret"})


def google(employee: Employee, settings: Any, hole: str) -> Account:
    settings.GOOGLE_API_ROOT = hole
    return granted(employee.user, "google", "token")


def outlook(employee: Employee, settings: Any, hole: str) -> Account:
    settings.GRAPH_ROOT = hole
    return granted(employee.user, "outlook", "token")


def token_of_google(employee: Employee, settings: Any, hole: str) -> Account:
    settings.GOOGLE_OAUTH_ROOT = hole
    return aged(granted(employee.user, "google", "token"))


def token_of_outlook(employee: Employee, settings: Any, hole: str) -> Account:
    settings.MICROSOFT_LOGIN_ROOT = hole
    return aged(granted(employee.user, "outlook", "token"))


def aged(account: Account) -> Account:
    account.token_expires_at = timezone.now()
    account.save()
    return account


@pytest.mark.parametrize("patience", [10, pytest.param(40, marks=pytest.mark.long)])
@pytest.mark.parametrize("stack", [caldav, google, outlook, token_of_google, token_of_outlook])
def test_while_a_server_never_answers_the_pages_do_and_the_call_ends(
    employee: Employee, service: Service, client: Client, settings, patience: int, stack: Callable[[Employee, Any, str], Account]
):
    """The long run waits for the time-outs as they are. Seen red without time-outs on the client, and with `push` in one transaction."""
    with black_hole() as hole, hasty(patience):
        account = stack(employee, settings, hole.address)
        remote = f"{hole.address}/employee/hole/" if account.provider == "caldav" else "hole"
        link = Link.objects.create(account=account, calendar=employee.calendar, remote_id=remote, remote_name="Hole", reads=False, writes=True)
        Account.objects.update(state=Account.State.CONNECTED)
        Link.objects.update(pulled_at=timezone.now())
        book(service, workday())

        def drain() -> None:
            engine.drain(link.pk)
            connection.close()

        worker = threading.Thread(target=drain, daemon=True)
        worker.start()
        wait_until(lambda: bool(hole.free), "the call is under way", 20)
        assert worker.is_alive()
        began = time.monotonic()
        assert "12:00" in free_starts(client, service, workday(), employee)
        book(service, workday(12), name="Dora")
        assert time.monotonic() - began < 3
        worker.join(patience)
        assert not worker.is_alive()
        assert len(hole.kept) == 1, "what ran out of time is not asked again at once"
    assert all(hole.free)
    row = Outgoing.objects.get(item_id=Appointment.objects.order_by("pk")[0].pk)
    assert (row.state, row.attempts, row.error) == (Outgoing.State.OPEN, 1, "The server takes too long to answer.")
    account.refresh_from_db()
    assert account.state == Account.State.CONNECTED


def test_a_sign_in_that_is_never_answered_ends_too():
    """It is asked in a web request. Seen red as above."""
    told: list[str] = []

    def ask() -> None:
        with pytest.raises(requests.ConnectionError) as failed:
            Through().post(f"{hole.address}/token", data={"code": "x"})
        told.append(str(failed.value))

    with black_hole() as hole, hasty(0):
        asking = threading.Thread(target=ask, daemon=True)
        asking.start()
        asking.join(10)
        assert told == ["The server takes too long to answer."]
