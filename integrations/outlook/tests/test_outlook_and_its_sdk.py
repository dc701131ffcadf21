"""The SDK stays out of web processes, and what the local server allows is what the SDK's models know."""

from __future__ import annotations

import subprocess
import sys
from enum import Enum

import pytest

from integrations.testing.servers import graph_rules

pytestmark = pytest.mark.once

WEB = """
import sys, config.wsgi
from django.urls import get_resolver
from integrations.registry import config as of
get_resolver().url_patterns
provider = of("outlook").provider(None)
assert type(provider).__name__ == "OutlookProvider", provider
print(sorted({name.split(".")[0] for name in sys.modules} & {"msgraph", "msgraph_core", "kiota_abstractions", "kiota_http", "azure"}))
"""


def test_web_processes_do_not_import_the_sdk():
    done = subprocess.run([sys.executable, "-c", WEB], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def fields(model) -> set[str]:
    return set(model().get_field_deserializers()) - {"@odata.type"}


def test_the_local_server_knows_the_fields_of_the_official_description_and_no_others():
    from msgraph.generated.models.attendee import Attendee
    from msgraph.generated.models.date_time_time_zone import DateTimeTimeZone
    from msgraph.generated.models.event import Event
    from msgraph.generated.models.location import Location
    from msgraph.generated.models.recurrence_pattern import RecurrencePattern
    from msgraph.generated.models.recurrence_range import RecurrenceRange

    assert graph_rules.WRITABLE.keys() | graph_rules.READ_ONLY == fields(Event)
    assert set(graph_rules.LOCATION) == fields(Location)
    assert set(graph_rules.PATTERN) == fields(RecurrencePattern)
    assert set(graph_rules.RANGE) == fields(RecurrenceRange)
    assert set(graph_rules.TIME) == fields(DateTimeTimeZone)
    assert set(graph_rules.COMPLEX["attendee"]) == fields(Attendee)


def test_the_local_server_knows_the_words_of_the_official_description_and_no_others():
    from msgraph.generated.models.day_of_week import DayOfWeek
    from msgraph.generated.models.free_busy_status import FreeBusyStatus
    from msgraph.generated.models.recurrence_pattern_type import RecurrencePatternType
    from msgraph.generated.models.recurrence_range_type import RecurrenceRangeType
    from msgraph.generated.models.response_type import ResponseType
    from msgraph.generated.models.sensitivity import Sensitivity

    def words(found: type[Enum]) -> set[str]:
        return {one.value for one in found}

    assert graph_rules.WRITABLE["showAs"] == words(FreeBusyStatus)
    assert graph_rules.WRITABLE["sensitivity"] == words(Sensitivity)
    known = [found[name] for found, name in ((graph_rules.PATTERN, "type"), (graph_rules.RANGE, "type"), (graph_rules.RESPONSE, "response"))]
    assert known == [words(RecurrencePatternType), words(RecurrenceRangeType), words(ResponseType)]
    assert words(DayOfWeek) == graph_rules.WEEK


@pytest.mark.parametrize(
    "given",
    [
        {"title": "x"}, {"subject": 7}, {"showAs": "away"}, {"isAllDay": "true"}, {"id": "1"}, {"transactionId": "late"}, {"start": {"dateTime": "2031-03-03T10:00:00Z", "timeZone": "UTC"}},
        {"start": {"dateTime": "2031-03-03T10:00:00", "timeZone": "Europe/Vienna"}}, {"isAllDay": True}, {"attendees": [{"emailAddress": {"address": "nobody"}}]},
        {"recurrence": {"pattern": {"type": "weekly", "interval": 1}, "range": {"type": "noEnd", "startDate": "2031-03-03"}}}, {"singleValueExtendedProperties": [{"id": "Key", "value": "x"}]},
        {"end": {"dateTime": "2031-03-03T09:00:00", "timeZone": "W. Europe Standard Time"}}, {"location": "Salon"},
    ],
)  # fmt: skip
def test_the_local_server_refuses_what_graph_does_not_know(world, given):
    from integrations.testing.world import EVENT

    remote_id = world.put(EVENT)
    answer = world.http.patch(world.path(remote_id), json=given)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"]


@pytest.mark.parametrize("query", [{"$select": "subject"}, {"$filter": "x"}, {"$expand": "x"}, {"$top": "1"}, {"$orderby": "x"}, {"$search": "x"}])
def test_the_local_server_takes_no_options_on_a_delta(world, query):
    span = {"startDateTime": "2031-01-01T00:00:00Z", "endDateTime": "2032-01-01T00:00:00Z"}
    answer = world.http.get(world.path().removesuffix("/events") + "/calendarView/delta", params=span | query)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "ErrorInvalidUrlQuery")
