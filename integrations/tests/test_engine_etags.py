"""A server whose entity tags mean nothing: each reading shows other ones."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import pytest
from django.utils import timezone

from booking.actions import appointments as actions
from booking.models import Message
from integrations.items import Event
from integrations.models import FieldChange
from integrations.testing.converged import assert_converged
from integrations.testing.stage import Stage

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR, HALF = timedelta(hours=1), timedelta(minutes=30)


@pytest.mark.django_db
def test_tags_that_change_at_every_reading_make_nothing_be_written(scene: Stage):
    """F38. Seen red when another tag alone makes us write: what is said is compared, here and before a write."""
    server, real = scene.server, scene.server.call

    def call(method: str, action: Callable[[], Any], **how: Any) -> Any:
        if method in ("changes", "get", "find"):
            for remote_id in list(server.calendars[scene.remote].events):
                server.touch(scene.remote, remote_id)
        return real(method, action, **how)

    with mock.patch.object(server, "call", call):
        appointment = scene.book(MONDAY, now=timezone.now())
        server.put(scene.remote, Event(start=MONDAY + 5 * HOUR, end=MONDAY + 6 * HOUR, title="Dentist"))
        scene.sync()
        before, told = server.writes, Message.objects.count()
        tags = {one.etag for one in server.calendars[scene.remote].events.values()}
        for _ in range(3):
            scene.sync()
        assert not tags & {one.etag for one in server.calendars[scene.remote].events.values()}
        assert (server.writes, Message.objects.count()) == (before, told)
        assert not FieldChange.objects.filter(direction="in").exists()
        assert_converged(lambda: server.writes)
        actions.move(appointment=appointment, start=MONDAY + HOUR, end=MONDAY + HOUR + HALF, now=timezone.now())
        scene.sync()
        assert scene.theirs(appointment).start == MONDAY + HOUR
        assert server.writes == before + 1
        server.edit(scene.remote, scene.pair(appointment).remote_id, start=MONDAY + 2 * HOUR, end=MONDAY + 2 * HOUR + HALF)
        scene.sync()
        appointment.refresh_from_db()
        assert appointment.start == MONDAY + 2 * HOUR
        assert_converged(lambda: server.writes)
