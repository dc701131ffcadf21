"""What somebody types on an event that we then delete, before anybody here has read it: it is gone there, so the history keeps it."""

from __future__ import annotations

import pytest
from django.utils import timezone

from booking.actions import appointments as actions
from integrations import engine
from integrations.models import FieldChange, Outgoing
from integrations.tests.test_engine_leases import MONDAY, settled


@pytest.mark.parametrize("answer", ["given", "lost"])
def test_a_title_typed_on_an_event_of_what_was_cancelled_is_kept_in_the_history(scene, answer):
    """Seen red without If-Match on the deletion, and, where the answer to the creation was lost, with a deletion of whatever the marker leads to."""
    appointment = scene.book(MONDAY, now=timezone.now())
    if answer == "lost":
        scene.server.faults.then("lose-after", "create")
    engine.drain(scene.link.pk)
    ((remote_id, _event),) = scene.server.calendars[scene.remote].events.items()
    scene.server.edit(scene.remote, remote_id, title="Clara, short")
    actions.cancel(appointment=appointment, now=timezone.now())
    Outgoing.objects.update(not_before=timezone.now())
    engine.drain(scene.link.pk)
    assert not scene.server.calendars[scene.remote].events
    assert FieldChange.objects.filter(kind="conflict", field="title", old="Clara, short").exists()
    settled(scene)
