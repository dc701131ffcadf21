"""Told of changes we read at once and otherwise hardly ask; and whatever gets lost on the way, asking finds it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from booking.actions import appointments
from booking.actions.customers import Guest
from booking.models import Appointment, Employee, Service
from integrations import engine
from integrations.models import Link, Outgoing, Pair, Run
from integrations.testing.converged import assert_converged
from integrations.tests.tellers import Teller, monday, work

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

HOUR = timedelta(hours=1)
OUTLOOK = pytest.mark.parametrize("there", ["outlook"], indirect=True)  # Google knows no such messages


@pytest.fixture
def clock():
    with time_machine.travel(datetime(2026, 2, 26, 8, tzinfo=UTC), tick=False) as travel:
        yield travel


def settle(there: Teller) -> None:
    """Until nothing is to be done and told of any more."""
    for _round in range(3):
        work()
        there.channels.settle()


def poll_for(there: Teller, clock: Any, span: timedelta) -> int:
    """The clock runs and whatever is due is done, each minute as the sweep does; how many listings that took."""
    before, until = there.listings(), datetime.now(UTC) + span
    while datetime.now(UTC) < until:
        clock.shift(timedelta(minutes=1))
        work()
    return there.listings() - before


@pytest.mark.usefixtures("clock")
def test_f42_with_all_calls_lost_one_interval_is_enough(there: Teller, clock, settings):
    """Seen red without the safety poll."""
    settle(there)
    there.channels.shape = lambda calls: []
    there.enter(monday())
    assert poll_for(there, clock, timedelta(seconds=settings.SAFETY_POLL_SECONDS + 60)) >= 1
    assert there.busy() == [monday()]


def test_f42_who_does_not_tell_us_is_asked_as_often_as_others_until_he_does(there: Teller, clock, settings):
    """Calls may be lost for ever: a firewall. Seen red when nobody notices."""
    settle(there)
    there.channels.shape = lambda calls: []
    there.enter(monday())
    poll_for(there, clock, timedelta(seconds=settings.SAFETY_POLL_SECONDS + 60))
    assert there.current.unheard == 1
    there.enter(monday() + 3 * HOUR)
    poll_for(there, clock, timedelta(seconds=settings.POLL_SECONDS + 60))
    assert there.busy() == [monday(), monday() + 3 * HOUR]
    there.channels.shape = list
    there.enter(monday() + 5 * HOUR)
    settle(there)
    assert there.current.unheard == 0
    assert poll_for(there, clock, timedelta(seconds=2 * settings.SAFETY_POLL_SECONDS)) <= 3


def test_an_unchanged_calendar_is_asked_once_an_interval_and_hardly_at_all_while_we_are_told(there: Teller, clock, settings):
    """One request each. Seen red when the next reading does not look at the subscription."""
    settle(there)
    assert poll_for(there, clock, timedelta(seconds=2 * settings.SAFETY_POLL_SECONDS)) == 2
    calls = there.calls()
    settings.PUSH_ADDRESS = ""
    settle(there)
    Link.objects.update(next_pull_at=datetime.now(UTC))
    assert poll_for(there, clock, timedelta(seconds=2 * settings.SAFETY_POLL_SECONDS)) == 6, "every five minutes"
    assert len([one for one in there.calls()[len(calls) :] if "list" not in one and "delta" not in one]) == 1, "and what ends the subscription"


@pytest.mark.parametrize("order", ["twice", "backwards", "late"])
def test_f44_calls_may_come_twice_or_in_any_order(there: Teller, clock, order: str):
    """A call carries no truth: what stands there is read."""
    settle(there)
    held: list[Any] = []

    def hold(calls: list[Any]) -> list[Any]:
        held.extend(calls)
        return []

    shapes: dict[str, Any] = {"twice": lambda calls: calls * 2, "backwards": lambda calls: list(reversed(calls)), "late": hold}
    there.channels.shape = shapes[order]
    event = there.enter(monday())
    there.person.edit(event, start=monday() + 2 * HOUR, end=monday() + 3 * HOUR)
    other = there.enter(monday() + 5 * HOUR)
    there.person.remove(other)
    there.channels.settle()
    there.channels.shape = lambda calls: [*reversed(held), *calls]
    there.enter(monday() + 7 * HOUR)
    settle(there)
    assert there.busy() == [monday() + 2 * HOUR, monday() + 7 * HOUR]


def book(employee: Employee, start: datetime) -> Appointment:
    service = Service.objects.get_or_create(name="Haircut", defaults={"duration": 30, "price": 20})[0]
    service.employees.add(employee)
    guest = Guest("Clara", "clara@example.org", "Kunde")
    return appointments.book(service=service, start=start, guest=guest, now=datetime.now(UTC), employee=employee).appointment


def test_f44_told_of_our_own_event_before_our_write_was_answered(there: Teller, clock, employee: Employee):
    """The answer is lost, the call is not: what we read then is ours, written once."""
    settle(there)
    appointment = book(employee, monday())
    there.person.fail("lost-answer")
    engine.drain(there.link.pk)
    assert Pair.objects.get(item_id=appointment.pk).remote_id == ""
    there.channels.settle()
    assert there.current.told == "changed"
    engine.catch_up(there.link.pk)
    Outgoing.objects.update(not_before=datetime.now(UTC))
    settle(there)
    assert Pair.objects.get(item_id=appointment.pk).remote_id
    assert there.busy() == []
    assert_converged(there.person.writes)


def test_told_of_our_own_write_we_ask_once_and_write_nothing(there: Teller, clock, employee: Employee):
    settle(there)
    book(employee, monday())
    engine.drain(there.link.pk)
    there.channels.settle()
    listings, writes = there.listings(), there.person.writes()
    settle(there)
    assert (there.listings() - listings, there.person.writes() - writes) == (1, 0)


def test_a_failing_calendar_is_not_asked_for_each_call(there: Teller, clock, settings):
    """Seen red when calls take no heed of the pause that failures bring."""
    settle(there)
    tries = 0
    for _call in range(10):
        there.person.server.faults.then(*(["403:rateLimitExceeded"] if there.name == "google" else ["busy", "read"]))
        there.enter(monday())
        before = len(there.calls())
        engine.catch_up(there.link.pk)
        tries += len(there.calls()) > before
    assert tries == 1
    assert there.current.told == "changed", "it is not forgotten"
    there.person.server.faults.stop()
    clock.shift(timedelta(seconds=settings.POLL_SECONDS + 30))
    settle(there)
    assert there.busy() == [monday()] * 10


@OUTLOOK
def test_f46_what_graph_missed_makes_us_read_everything(there: Teller, clock):
    """Seen red when it is taken for a change: a delta does not show what its cursor has passed."""
    settle(there)
    there.person.server.faults.then("busy")
    listed = Link.objects.get().listed_at
    clock.shift(timedelta(minutes=1))
    there.channels.lifecycle("missed")
    there.channels.settle()
    engine.catch_up(there.link.pk)
    assert Run.objects.filter(outcome="failed").count() == 1
    clock.shift(timedelta(minutes=10))
    engine.pull(there.link.pk)
    now_listed = Link.objects.get().listed_at
    assert listed is not None
    assert now_listed is not None
    assert now_listed > listed, "also when the first attempt failed"


@OUTLOOK
def test_f46_reauthorization_is_given_at_once(there: Teller, clock):
    settle(there)
    name, until = there.current.remote_id, there.current.plain().expires
    clock.shift(timedelta(days=2))
    there.channels.lifecycle("reauthorizationRequired")
    settle(there)
    assert (there.current.remote_id, there.current.plain().expires - until) == (name, timedelta(days=2))


@OUTLOOK
def test_f46_a_removed_subscription_is_made_anew_and_what_happened_meanwhile_is_read(there: Teller, clock):
    """Seen red when nothing is read after the new one was made."""
    settle(there)
    before = there.current.remote_id
    there.channels.lifecycle("subscriptionRemoved")
    there.channels.settle()
    engine.catch_up(there.link.pk)
    there.enter(monday())  # nobody is told
    settle(there)
    assert there.live == [there.current.remote_id] != [before]
    assert there.busy() == [monday()]
