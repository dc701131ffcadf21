"""What Google says no to, and what gets lost on the way: one of four errors, never an empty list, never a second event, never a secret."""

from __future__ import annotations

import traceback
from dataclasses import replace
from datetime import timedelta

import pytest

from integrations.contract import Changed, CursorExpired, NeedsPerson, ProviderError, Retry
from integrations.google.tests.test_google_has_quirks import WEEKLY, instance
from integrations.google.tests.world import GoogleWorld
from integrations.testing.faults import FaultPlan
from integrations.testing.servers.google import FAULTS, OFFICE, GoogleServer
from integrations.testing.world import EVENT, WINDOW, read

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    "refusal", ["403:rateLimitExceeded", "403:userRateLimitExceeded", "403:quotaExceeded", "429:rateLimitExceeded", "500:backendError", "503:backendError"]
)
def test_a_limit_or_an_outage_means_later(world: GoogleWorld, server: GoogleServer, refusal: str) -> None:
    server.faults.after = 40
    server.faults.then(refusal)
    with pytest.raises(Retry) as caught:
        world.provider().create(world.calendar, EVENT, "key-1")
    assert caught.value.after == 40
    assert server.requests == 1  # nobody repeats behind our back


@pytest.mark.parametrize(
    ("refusal", "code"),
    [
        ("401:authError", "auth"),
        ("403:insufficientPermissions", "permission"),
        ("403:forbidden", "permission"),
        ("403:accessNotConfigured", "permission"),
        ("403:forbiddenForNonOrganizer", "permission"),
        ("400:invalid", "rejected"),
        ("404:notFound", "gone"),
    ],
)
def test_what_repeating_won_t_help_needs_a_person(world: GoogleWorld, server: GoogleServer, refusal: str, code: str) -> None:
    server.faults.then(refusal, times=2)  # what was refused for its token is asked once more with another one
    with pytest.raises(NeedsPerson) as caught:
        read(world.provider(), world.calendar)
    assert caught.value.code == code
    assert caught.value.hint


def test_a_calendar_that_may_only_be_read_refuses_writing(world: GoogleWorld, server: GoogleServer) -> None:
    calendar = server.store.add_calendar("Holidays", role="reader").id
    with pytest.raises(NeedsPerson) as caught:
        world.provider().create(calendar, EVENT, "key-1")
    assert caught.value.code == "permission"


@pytest.mark.parametrize("cursor", ["google:nonsense", "m:1", "google:0.another@group.calendar.google.com.1"])
def test_a_cursor_that_google_does_not_take_is_expired(world: GoogleWorld, cursor: str) -> None:
    with pytest.raises(CursorExpired):
        read(world.provider(), world.calendar, cursor)


def test_a_first_listing_that_is_broken_off_is_tried_again(world: GoogleWorld, server: GoogleServer) -> None:
    server.faults.then("410:fullSyncRequired")
    with pytest.raises(Retry):
        read(world.provider(), world.calendar)


@pytest.mark.parametrize("kind", ["page", "truncate", "cut-before", "cut-after", "500-after", "503:backendError"])
@pytest.mark.parametrize("number", [1, 2])
def test_a_listing_that_fails_is_never_an_empty_one(world: GoogleWorld, server: GoogleServer, kind: str, number: int) -> None:
    for _ in range(3):
        world.put(EVENT)
    seen = []
    pages = world.provider().changes(world.calendar, "", WINDOW)
    seen += [next(pages)] if number == 2 else []
    server.faults.then(kind, times=2)  # twice: reading is repeated once after a cut
    with pytest.raises(Retry):
        list(pages)
    assert not any(page.last or page.cursor for page in seen)
    server.faults.stop()
    assert len(read(world.provider(), world.calendar)[0]) == 3


def test_a_page_that_is_no_longer_known_means_again(world: GoogleWorld, server: GoogleServer) -> None:
    for _ in range(3):
        world.put(EVENT)
    pages = world.provider().changes(world.calendar, "", WINDOW)
    next(pages)
    server.forget_pages()
    with pytest.raises(Retry):
        list(pages)


@pytest.mark.parametrize("kind", ["page", "truncate", "cut-before", "cut-after", "503:backendError", "429:rateLimitExceeded"])
def test_an_envelope_that_fails_is_never_an_empty_one(world: GoogleWorld, server: GoogleServer, kind: str) -> None:
    server.faults.then(kind, "batch")
    with pytest.raises(Retry):
        world.provider().busy([world.calendar], WINDOW)


def test_one_refused_part_of_an_envelope_is_not_passed_over(world: GoogleWorld, server: GoogleServer) -> None:
    server.faults.then("429:rateLimitExceeded", "calendar.freebusy.query")
    with pytest.raises(Retry):
        world.provider().busy([world.calendar], WINDOW)


