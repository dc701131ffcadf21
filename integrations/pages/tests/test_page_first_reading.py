"""A large calendar takes a while to be read for the first time: its owner sees how far it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from booking.models import Employee, Service
from integrations import engine
from integrations.items import Event
from integrations.models import Link, Run
from integrations.testing.stage import Stage, stage

pytestmark = pytest.mark.django_db

CALENDARS = reverse("integrations:calendars")


@pytest.fixture
def scene(employee: Employee, service: Service) -> Stage:
    """Her calendar has 250 events and has not been read yet."""
    made = stage(employee, service)
    made.server.page_size = 50
    start = datetime.now(UTC) + timedelta(days=1)
    for number in range(250):
        made.server.put(made.remote, Event(start=start + timedelta(hours=number), end=start + timedelta(hours=number + 1), title="Taken"))
    Link.objects.update(pulled_at=None, listed_at=None, cursor="")
    Run.objects.all().delete()
    return made


def test_the_first_reading_tells_how_far_it_is_and_then_that_it_is_done(client: Client, scene: Stage) -> None:
    """Red with a run that is saved at its end only, and with a count that goes on when nobody reads any more."""
    fragment = reverse("integrations:reading", args=[scene.link.pk])
    assert "It is read for the first time in a moment." in client.get(CALENDARS).content.decode()
    shown = []

    def look() -> None:
        shown.append(client.get(fragment).content.decode())
        scene.server.meanwhile.append(("page", "before", look))

    scene.server.page_size = 100
    scene.server.meanwhile.append(("page", "before", look))
    engine.pull(scene.link.pk)
    scene.server.meanwhile.clear()
    assert "in a moment" in shown[0]
    assert "100 events so far" in shown[1]
    assert "200 events so far" in shown[2]
    assert client.get(fragment).headers["HX-Refresh"] == "true"
    page = client.get(CALENDARS).content.decode()
    assert "for the first time" not in page
    assert "Last read" in page
    assert list(Run.objects.values_list("outcome", "read")) == [("ok", 250)]


def test_a_reading_whose_worker_has_died_is_not_said_to_go_on(client: Client, scene: Stage) -> None:
    scene.server.page_size = 100
    scene.server.faults.then("lose-before", "page")
    engine.pull(scene.link.pk)
    Run.objects.update(outcome=Run.Outcome.RUNNING)  # as a killed worker leaves it
    assert "events so far" not in client.get(CALENDARS).content.decode()


def test_nobody_else_sees_how_far_it_is(client: Client, scene: Stage, colleague: Employee) -> None:
    client.force_login(colleague.user)  # type: ignore[arg-type]  # has one
    assert client.get(reverse("integrations:reading", args=[scene.link.pk])).status_code == 404
