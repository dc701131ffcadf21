"""Channels: Google calls us when something has changed, greets first, and stops when told to."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler

import pytest
from django.test import RequestFactory

from integrations.contract import NeedsPerson, Notice, Retry, Subscription
from integrations.google.tests.world import GoogleWorld
from integrations.google.webhook import notice
from integrations.testing.door import door
from integrations.testing.servers.google import GoogleServer
from integrations.testing.world import EVENT

pytestmark = pytest.mark.once

WEEK = timedelta(days=7)


class Ear:
    """What is heard at an address that Google calls."""

    def __init__(self) -> None:
        self.heard: list[Notice | None] = []
        self.address = ""

    def hear(self, request: BaseHTTPRequestHandler) -> str:
        self.heard.append(notice(request.headers))  # type: ignore[arg-type]
        return ""


@pytest.fixture
def ear() -> Iterator[Ear]:
    made = Ear()
    with door(made.hear) as made.address:
        yield made


def test_changes_are_told_after_a_greeting_until_we_end_it(world: GoogleWorld, server: GoogleServer, ear: Ear) -> None:
    provider = world.provider()
    other = server.store.add_calendar("Other").id
    made = provider.subscribe(world.calendar, ear.address, "our-word", WEEK)
    remote_id = world.put(EVENT)
    world.ask("POST", "events", {"start": {"date": "2031-01-01"}, "end": {"date": "2031-01-02"}}, calendar=other)
    world.remove(remote_id)
    server.channels.settle()
    assert ear.heard == [Notice(made.id, "our-word", changed=changed) for changed in (False, True, True)]
    provider.unsubscribe(made)
    world.put(EVENT)
    server.channels.settle()
    assert len(ear.heard) == 3
    assert server.channels.live == {}


def test_how_long_it_lasts_is_what_google_says(world: GoogleWorld, server: GoogleServer, ear: Ear) -> None:
    now = datetime(2031, 1, 1, tzinfo=UTC)
    server.channels.now = now.timestamp
    assert world.provider().subscribe(world.calendar, ear.address, "", timedelta(hours=1)).expires == now + timedelta(hours=1)
    assert world.provider().subscribe(world.calendar, ear.address, "", timedelta(days=90)).expires == now + WEEK
    server.channels.now = (now + 2 * WEEK).timestamp
    server.channels.settle()
    world.put(EVENT)
    server.channels.settle()
    assert [one.changed for one in ear.heard if one] == [False, False]


def test_ending_what_has_ended_is_a_success(world: GoogleWorld, server: GoogleServer, ear: Ear) -> None:
    provider = world.provider()
    kept = provider.subscribe(world.calendar, ear.address, "", WEEK)
    made = provider.subscribe(world.calendar, ear.address, "", WEEK)
    provider.unsubscribe(made)
    provider.unsubscribe(made)
    provider.unsubscribe(Subscription("never", "there", datetime.now(UTC)))
    assert list(server.channels.live) == [kept.id]


def test_an_address_that_google_does_not_call_needs_a_person(world: GoogleWorld) -> None:
    with pytest.raises(NeedsPerson) as caught:
        world.provider().subscribe(world.calendar, "http://kalends.example/hook", "", WEEK)
    assert caught.value.code == "rejected"


def test_a_channel_whose_answer_is_lost_is_made_again_under_another_id(world: GoogleWorld, server: GoogleServer, ear: Ear) -> None:
    provider = world.provider()
    server.faults.then("cut-after", "calendar.events.watch")
    with pytest.raises(Retry):
        provider.subscribe(world.calendar, ear.address, "", WEEK)
    assert provider.subscribe(world.calendar, ear.address, "", WEEK).id in server.channels.live
    assert len(server.channels.live) == 2  # the first one, of which we know nothing, expires by itself


@pytest.mark.parametrize(("state", "changed"), [("sync", False), ("exists", True), ("not_exists", True)])
def test_each_state_is_understood(state: str, changed: bool) -> None:
    request = RequestFactory().post("/", HTTP_X_GOOG_CHANNEL_ID="c", HTTP_X_GOOG_RESOURCE_STATE=state, HTTP_X_GOOG_CHANNEL_TOKEN="t")
    assert notice(request.headers) == Notice("c", "t", changed=changed)


@pytest.mark.parametrize("headers", [{}, {"HTTP_X_GOOG_CHANNEL_ID": "c"}, {"HTTP_X_GOOG_CHANNEL_ID": "c", "HTTP_X_GOOG_RESOURCE_STATE": "add"}])
def test_what_is_no_notification_is_none(headers: dict[str, str]) -> None:
    assert notice(RequestFactory().post("/", **headers).headers) is None  # type: ignore[arg-type]