def test_fifty_one_changed_series_are_read_in_two_envelopes(world: GoogleWorld, server: GoogleServer) -> None:
    server.page_size = 2500
    ids = [world.put(replace(WEEKLY, uid=f"{number}@person")) for number in range(51)]
    provider = world.provider()
    cursor = read(provider, world.calendar)[1]
    for remote_id in ids:
        world.edit(instance(remote_id, 1), title="Changed")
    server.requests, server.calls = 0, []
    found = read(provider, world.calendar, cursor)[0]
    assert {name: [one.title for one in change.exceptions] for name, change in found.items()} == {name: ["Changed"] for name in ids}
    assert (server.requests, server.calls.count("batch")) == (3, 2)


def test_each_action_costs_one_request(world: GoogleWorld, server: GoogleServer) -> None:
    provider = world.provider()
    _, cursor, _ = read(provider, world.calendar)
    receipt = provider.create(world.calendar, EVENT, "key-1")
    receipt = provider.update(world.calendar, receipt.remote_id, replace(EVENT, title="Other"), ["title", "when", "show_as"], receipt.etag)
    provider.delete(world.calendar, receipt.remote_id, receipt.etag)
    read(provider, world.calendar, cursor)
    assert server.calls == [f"calendar.events.{name}" for name in ("list", "insert", "patch", "delete", "list")]


@pytest.mark.parametrize("seed", range(12))
def test_whatever_gets_lost_there_is_one_event_and_in_the_end_none(world: GoogleWorld, server: GoogleServer, seed: int) -> None:
    server.faults = FaultPlan(seed=seed, rate=0.4, kinds=FAULTS)
    etag, remote_id = "", ""

    def settle(action) -> None:
        nonlocal etag
        for _ in range(60):
            try:
                action()
                return
            except Changed:  # our own write, whose answer was lost
                etag = str(server.store.calendars[world.calendar].events[remote_id]["etag"])
            except Retry:
                pass
        raise AssertionError(f"no end: {server.faults.log}")

    def create() -> None:
        nonlocal etag, remote_id
        receipt = world.provider().create(world.calendar, EVENT, "key-1")
        etag, remote_id = receipt.etag, receipt.remote_id

    def update() -> None:
        nonlocal etag
        moved = replace(EVENT, start=EVENT.start + timedelta(hours=1), end=EVENT.end + timedelta(hours=1))
        etag = world.provider().update(world.calendar, remote_id, moved, ["when"], etag).etag

    settle(create)
    settle(update)
    alive = [row for row in server.store.calendars[world.calendar].events.values() if row["status"] != "cancelled"]
    assert [row["start"]["dateTime"] for row in alive] == ["2031-03-03T11:00:00+01:00"], server.faults.log
    settle(lambda: world.provider().delete(world.calendar, remote_id, etag))
    server.faults.stop()
    assert read(world.provider(), world.calendar)[0] == {}


def test_a_token_that_is_not_taken_needs_a_person_and_the_check_names_the_step(world: GoogleWorld) -> None:
    steps = list(world.provider("expired").check())
    assert [step.ok for step in steps] == [True, True, False]
    assert steps[-1].hint


def test_revoking_ends_our_access_and_may_be_repeated(world: GoogleWorld, server: GoogleServer) -> None:
    provider = world.provider()
    provider.revoke()
    assert OFFICE not in server.oauth.access
    provider.revoke()
    with pytest.raises(NeedsPerson) as caught:
        provider.calendars()
    assert caught.value.code == "auth"


def test_a_google_that_is_not_there_means_later(world: GoogleWorld, settings) -> None:
    settings.GOOGLE_API_ROOT = settings.GOOGLE_OAUTH_ROOT = "http://127.0.0.1:9"
    for action in (lambda: world.provider().calendars(), lambda: world.provider().revoke()):
        with pytest.raises(Retry):
            action()


KINDS = ["401:authError", "403:forbidden", "404:notFound", "400:invalid", "503:backendError", "page", "truncate", "cut-before"]


@pytest.mark.parametrize("kind", KINDS)
def test_no_error_tells_a_secret_or_passes_on_foreign_words(world: GoogleWorld, server: GoogleServer, kind: str) -> None:
    server.faults.then(kind, times=2)
    with pytest.raises(ProviderError) as caught:
        world.provider().calendars()
    shown = "".join(traceback.format_exception(caught.value))
    assert OFFICE not in shown
    assert "Said in words" not in f"{caught.value} {getattr(caught.value, 'hint', '')}"
