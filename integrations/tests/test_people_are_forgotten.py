"""Whose data is erased is named nowhere any more: not in the tables, not in the calendar as far as it is followed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone

from booking.actions import erasure
from booking.models import Customer
from booking.tests.test_page_own_data import everything
from integrations.testing.converged import assert_converged
from integrations.testing.stage import Stage

pytestmark = pytest.mark.django_db


MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.mark.parametrize("days", [1, 60])
def test_history_pairs_and_the_calendar_forget_the_name(scene: Stage, days: int):
    """A day later the event is still followed, after sixty days no more. Red without each of the three parts of `forget`, and without `item_changed`."""
    appointment = scene.book(MONDAY, name="Canary", now=timezone.now())
    scene.sync()
    scene.server.edit(scene.remote, scene.pair(appointment).remote_id, title="Canary comes", description="Canary is late")
    scene.sync()
    assert "Canary comes" in everything()
    with time_machine.travel(MONDAY + timedelta(days=days), tick=False):
        erasure.erase(Customer.objects.get(), now=timezone.now())
        scene.sync()
        assert "CANARY" not in everything().upper()
        if days == 1:
            assert scene.theirs(appointment).title == "Haircut – –"
        assert_converged(lambda: scene.server.writes)
