"""Graph's many errors become four, in words for people that hold nothing the other side wrote and no secret."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from integrations.contract import Changed, CursorExpired, NeedsPerson, ProviderError, Retry
from integrations.outlook.errors import content, problem
from integrations.outlook.provider import OutlookProvider
from integrations.outlook.tests.world import Token
from integrations.testing.world import EVENT, WINDOW, read
from integrations.wire.http import Answer

pytestmark = pytest.mark.once

NOW = datetime(2031, 1, 1, 12, tzinfo=UTC)
SECRET = "inner-words-7f"


def answer(status: int, code: str = "", **headers: str) -> Answer:
    body = json.dumps({"error": {"code": code, "message": SECRET}}) if code else f"<html>{SECRET}</html>"
    return Answer(status, headers, body.encode(), "")


@pytest.mark.parametrize(
    ("status", "code", "kind", "needs"),
    [
        (401, "InvalidAuthenticationToken", NeedsPerson, "auth"), (403, "ErrorAccessDenied", NeedsPerson, "permission"), (404, "ErrorItemNotFound", NeedsPerson, "gone"),
        (404, "MailboxNotEnabledForRESTAPI", NeedsPerson, "gone"), (400, "RequestBodyRead", NeedsPerson, "rejected"), (413, "", NeedsPerson, "rejected"),
        (410, "SyncStateNotFound", CursorExpired, ""), (400, "ErrorInvalidSyncStateData", CursorExpired, ""), (410, "ResyncRequired", CursorExpired, ""),
        (412, "ErrorIrresolvableConflict", Changed, ""), (409, "ErrorIrresolvableConflict", Changed, ""), (429, "TooManyRequests", Retry, ""), (503, "", Retry, ""),
        (500, "InternalServerError", Retry, ""), (504, "", Retry, ""), (400, "ErrorServerBusy", Retry, ""), (403, "ErrorMailboxStoreUnavailable", Retry, ""), (502, "", Retry, ""),
    ],
)  # fmt: skip
def test_each_error_is_one_of_four(status, code, kind, needs):
    found = problem(answer(status, code), now=NOW)
    assert type(found) is kind
    assert SECRET not in f"{found} {getattr(found, 'hint', '')}"
    if isinstance(found, NeedsPerson):
        assert found.code == needs
        assert found.hint


@pytest.mark.parametrize(
    ("header", "after"),
    [("7", 7.0), (format_datetime(NOW + timedelta(seconds=90)), 90.0), ("", None), ("soon", None), ("31536000", 3600.0), ("-5", None)],
)
@pytest.mark.parametrize("status", [429, 503])
def test_how_long_to_wait_is_taken_over_within_reason(header, after, status):
    found = problem(answer(status, "ErrorServerBusy" if status == 503 else "", **{"retry-after": header} if header else {}), now=NOW)
    assert isinstance(found, Retry)
    assert found.after == after


@pytest.mark.parametrize("fault", ["page", "truncate", "late-error", "lose-after", "lose-before", "busy"])
def test_a_failed_reading_never_looks_like_an_answer(world, fault):
    receipt = world.provider().create(world.calendar, EVENT, "key-1")
    for action in (
        lambda provider: provider.get(world.calendar, receipt.remote_id), lambda provider: provider.find(world.calendar, "key-1", ""), lambda provider: provider.calendars(),
        lambda provider: provider.busy([world.calendar], WINDOW), lambda provider: provider.identity(),
    ):  # fmt: skip
        world.server.faults.then(fault)
        world.server.faults.then(fault)
        with pytest.raises(Retry) as caught:
            action(world.provider())
        assert "secret" not in str(caught.value)
        world.server.faults.stop()


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b'"words"', b"7", b"<html>"])
def test_a_good_status_with_something_else_in_it_is_no_answer(body):
    with pytest.raises(Retry):
        content(Answer(200, {}, body, ""))


def test_a_part_of_a_batch_that_was_too_much_is_asked_again(world):
    ids = [world.put(EVENT) for _ in range(4)]
    provider = world.provider()
    _, cursor, _ = read(provider, world.calendar)
    for remote_id in ids:
        world.remove(remote_id)
    world.server.faults.after = 0
    world.server.faults.then("busy", "part")
    world.server.calls.clear()
    assert set(read(provider, world.calendar, cursor)[0]) == set(ids)
    assert [path for _, path, _ in world.server.calls].count("/v1.0/$batch") == 2


def test_a_part_of_a_batch_that_asks_for_patience_gets_it_from_the_engine(world):
    ids = [world.put(EVENT) for _ in range(2)]
    provider = world.provider()
    _, cursor, _ = read(provider, world.calendar)
    for remote_id in ids:
        world.remove(remote_id)
    world.server.faults.after = 30
    world.server.faults.then("busy", "part")
    with pytest.raises(Retry) as caught:
        read(provider, world.calendar, cursor)
    assert caught.value.after == 30


def test_the_sdk_does_not_repeat_by_itself(world):
    world.server.faults.after = 0
    for _ in range(5):
        world.server.faults.then("busy", "write")
    with pytest.raises(Retry):
        world.provider().create(world.calendar, EVENT, "key-1")
    assert [status for _, _, status in world.server.calls] == [429]


def test_an_account_without_mailbox_says_so(world):
    world.server.mailbox_off = True
    steps = list(world.provider().check())
    assert [step.ok for step in steps] == [True, True, True, False]
    assert "mailbox" in steps[-1].detail
    assert "administrator" in steps[-1].hint


def test_an_account_without_mailbox_is_no_proof_that_an_event_is_gone(world):
    receipt = world.provider().create(world.calendar, EVENT, "key-1")
    world.server.mailbox_off = True
    for action in (
        lambda: world.provider().delete(world.calendar, receipt.remote_id, receipt.etag), lambda: world.provider().get(world.calendar, receipt.remote_id),
        lambda: world.provider().update(world.calendar, receipt.remote_id, EVENT, ["title"], receipt.etag),
    ):  # fmt: skip
        with pytest.raises(NeedsPerson) as caught:
            action()
        assert caught.value.code == "gone"
        assert "mailbox" in caught.value.reason


def test_a_revoked_token_is_told_and_never_shown(world):
    provider = OutlookProvider(Token("token-that-was-revoked"))
    steps = list(provider.check())
    assert (steps[-1].ok, steps[-1].hint) == (False, "Connect the account again.")
    with pytest.raises(ProviderError) as caught:
        provider.create(world.calendar, EVENT, "key-1")
    told: BaseException | None = caught.value
    while told is not None:
        assert "token-that-was-revoked" not in f"{told!r} {vars(told)}"
        told = told.__cause__ or told.__context__
    assert isinstance(caught.value, NeedsPerson)
    assert caught.value.code == "auth"
