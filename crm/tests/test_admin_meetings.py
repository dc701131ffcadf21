"""Meetings in the admin: through the actions, and closed where they are private."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from booking.models import Busy
from crm import actions
from crm.models import Meeting
from crm.tests.conftest import at

pytestmark = pytest.mark.django_db


@pytest.fixture
def office(admin) -> Client:
    client = Client()
    client.force_login(admin)
    return client


def form(owner: int, **changes: Any) -> dict[str, Any]:
    times = {f"{name}_{part}": f"{value:{spec}}" for name, value in (("start", at(10)), ("end", at(11))) for part, spec in ((0, "%Y-%m-%d"), (1, "%H:%M:%S"))}
    return times | {"owner": owner, "title": "Budget", "timezone": "Europe/Berlin", "show_as": "busy", "status": "planned", "sync_enabled": "on"} | changes


def test_adding_changing_and_deleting_take_and_free_the_time(office, employee):
    answer = office.post(reverse("admin:crm_meeting_add"), form(employee.pk))
    assert answer.status_code == 302, answer.context["errors"]
    made = Meeting.objects.get()
    assert Busy.objects.get().start == at(10)
    url = reverse("admin:crm_meeting_change", args=[made.pk])
    assert office.post(url, form(employee.pk, start_1="09:00:00", location="Room 3")).status_code == 302
    made.refresh_from_db()
    assert (made.location, Busy.objects.get().start) == ("Room 3", at(9))
    refused = office.post(url, form(employee.pk, end_1="08:00:00"))
    assert "must not be before the start" in refused.content.decode()
    office.post(reverse("admin:crm_meeting_delete", args=[made.pk]), {"post": "yes"})
    assert not Busy.objects.exists()


def test_what_a_private_one_is_about_is_nowhere_in_the_admin(office, employee):
    secret = actions.create(owner=employee, title="CANARY", location="CANARY", description="CANARY", start=at(10), end=at(11), private=True)
    names = ("changelist", "change", "delete", "history")
    pages = [reverse(f"admin:crm_meeting_{name}", args=[] if name == "changelist" else [secret.pk]) for name in names]
    for page in pages:
        answer = office.get(page)
        assert answer.status_code == 200, page
        assert "CANARY" not in answer.content.decode(), page
    assert "Private meeting" in office.get(pages[0]).content.decode()
    assert office.post(pages[1], form(employee.pk, title="Mine")).status_code == 403
    assert "1 meeting" not in office.get(pages[0], {"q": "CANARY"}).content.decode()
