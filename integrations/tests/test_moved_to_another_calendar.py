"""F60. Our event is moved into another calendar, at Google and Outlook: into one of the owner's it is followed, elsewhere it is missed only after a while."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from unittest import mock

import pytest
import time_machine
from django.utils import timezone

from booking.actions import appointments as actions
from booking.models import Appointment, Busy, Employee, Message, Service
from integrations import choosing, engine
from integrations.models import FieldChange, Link, Pair
from integrations.testing.converged import assert_converged, cycle
from integrations.testing.stage import Stage, stage
from integrations.tests.remotes import PLACES, Remote

pytestmark = pytest.mark.django_db

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


@dataclass
class Desk:
    """`work` is read and written, `home` is read only, `elsewhere` isn't linked at all."""

    work: Remote
    home: Remote
    elsewhere: Remote
    at: Stage

    def settled(self) -> None:
        for _ in range(3):
            cycle()
        assert_converged(lambda: self.work.writes)

    def moved(self, appointment: Appointment, target: Remote) -> str:
        return self.work.move(Pair.objects.get(item_id=appointment.pk).remote_id, target)


@pytest.fixture(params=PLACES)
def desk(request: pytest.FixtureRequest, employee: Employee, service: Service) -> Iterator[Desk]:
    with time_machine.travel(datetime(2026, 2, 27, 9, tzinfo=UTC), tick=False), PLACES[request.param]() as work:
        home, elsewhere = work.beside("Home"), work.beside("Elsewhere")
        at = stage(employee, service, server=work)
        with mock.patch("integrations.choosing._pull_later"):
            choosing.choose(at.link.account, employee.calendar, reads={work.remote, home.remote}, writes=work.remote)
        cycle()
        yield Desk(work, home, elsewhere, at)


def test_in_another_calendar_of_the_owner_it_is_followed(desk: Desk):
    """Two look for it: whoever reads the other calendar, and whoever misses it. Seen red without both, and with a pair that does not know it was moved."""
    appointment = desk.at.book(MONDAY, now=timezone.now())
    desk.settled()
    remote_id = desk.moved(appointment, desk.home)
    desk.settled()
    pair = Pair.objects.get()
    assert (pair.link.remote_id, pair.remote_id, pair.state) == (desk.home.remote, remote_id, Pair.State.LIVE)
    assert (len(desk.work.events), len(desk.home.events), Busy.objects.count()) == (0, 1, 0)
    actions.move(appointment=appointment, start=MONDAY + 3 * HOUR, end=MONDAY + 3.5 * HOUR, now=timezone.now())
    desk.settled()
    assert desk.home.events[remote_id].item.start == MONDAY + 3 * HOUR
    desk.home.edit(desk.home.remote, remote_id, start=MONDAY + 5 * HOUR, end=MONDAY + 5.5 * HOUR)
    desk.settled()
    appointment.refresh_from_db()
    assert (appointment.status, appointment.start) == ("approved", MONDAY + 5 * HOUR)
    assert not Message.objects.filter(kind=Message.Kind.CANCELLED).exists()
    actions.cancel(appointment=appointment, now=timezone.now())
    desk.settled()
    assert (desk.work.events, desk.home.events) == ({}, {})


def test_moved_there_and_back_it_is_the_same_event(desk: Desk):
    """Seen red when nobody looks for it in the other calendars."""
    appointment = desk.at.book(MONDAY, now=timezone.now())
    desk.settled()
    there = desk.moved(appointment, desk.home)
    desk.settled()
    back = desk.home.move(there, desk.work)
    desk.settled()
    pair = Pair.objects.get()
    assert (pair.link.remote_id, pair.remote_id, pair.state) == (desk.work.remote, back, Pair.State.LIVE)
    assert (len(desk.work.events), len(desk.home.events), Busy.objects.count()) == (1, 0, 0)
    appointment.refresh_from_db()
    assert appointment.status == "approved"


@pytest.mark.parametrize(("rule", "status", "events"), [("cancel", "cancelled", 0), ("restore", "approved", 1), ("unlink", "approved", 0)])
def test_where_we_do_not_look_it_is_gone_after_a_while_and_the_rule_decides(desk: Desk, settings, rule: str, status: str, events: int):
    """Never within the grace time. Seen red without it."""
    desk.at.rule(on_remote_delete=rule)
    appointment = desk.at.book(MONDAY, now=timezone.now())
    desk.settled()
    desk.moved(appointment, desk.elsewhere)
    with time_machine.travel(timezone.now(), tick=False) as clock:
        cycle()
        clock.shift(timedelta(seconds=settings.MOVE_GRACE_SECONDS - 1))
        cycle()
        appointment.refresh_from_db()
        assert (appointment.status, Pair.objects.get().state) == ("approved", Pair.State.GONE_THERE)
        assert not Message.objects.filter(kind=Message.Kind.CANCELLED).exists()
        clock.shift(timedelta(seconds=2))
        desk.settled()
        appointment.refresh_from_db()
        assert (appointment.status, len(desk.work.events), len(desk.elsewhere.events)) == (status, events, 1)
        assert FieldChange.objects.filter(kind="delete", direction="in").exists() == (rule != "restore")
    assert Link.objects.filter(state=Link.State.ACTIVE).count() == 2


@pytest.mark.parametrize("first", ["read", "write"])
def test_moved_there_while_it_is_moved_in_time_here_it_is_one_event_with_our_time(desk: Desk, first: str):
    """Seen red with a change that only the calendar it was meant for knows of, and with an event put back before it was looked for elsewhere."""
    appointment = desk.at.book(MONDAY, now=timezone.now())
    desk.settled()
    desk.moved(appointment, desk.home)
    actions.move(appointment=appointment, start=MONDAY + 3 * HOUR, end=MONDAY + 3.5 * HOUR, now=timezone.now())
    if first == "write":
        engine.drain(desk.at.link.pk)
    desk.settled()
    assert [one.item.start for one in (*desk.work.events.values(), *desk.home.events.values())] == [MONDAY + 3 * HOUR]
    assert not Busy.objects.exists()


@pytest.mark.parametrize("first", ["read", "write"])
def test_moved_there_while_it_is_cancelled_here_nothing_is_left(desk: Desk, first: str):
    """Seen red with a deletion that takes missing for done: the event stayed in the other calendar and took the time."""
    appointment = desk.at.book(MONDAY, now=timezone.now())
    desk.settled()
    desk.moved(appointment, desk.home)
    actions.cancel(appointment=appointment, now=timezone.now())
    if first == "write":
        engine.drain(desk.at.link.pk)
    desk.settled()
    assert (desk.work.events, desk.home.events, Busy.objects.count()) == ({}, {}, 0)
