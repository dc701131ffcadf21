"""Subscriptions: Graph asks first, tells of changes and of its own silence, and stops when told to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qsl, urlsplit

import pytest

from integrations.contract import NeedsPerson, Notice, Retry, Subscription
from integrations.outlook.webhook import greeting, notices
from integrations.testing.door import door
from integrations.testing.world import EVENT

pytestmark = pytest.mark.once

WEEK = timedelta(days=7)


class Ear:
    """What is heard at an address that Graph calls; it answers what Graph asks first."""

    def __init__(self) -> None:
        self.heard: list[Notice] = []
        self.address, self.echo = "", True

    def hear(self, request: BaseHTTPRequestHandler) -> str:
        self.heard += notices(request.rfile.read(int(request.headers.get("Content-Length") or 0)))
        return (greeting(dict(parse_qsl(urlsplit(request.path).query))) or "") if self.echo else "hello"


@pytest.fixture
def ear() -> Iterator[Ear]:
    made = Ear()
    with door(made.hear) as made.address:
        yield made


def test_changes_of_this_calendar_are_told_until_we_end_it(world, ear):
    provider = world.provider()
    other = provider.create_calendar("Other").id
    made = provider.subscribe(world.calendar, ear.address, "our-word", WEEK)
    remote_id = world.put(EVENT)
    provider.create(other, EVENT, "key-1")
    world.edit(remote_id, title="Changed")
    world.remove(remote_id)
    world.server.subscriptions.settle()
    assert ear.heard == [Notice(made.id, "our-word")] * 3
    provider.unsubscribe(made)
    world.put(EVENT)
    world.server.subscriptions.settle()
    assert len(ear.heard) == 3
    assert world.server.subscriptions.live == {}


def test_how_long_it_lasts_is_what_graph_says(world, ear):
    provider, now = world.provider(), datetime.now(UTC)
    short = provider.subscribe(world.calendar, ear.address, "", timedelta(minutes=1)).expires
    assert timedelta(minutes=44) < short - now < timedelta(minutes=46)
    assert timedelta(minutes=10_069) < provider.subscribe(world.calendar, ear.address, "", timedelta(days=90)).expires - now < timedelta(minutes=10_071)
    world.server.subscriptions.longest = timedelta(minutes=4_230)  # as the vendor's page has it
    assert timedelta(minutes=4_229) < provider.subscribe(world.calendar, ear.address, "", timedelta(days=90)).expires - now < timedelta(minutes=4_231)


@pytest.mark.parametrize(("event", "renew"), [("reauthorizationRequired", True), ("subscriptionRemoved", True), ("missed", False)])
def test_what_it_says_about_itself_makes_us_read_and_renew(world, ear, event, renew):
    made = world.provider().subscribe(world.calendar, ear.address, "our-word", WEEK)
    world.server.subscriptions.lifecycle(event)
    world.server.subscriptions.settle()
    assert ear.heard == [Notice(made.id, "our-word", changed=True, renew=renew, missed=event == "missed")]


def test_ending_what_has_ended_is_a_success(world, ear):
    provider = world.provider()
    kept = provider.subscribe(provider.create_calendar("Other").id, ear.address, "", WEEK)
    made = provider.subscribe(world.calendar, ear.address, "", WEEK)
    provider.unsubscribe(made)
    provider.unsubscribe(made)
    provider.unsubscribe(Subscription("never", "there", datetime.now(UTC)))
    assert list(world.server.subscriptions.live) == [kept.id]


def test_an_address_that_does_not_answer_as_it_should_needs_a_person(world, ear):
    ear.echo = False
    with pytest.raises(NeedsPerson) as caught:
        world.provider().subscribe(world.calendar, ear.address, "", WEEK)
    assert caught.value.code == "rejected"
    assert world.server.subscriptions.live == {}


def test_a_calendar_that_is_gone_can_not_be_subscribed_to(world, ear):
    with pytest.raises(NeedsPerson) as caught:
        world.provider().subscribe("nowhere", ear.address, "", WEEK)
    assert caught.value.code == "gone"


def test_a_subscription_whose_answer_is_lost_is_made_again_and_the_lost_one_ended(world, ear):
    provider = world.provider()
    world.server.faults.then("lose-after", "write")
    with pytest.raises(Retry):
        provider.subscribe(world.calendar, ear.address, "", WEEK)
    made = provider.subscribe(world.calendar, ear.address, "", WEEK)
    assert list(world.server.subscriptions.live) == [made.id]


def test_where_another_has_the_only_subscription_a_person_is_told(world, ear):
    provider = world.provider()
    other = provider.subscribe(world.calendar, ear.address, "", WEEK)
    with pytest.raises(NeedsPerson) as caught:
        provider.subscribe(world.calendar, f"{ear.address}/mine", "", WEEK)
    assert caught.value.code == "rejected"
    assert list(world.server.subscriptions.live) == [other.id]


def test_a_subscription_is_prolonged_and_made_anew_where_it_is_gone(world, ear):
    provider = world.provider()
    made = provider.subscribe(world.calendar, ear.address, "first", timedelta(hours=1))
    longer = provider.renew(world.calendar, made, ear.address, "second", WEEK)
    assert (longer.id, longer.expires > made.expires + timedelta(days=6)) == (made.id, True)
    provider.unsubscribe(longer)
    anew = provider.renew(world.calendar, longer, ear.address, "third", WEEK)
    assert anew.id != made.id
    world.put(EVENT)
    world.server.subscriptions.settle()
    assert ear.heard == [Notice(anew.id, "third")]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        b"[]",
        b"7",
        b'{"value": 7}',
        b'{"value": [7]}',
        b'{"value": [{}]}',
        b'{"value": [{"subscriptionId": "s", "lifecycleEvent": "new"}]}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_notification_says_nothing(body):
    assert notices(body) == []


def test_a_call_about_the_same_thing_many_times_says_it_once():
    row = {"subscriptionId": "s", "clientState": "t", "changeType": "updated"}
    assert notices(json.dumps({"value": [row, row, row | {"changeType": "deleted"}, row | {"subscriptionId": "other"}]}).encode()) == [
        Notice("other", "t"),
        Notice("s", "t"),
    ]


def test_a_question_is_answered_with_its_own_words():
    assert greeting({"validationToken": "<b>&"}) == "<b>&"
    assert greeting({}) is None
