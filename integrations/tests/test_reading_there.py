"""What Google and Outlook show is much, cut off by a refusal, or dated by another clock: no slot opens by it, nothing is cancelled, no change is lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from unittest import mock

import pytest
import time_machine
from django.utils import timezone

from booking.actions import appointments as actions
from booking.errors import SlotTaken
from booking.models import Appointment, Busy, Employee, Service
from integrations import choosing, engine
from integrations.items import Event
from integrations.models import FieldChange, Link, Pair
from integrations.testing.converged import assert_converged, cycle
from integrations.testing.servers import discovery, graph_mailbox, graph_rules
from integrations.testing.stage import Stage, stage
from integrations.tests.remote_caldav import caldav_remote
from integrations.tests.remotes import PLACES, GoogleRemote, OutlookRemote, Remote

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 2, 27, 9, tzinfo=UTC)
MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR, HALF = timedelta(hours=1), timedelta(minutes=30)
EVERYWHERE = PLACES | {"caldav": caldav_remote}


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest) -> Iterator[Any]:
    with time_machine.travel(NOW, tick=False), EVERYWHERE[request.param]() as remote:
        yield remote


@pytest.fixture
def at(place: Remote, employee: Employee, service: Service) -> Stage:
    return stage(employee, service, server=place)


def refuses(remote: Remote, status: int) -> AbstractContextManager[Any]:
    """Whatever is asked of this calendar; of the others everything works."""
    if isinstance(remote, GoogleRemote):
        reason = {403: "forbidden", 503: "backendError"}[status]
        error: Exception = discovery.Refusal(status, reason, "Forbidden")
        store: Any = remote.server.store
    else:
        assert isinstance(remote, OutlookRemote)
        code = {403: "ErrorAccessDenied", 503: "ErrorServerBusy"}[status]
        error, store = graph_rules.Refusal(status, code, "Access is denied."), remote.server.mailbox
    real = store.calendar

    def calendar(given: str, **how: Any) -> Any:
        if given == remote.remote:
            raise error
        return real(given, **how)

    return mock.patch.object(store, "calendar", calendar)


def settled(remote: Remote) -> None:
    for _ in range(2):
        cycle()
    assert_converged(lambda: remote.writes)


def test_the_last_of_251_events_closes_its_slot(place: Any, at: Stage):
    """F29. Seen red with the first page only, at each of them."""
    place.server.page_size = 100
    for number in range(250):
        start = MONDAY + timedelta(days=1 + number // 16) + number % 16 * HALF
        place.put(place.remote, Event(start=start, end=start + HALF, title=f"Number {number}"))
    place.put(place.remote, Event(start=MONDAY, end=MONDAY + HOUR, title="The last"))
    engine.pull(at.link.pk, full=True)
    assert Busy.objects.values("key").distinct().count() == 251
    with pytest.raises(SlotTaken):
        at.book(MONDAY, now=timezone.now())
    at.book(MONDAY + 3 * HOUR, now=timezone.now())
    settled(place)


def test_a_calendar_that_is_no_longer_shared_closes_the_slots_and_cancels_nothing(place: Remote, at: Stage):
    """F40. Seen red without mark_lost."""
    appointment = at.book(MONDAY, now=timezone.now())
    settled(place)
    with refuses(place, 403):
        cycle()
        link = Link.objects.get()
        assert (link.state, bool(link.problem)) == (Link.State.LOST, True)
        with pytest.raises(SlotTaken):
            at.book(MONDAY + 3 * HOUR, now=timezone.now())
        appointment.refresh_from_db()
        assert (appointment.status, Pair.objects.get().state) == ("approved", Pair.State.LIVE)
    cycle()
    assert Link.objects.get().state == Link.State.ACTIVE
    at.book(MONDAY + 3 * HOUR, now=timezone.now())
    settled(place)
    assert not FieldChange.objects.filter(direction="in").exists()


def test_one_of_two_calendars_that_is_out_of_order_for_too_long_closes_the_employee(place: Any, employee: Employee, service: Service):
    """F41. Seen red with times that are trusted for days."""
    other = place.beside("Home")
    at = stage(employee, service, server=place)
    with mock.patch("integrations.choosing._pull_later"):
        choosing.choose(at.link.account, employee.calendar, reads={place.remote, other.remote}, writes=place.remote)
    cycle()
    at.book(MONDAY, now=timezone.now())
    settled(place)
    with time_machine.travel(NOW, tick=False) as clock:
        with refuses(other, 503):
            for _ in range(9):
                clock.shift(timedelta(minutes=10))
                cycle()
            fresh = {link.remote_id: link.pulled_at == timezone.now() for link in Link.objects.all()}
            assert fresh == {place.remote: True, other.remote: False}
            with pytest.raises(SlotTaken):
                at.book(MONDAY + 3 * HOUR, now=timezone.now())
            assert Appointment.objects.get().status == "approved"
        clock.shift(timedelta(hours=4))
        cycle()
        at.book(MONDAY + 3 * HOUR, now=timezone.now())
        settled(place)


@pytest.mark.parametrize("minutes", [-10, 10])
def test_a_server_whose_clock_is_wrong_loses_no_change(place: Remote, at: Stage, minutes: int):
    """F55. Seen red with what is dated before our last reading left out (its clock is slow), and with what is dated in the future left out (fast)."""

    class Skewed(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Any:
            return timezone.now().astimezone(tz) + timedelta(minutes=minutes)

    with mock.patch("integrations.testing.servers.google_calendar.datetime", Skewed), mock.patch.object(graph_mailbox, "datetime", Skewed):
        appointment = at.book(MONDAY, now=timezone.now())
        settled(place)
        remote_id = Pair.objects.get().remote_id
        place.edit(place.remote, remote_id, start=MONDAY + HOUR, end=MONDAY + HOUR + HALF)
        settled(place)
        appointment.refresh_from_db()
        assert appointment.start == MONDAY + HOUR
        actions.move(appointment=appointment, start=MONDAY + 2 * HOUR, end=MONDAY + 2 * HOUR + HALF, now=timezone.now())
        settled(place)
        assert place.events[remote_id].item.start == MONDAY + 2 * HOUR
        place.edit(place.remote, remote_id, title="Clara, short")  # at once, on both sides
        actions.move(appointment=appointment, start=MONDAY + 3 * HOUR, end=MONDAY + 3 * HOUR + HALF, now=timezone.now())
        settled(place)
        found = place.events[remote_id].item
        assert (found.start, found.title) == (MONDAY + 3 * HOUR, "Clara, short")
        assert not FieldChange.objects.filter(kind="conflict").exists()


@pytest.mark.parametrize("place", EVERYWHERE, indirect=True)
def test_forty_days_later_the_far_end_is_known_although_nothing_changed_there(place: Any, at: Stage):
    """F35. Seen red without the daily reading of everything; at Outlook, whose cursor has an end, without a look at that as well."""
    far = NOW + timedelta(days=40 + 85, hours=1)  # beyond today's horizon, within that of then
    place.put(place.remote, Event(start=far, end=far + HOUR, title="Far away"))
    far_beyond = NOW + timedelta(days=40 + 147)
    place.put(place.remote, Event(start=far_beyond, end=far_beyond + HOUR, title="Beyond the first window"))
    engine.pull(at.link.pk)
    assert not Busy.objects.filter(start=far_beyond).exists()
    with time_machine.travel(NOW + timedelta(days=40), tick=False):
        with pytest.raises(SlotTaken):  # nobody has read for 40 days
            at.book(MONDAY + timedelta(days=70), now=timezone.now())
        cycle()
        assert set(Busy.objects.values_list("start", flat=True)) == {far, far_beyond}
        with pytest.raises(SlotTaken):
            at.book(far, now=timezone.now())
        at.book(far + 2 * HOUR, now=timezone.now())
        settled(place)
