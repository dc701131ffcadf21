"""Meetings by the API: one's own, and with the staff permissions everybody's."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from booking.models import Busy
from crm import actions
from crm.models import Meeting
from crm.tests.conftest import at

pytestmark = pytest.mark.django_db
URL = "/api/v1/meetings/"


def send(client: Client, method: str, url: str, body: dict[str, Any]) -> Any:
    return getattr(client, method)(url, body, content_type="application/json")


def test_it_creates_reads_changes_and_deletes_through_the_actions(mine, employee):
    wish = {"title": "Sync", "start": at(10).isoformat(), "end": at(11).isoformat(), "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=2"], "location": "Room 1"}
    made = send(mine, "post", URL, wish)
    assert made.status_code == 201, made.json()
    one = f"{URL}{made.json()['id']}/"
    assert made.json()["owner"] == employee.pk
    assert made.json()["timezone"] == "Europe/Berlin"
    assert Busy.objects.count() == 2
    changed = send(mine, "patch", one, {"title": "Synced", "recurrence": []})
    assert (changed.status_code, changed.json()["title"], changed.json()["location"]) == (200, "Synced", "Room 1")
    assert Busy.objects.count() == 1
    assert mine.get(one).json()["title"] == "Synced"
    assert mine.delete(one).status_code == 204
    assert not Meeting.objects.exists()
    assert not Busy.objects.exists()


def test_the_list_comes_page_by_page_and_can_be_narrowed(mine, employee):
    for number in range(5):
        actions.create(owner=employee, title=str(number), start=at(10, day=number), end=at(11, day=number))
    past = at(10, day=-60)
    actions.create(owner=employee, title="old", start=past, end=past)
    page = mine.get(URL, {"page_size": 2}).json()
    assert (page["count"], [one["title"] for one in page["results"]]) == (6, ["old", "0"])
    assert [one["title"] for one in mine.get(page["next"]).json()["results"]] == ["1", "2"]
    assert mine.get(URL, {"upcoming": "true"}).json()["count"] == 5
    assert mine.get(URL, {"upcoming": "false"}).json()["count"] == 1
    assert mine.get(URL, {"upcoming": "soon"}).status_code == 400
    assert mine.get(URL, {"owner": "x"}).status_code == 400


@pytest.mark.parametrize(
    "wrong",
    [
        {"start": "soon"},
        {"start": at(10).replace(tzinfo=None).isoformat()},
        {"title": "a\r\nb"},
        {"recurrence": ["RRULE:FREQ=SECONDLY"]},
        {"recurrence": ["EXDATE:20310101T000000Z"]},
        {"end": at(9).isoformat()},
        {"reminder": -1},
        {"uid": "mine"},
        {"timezone": "Mars/Base"},
    ],
)
def test_wrong_input_is_refused_and_changes_nothing(mine, meeting, wrong: dict[str, Any]):
    before = mine.get(f"{URL}{meeting.pk}/").json()
    answer = send(mine, "patch", f"{URL}{meeting.pk}/", wrong)
    assert answer.status_code in (400, 409), answer.json()
    assert mine.get(f"{URL}{meeting.pk}/").json() == before


def test_those_of_others_are_for_staff_with_the_permission_and_private_ones_for_nobody(meeting, colleague, manager, outsider, employee):
    actions.edit(meeting=meeting, changes={"private": True, "description": "CANARY"})
    one = f"{URL}{meeting.pk}/"
    for user in (colleague.user, outsider):
        client = Client()
        client.force_login(user)
        user.user_permissions.add(Permission.objects.get(codename="view_meeting"))  # without being staff it is nothing
        assert client.get(one).status_code == 404
        assert client.delete(one).status_code == 404
        assert client.get(URL).json()["count"] == 0
        assert send(client, "post", URL, {"title": "x", "start": at(9).isoformat(), "end": at(10).isoformat(), "owner": employee.pk}).status_code == 403
    assert Client().get(URL).status_code == 403
    staff = Client()
    staff.force_login(manager)
    told = staff.get(one).json()
    assert (told["title"], told["description"], told["location"], told["private"]) == ("", "", "", True)
    assert "CANARY" not in staff.get(URL).content.decode()
    assert send(staff, "patch", one, {"status": "cancelled"}).json()["status"] == "cancelled"
    made = send(staff, "post", URL, {"title": "For Carl", "start": at(9).isoformat(), "end": at(10).isoformat(), "owner": colleague.pk})
    assert made.json()["owner"] == colleague.pk


def test_a_session_alone_does_not_write(employee):
    client = Client(enforce_csrf_checks=True)
    client.force_login(employee.user)
    assert send(client, "post", URL, {"title": "x"}).status_code == 403
