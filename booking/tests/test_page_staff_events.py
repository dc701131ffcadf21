"""Events in the profile: in the diary of those who organise or help, and a page with who comes."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from booking.actions import events
from booking.tests.happening import make_event, register
from booking.tests.pages import text_of
from booking.tests.salon import soon

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def signed_in(user) -> Client:
    client = Client()
    client.force_login(user)
    client.post(reverse("set_language"), {"language": "en"})
    return client


def page(client: Client, event) -> Any:
    return client.get(reverse("booking:staff_event", args=[event.pk]))


def test_the_diary_shows_the_events_of_organiser_and_staff_only(employee, colleague, manager):
    """Red when only the organiser's are asked for."""
    event = make_event(employee, soon(18, days=3), soon(18, days=4), staff=[colleague])
    make_event(employee, soon(9, days=3), name="Not yet", slug="draft", published=False)
    register(event, places=2)
    for user in (employee.user, colleague.user):
        told = text_of(signed_in(user).get("/profile/"))
        assert told.count("Perfume evening") == 2
        assert "2 of 10 places taken" in told
        assert "Not yet" not in told
    events.change(event=event, staff=[], now=timezone.now())
    assert "Perfume evening" not in text_of(signed_in(colleague.user).get("/profile/"))
    events.cancel(event=event, now=timezone.now())
    assert "Perfume evening" not in text_of(signed_in(employee.user).get("/profile/"))
    assert "Perfume evening" in text_of(signed_in(employee.user).get("/profile/?ended=1"))


def test_the_diary_needs_as_many_queries_for_many_events_as_for_one(employee, django_assert_max_num_queries):
    """Red when the event of each period is fetched singly."""
    client = signed_in(employee.user)
    make_event(employee, soon(18, days=3))
    client.get("/profile/")

    def queries() -> int:
        with django_assert_max_num_queries(40) as counted:
            client.get("/profile/")
        return len(counted)

    few = queries()
    for days in (4, 5, 6):
        register(make_event(employee, soon(18, days=days), slug=f"in-{days}"))
    assert queries() == few


def test_who_comes_is_for_those_who_are_there_and_for_managers(employee, colleague, manager, outsider):
    """Red when the page doesn't ask whose event it is."""
    event = make_event(employee)
    register(event, places=3)
    assert page(signed_in(colleague.user), event).status_code == 404
    assert page(signed_in(outsider), event).status_code == 404
    for user in (employee.user, manager):
        told = text_of(page(signed_in(user), event))
        assert "Clara Kunde" in told
        assert "3/10" in told
    events.change(event=event, staff=[colleague], now=timezone.now())
    assert page(signed_in(colleague.user), event).status_code == 200


def test_the_page_tells_what_was_changed_also_of_its_times(employee):
    event = make_event(employee)
    events.move_period(period=event.periods.get(), start=soon(19), end=soon(21), now=timezone.now(), reason="moved in the calendar")
    told = text_of(page(signed_in(employee.user), event))
    assert "moved in the calendar" in told
    assert "start:" in told
    assert "draft → published" in told
