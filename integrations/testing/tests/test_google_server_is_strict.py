"""The local Google refuses what the real one's description does not allow, and keeps its rules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from integrations.testing.servers.google import PERSON, GoogleServer, google

pytestmark = pytest.mark.once

START, END = {"dateTime": "2031-03-03T10:00:00+01:00", "timeZone": "Europe/Berlin"}, {"dateTime": "2031-03-03T10:45:00+01:00", "timeZone": "Europe/Berlin"}
TIMES = {"start": START, "end": END}
WEEKLY = TIMES | {"recurrence": ["RRULE:FREQ=WEEKLY;COUNT=3"]}


@pytest.fixture
def server() -> Iterator[GoogleServer]:
    with google() as running:
        yield running


@pytest.fixture
def ask(server: GoogleServer) -> Iterator[Any]:
    with httpx.Client(base_url=f"{server.address}/calendar/v3/", headers={"Authorization": f"Bearer {PERSON}"}, timeout=30) as client:

        def asking(method: str, path: str, body: Any = None, headers: dict[str, str] | None = None, **query: Any) -> tuple[int, Any]:
            answer = client.request(method, path, json=body, params=query, headers=headers)
            told = answer.json() if answer.content else {}
            return answer.status_code, told["error"]["errors"][0]["reason"] if answer.is_error else told

        yield asking


EVENTS = "calendars/primary/events"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (TIMES | {"title": "x"}, "invalid"),
        (TIMES | {"summary": 5}, "invalid"),
        (TIMES | {"sequence": "1"}, "invalid"),
        (TIMES | {"sequence": True}, "invalid"),
        (TIMES | {"attendees": {}}, "invalid"),
        (TIMES | {"attendees": [{"mail": "a@example.com"}]}, "invalid"),
        (TIMES | {"attendees": [{"email": "nobody"}]}, "invalid"),
        (TIMES | {"id": "UPPER"}, "invalid"),
        (TIMES | {"id": "abcwxyz"}, "invalid"),
        (TIMES | {"id": "abcde", "iCalUID": "x@y"}, "invalid"),
        (TIMES | {"transparency": "busy"}, "invalid"),
        (TIMES | {"visibility": "secret"}, "invalid"),
        (TIMES | {"status": "maybe"}, "invalid"),
        (TIMES | {"eventType": "party"}, "invalid"),
        (TIMES | {"recurrence": ["DTSTART:20310303T100000Z"]}, "invalid"),
        (TIMES | {"extendedProperties": {"private": {"k" * 45: "x"}}}, "invalid"),
        (TIMES | {"extendedProperties": {"private": {"k": "x" * 1025}}}, "invalid"),
        (TIMES | {"extendedProperties": {"private": {"k": 5}}}, "invalid"),
        (TIMES | {"reminders": {"useDefault": True, "overrides": [{"method": "popup", "minutes": 5}]}}, "cannotUseDefaultRemindersAndSpecifyOverride"),
        (TIMES | {"eventType": "workingLocation"}, "malformedStatusEvent"),
        (TIMES | {"eventType": "workingLocation", "transparency": "transparent"}, "malformedStatusEvent"),
        (TIMES | {"eventType": "outOfOffice", "transparency": "transparent"}, "malformedStatusEvent"),
        ({"start": START}, "required"),
        ({"start": START, "end": {"date": "2031-03-04"}}, "invalid"),
        ({"start": START, "end": {"date": "2031-03-04", **END}}, "invalid"),
        ({"start": START, "end": {"dateTime": "2031-03-03T11:00:00"}}, "invalid"),
        ({"start": START, "end": {"dateTime": "2031-03-03 11:00"}}, "invalid"),
        ({"start": START, "end": {"dateTime": "2031-03-03T11:00:00", "timeZone": "Nowhere"}}, "invalid"),
        ({"start": END, "end": START}, "timeRangeEmpty"),
        ({"start": {"dateTime": "2031-03-03T10:00:00+01:00"}, "end": END, "recurrence": ["RRULE:FREQ=DAILY;COUNT=2"]}, "invalid"),
        ([], "invalid"),
    ],
)
def test_a_body_that_is_not_as_described_is_refused(ask: Any, server: GoogleServer, body: Any, reason: str) -> None:
    assert ask("POST", EVENTS, body) == (400, reason)
    assert server.store.calendars[server.store.email].events == {}


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ({"unknown": "1"}, "invalidParameter"),
        ({"sendUpdates": "all"}, "invalidParameter"),
        ({"maxResults": "0"}, "invalidParameter"),
        ({"maxResults": "many"}, "invalidParameter"),
        ({"singleEvents": "yes"}, "invalidParameter"),
        ({"orderBy": "title"}, "invalidParameter"),
        ({"orderBy": "startTime"}, "badRequest"),
        ({"timeMin": "2031-03-03"}, "invalidParameter"),
        ({"timeMin": "2031-03-03T10:00:00"}, "invalidParameter"),
        ({"pageToken": "nonsense"}, "invalid"),
        ({"syncToken": "nonsense"}, "invalid"),
    ],
)
def test_a_parameter_that_is_not_as_described_is_refused(ask: Any, query: dict[str, str], reason: str) -> None:
    assert ask("GET", EVENTS, **query) == (400, reason)


@pytest.mark.parametrize("name", ["iCalUID", "q", "timeMin", "timeMax", "updatedMin", "orderBy", "privateExtendedProperty", "sharedExtendedProperty"])
def test_a_sync_token_stands_alone(ask: Any, name: str) -> None:
    token = ask("GET", EVENTS)[1]["nextSyncToken"]
    value = "2031-01-01T00:00:00Z" if name.startswith("time") or name == "updatedMin" else "updated" if name == "orderBy" else "x=y"
    assert ask("GET", EVENTS, syncToken=token, **{name: value}) == (400, "invalidParameter")
    assert ask("GET", EVENTS, syncToken=token, showDeleted="false") == (400, "invalidParameter")


def test_only_the_primary_calendar_takes_an_absence(ask: Any, server: GoogleServer) -> None:
    other = server.store.add_calendar("Other").id
    assert ask("POST", f"calendars/{other}/events", TIMES | {"eventType": "outOfOffice"}) == (400, "eventTypeRestriction")
    assert ask("POST", EVENTS, TIMES | {"eventType": "outOfOffice"})[0] == 200


def test_who_has_no_token_is_told_so(server: GoogleServer) -> None:
    answer = httpx.get(f"{server.address}/calendar/v3/{EVENTS}", headers={"Authorization": "Bearer wrong"})
    assert (answer.status_code, answer.json()["error"]["errors"][0]["reason"]) == (401, "authError")


def test_an_id_is_used_up_for_good_and_a_second_deletion_says_so(ask: Any) -> None:
    assert ask("POST", EVENTS, TIMES | {"id": "abcde"})[0] == 200
    assert ask("POST", EVENTS, TIMES | {"id": "abcde"}) == (409, "duplicate")
    assert ask("DELETE", f"{EVENTS}/abcde")[0] == 204
    assert ask("DELETE", f"{EVENTS}/abcde") == (410, "deleted")
    assert ask("POST", EVENTS, TIMES | {"id": "abcde"}) == (409, "duplicate")
    assert ask("GET", f"{EVENTS}/abcde")[1]["status"] == "cancelled"
    assert ask("GET", f"{EVENTS}/other") == (404, "notFound")


def test_an_outdated_etag_is_refused(ask: Any) -> None:
    made = ask("POST", EVENTS, TIMES)[1]
    after = ask("PATCH", f"{EVENTS}/{made['id']}", {"summary": "x"}, {"If-Match": made["etag"]})[1]
    assert after["etag"] != made["etag"]
    for method, body in (("PATCH", {"summary": "y"}), ("PUT", TIMES), ("DELETE", None)):
        assert ask(method, f"{EVENTS}/{made['id']}", body, {"If-Match": made["etag"]}) == (412, "conditionNotMet")


def test_a_patch_merges_and_an_update_replaces(ask: Any) -> None:
    made = ask("POST", EVENTS, TIMES | {"summary": "x", "colorId": "7", "extendedProperties": {"private": {"a": "1", "b": "2"}}})[1]
    path = f"{EVENTS}/{made['id']}"
    patched = ask("PATCH", path, {"colorId": None, "extendedProperties": {"private": {"a": None, "c": "3"}}})[1]
    assert (patched["summary"], "colorId" in patched, patched["extendedProperties"]["private"]) == ("x", False, {"b": "2", "c": "3"})
    updated = ask("PUT", path, TIMES)[1]
    assert ("summary" in updated, "extendedProperties" in updated, updated["iCalUID"]) == (False, False, made["iCalUID"])


def test_only_the_last_page_has_a_sync_token_and_a_delta_only_the_least_of_what_is_gone(ask: Any) -> None:
    ids = [ask("POST", EVENTS, TIMES | {"summary": str(number)})[1]["id"] for number in range(3)]
    first = ask("GET", EVENTS)[1]
    assert (len(first["items"]), "nextSyncToken" in first) == (2, False)
    last = ask("GET", EVENTS, pageToken=first["nextPageToken"])[1]
    assert (len(last["items"]), "nextPageToken" in last) == (1, False)
    ask("DELETE", f"{EVENTS}/{ids[0]}")
    delta = ask("GET", EVENTS, syncToken=last["nextSyncToken"])[1]
    assert [sorted(row) for row in delta["items"]] == [["etag", "id", "kind", "status"]]
    assert ask("GET", EVENTS, syncToken=delta["nextSyncToken"])[1]["items"] == []


def test_void_sync_tokens_are_gone(ask: Any, server: GoogleServer) -> None:
    token = ask("GET", EVENTS)[1]["nextSyncToken"]
    server.forget_cursors()
    assert ask("GET", EVENTS, syncToken=token) == (410, "fullSyncRequired")


def test_instances_of_a_series_can_be_changed_and_cancelled_one_by_one(ask: Any, server: GoogleServer) -> None:
    server.page_size = 10
    made = ask("POST", EVENTS, WEEKLY)[1]
    shown = ask("GET", f"{EVENTS}/{made['id']}/instances")[1]["items"]
    assert [row["id"].rpartition("_")[2] for row in shown] == ["20310303T090000Z", "20310310T090000Z", "20310317T090000Z"]
    ask("PATCH", f"{EVENTS}/{shown[1]['id']}", {"summary": "moved", "start": END, "end": END})
    ask("DELETE", f"{EVENTS}/{shown[2]['id']}")
    listed = ask("GET", EVENTS)[1]["items"]
    assert {row["id"]: row["status"] for row in listed} == {made["id"]: "confirmed", shown[1]["id"]: "confirmed", shown[2]["id"]: "cancelled"}
    assert "start" not in listed[2]
    assert listed[2]["originalStartTime"]["dateTime"] == "2031-03-17T10:00:00+01:00"
    single = ask("GET", EVENTS, singleEvents="true", orderBy="startTime")[1]
    assert ([row["id"] for row in single["items"]], "nextSyncToken" in single) == ([shown[0]["id"], shown[1]["id"]], False)
    assert ask("GET", f"{EVENTS}/{made['id']}_20310304T090000Z") == (404, "notFound")
    ask("DELETE", f"{EVENTS}/{made['id']}")
    assert {row["status"] for row in ask("GET", EVENTS)[1]["items"]} == {"cancelled"}  # its exceptions, which nobody is shown any more


def test_conference_data_is_left_alone_by_who_does_not_know_it(ask: Any) -> None:
    data = {"conferenceId": "abc"}
    made = ask("POST", EVENTS, TIMES | {"conferenceData": data}, conferenceDataVersion=1)[1]
    assert ask("PATCH", f"{EVENTS}/{made['id']}", {"conferenceData": None})[1]["conferenceData"] == data
    assert "conferenceData" not in ask("PATCH", f"{EVENTS}/{made['id']}", {"conferenceData": None}, conferenceDataVersion=1)[1]


def test_mails_go_out_only_when_asked_for(ask: Any, server: GoogleServer) -> None:
    guests = TIMES | {"attendees": [{"email": "ada@gmail.com"}, {"email": "bea@example.com"}]}
    for updates, told in ((None, []), ("none", []), ("externalOnly", ["bea@example.com"]), ("all", ["ada@gmail.com", "bea@example.com"])):
        server.store.mails.clear()
        ask("POST", EVENTS, guests, **({"sendUpdates": updates} if updates else {}))
        assert [mail.to for mail in server.store.mails] == told


def test_free_busy_expands_series_and_tells_what_it_does_not_know(ask: Any) -> None:
    made = ask("POST", EVENTS, WEEKLY)[1]
    ask("DELETE", f"{EVENTS}/{made['id']}_20310310T090000Z")
    span = {"timeMin": "2031-03-01T00:00:00Z", "timeMax": "2031-04-01T00:00:00Z"}
    found = ask("POST", "freeBusy", span | {"items": [{"id": "primary"}, {"id": "gone"}]})[1]["calendars"]
    assert [one["start"] for one in found["primary"]["busy"]] == ["2031-03-03T09:00:00+00:00", "2031-03-17T09:00:00+00:00"]
    assert found["gone"]["errors"][0]["reason"] == "notFound"
    assert ask("POST", "freeBusy", span | {"timeMax": "2031-07-01T00:00:00Z"}) == (400, "timeRangeTooLong")


def test_what_the_server_does_not_have_it_says(ask: Any) -> None:
    assert ask("GET", "colors") == (501, "notImplemented")
    assert ask("GET", "nonsense") == (404, "notFound")
