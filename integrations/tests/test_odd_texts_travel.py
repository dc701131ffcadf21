"""F66. Whatever is written into an event there, it takes its time here, the others are read, and nothing is written again and again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from unittest import mock

import pytest
import time_machine
from django.core import mail

from booking.models import Appointment, Busy, BusySource, Employee, Service
from integrations.items import Event, plain
from integrations.models import Account, Link, Pair
from integrations.testing.converged import assert_converged
from integrations.testing.proxy import Proxy
from integrations.testing.servers import Server
from integrations.testing.stage import Stage, stage
from integrations.testing.world import CORPUS
from integrations.tests.series_persons import CaldavPerson, Person, person
from integrations.wire import http
from integrations.wire.address import policy

NOW = datetime(2026, 2, 27, 9, tzinfo=UTC)
MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
HALF, DAY = timedelta(minutes=30), timedelta(days=1)
# What PostgreSQL can't keep, what XML can't carry, what is no text at all.
CONTROLS = ("a\x00b", "\x00", "a\x01\x08b", "a\x0bb\x0cc", "a\x1b[31mb", "a\x7fb\x85c\u2028d", "a\ud800b", "\udfff", "a\ufeffb\ufffe\uffff", "a\u202eb\u2066c")
TEXTS = (*CORPUS, *CONTROLS, "x" * 100_000, "ü👩" * 20_000)


@pytest.fixture(params=["google", "outlook", "caldav"])
def who(request: pytest.FixtureRequest, caldav_server: Server, caldav_proxy: Proxy) -> Iterator[Person]:
    with time_machine.travel(NOW, tick=False), mock.patch("booking.wake.wake"), person(request.param, caldav_server, caldav_proxy) as found:
        yield found


@pytest.fixture
def stood(who: Person, employee: Employee, service: Service) -> Stage:
    return stage(employee, service, server=who.remote)


def texts(who: Person) -> list[str]:
    """What a person's client can say there: half a character only in JSON."""
    return [text for text in TEXTS if not isinstance(who, CaldavPerson) or text.encode(errors="ignore").decode() == text]


@pytest.mark.django_db
def test_foreign_events_take_their_times_whatever_they_say(who: Person, stood: Stage) -> None:
    """Seen red over CalDAV when XML was read strictly: one title with U+FFFF hid the whole calendar; over the others on PostgreSQL with NUL kept."""
    said = texts(who)
    for number, text in enumerate(said):
        who.world.put(Event(MONDAY + number * DAY, MONDAY + number * DAY + HALF, title=text, description=text, location=text))
    # 10 MB; a tenth where the real server needs a minute to fold that.
    who.world.put(Event(MONDAY - DAY, MONDAY - DAY + HALF, title="Long", description="Lorem ipsum. " * (80_000 if isinstance(who, CaldavPerson) else 800_000)))
    stood.sync()
    assert list(Busy.objects.order_by("start").values_list("start", flat=True)) == [MONDAY + number * DAY for number in range(-1, len(said))]
    stood.link.refresh_from_db()
    assert stood.link.quarantine == {}
    assert_converged(lambda: who.remote.writes)


@pytest.mark.django_db
def test_what_is_typed_over_the_title_of_ours_is_taken_and_stays_as_it_is(who: Person, stood: Stage) -> None:
    """Seen red on PostgreSQL with NUL kept: the event was set aside."""
    pair = stood.pair(booked(stood))
    for text in texts(who):
        who.world.edit(pair.remote_id, title=text, location=text)
        stood.sync()
        pair.refresh_from_db()
        assert pair.state == Pair.State.LIVE
        assert pair.base["location"] == plain(Event(MONDAY, MONDAY, location=text).location), ascii(text[:20])
        assert_converged(lambda: who.remote.writes)
    stood.link.refresh_from_db()
    assert stood.link.quarantine == {}


def booked(stood: Stage) -> Appointment:
    made = stood.book(MONDAY, now=NOW)
    stood.sync()
    return made


@pytest.fixture
def small() -> Iterator[None]:
    """No answer may have more than 300 kB."""
    with mock.patch.object(http, "policy", side_effect=lambda: replace(policy(), size=300_000)):
        yield


@pytest.mark.django_db
def test_many_long_events_are_asked_for_in_smaller_groups(
    small: None, caldav_server: Server, caldav_proxy: Proxy, employee: Employee, service: Service
) -> None:
    """Seen red without the halving of a multiget."""
    with time_machine.travel(NOW, tick=False), mock.patch("booking.wake.wake"), person("caldav", caldav_server, caldav_proxy) as who:
        stood = stage(employee, service, server=who.remote)
        for number in range(10):
            who.world.put(Event(MONDAY + number * DAY, MONDAY + number * DAY + HALF, title="Long", description="x" * 100_000))
        stood.sync()
        assert Busy.objects.count() == 10
        assert_converged(lambda: who.remote.writes)


@pytest.mark.django_db
def test_an_event_too_large_to_be_read_closes_its_calendar_and_not_the_account(small: None, who: Person, stood: Stage) -> None:
    """Seen red when any refusal but of a right counted against the account: after three it was stopped, with all its calendars."""
    remote_id = who.world.put(Event(MONDAY, MONDAY + HALF, title="Huge", description="x" * 400_000))
    for _attempt in range(4):
        stood.sync()
    link = Link.objects.get(pk=stood.link.pk)
    assert (link.state, link.problem) == (Link.State.LOST, "The server's answer is too large.")
    assert link.account.state == Account.State.CONNECTED
    assert link.source is not None
    assert link.source.state == BusySource.State.LOST
    assert mail.outbox == []
    who.world.remove(remote_id)
    stood.sync()
    link.refresh_from_db()
    assert (link.state, link.problem) == (Link.State.ACTIVE, "")
    assert_converged(lambda: who.remote.writes)
