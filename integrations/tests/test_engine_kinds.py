"""The engine knows kinds of items by their table only: two of them side by side, on a calendar in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from booking.models import Busy
from crm import actions
from crm.models import Meeting
from integrations import engine
from integrations.items import Event
from integrations.local import KINDS
from integrations.models import Outgoing, Pair
from integrations.testing.converged import assert_converged
from integrations.testing.stage import Stage

START, HOUR = datetime(2026, 3, 3, 9, tzinfo=UTC), timedelta(hours=1)


@pytest.mark.pure
def test_the_engine_names_no_kind():
    texts = {path.name: path.read_text(encoding="utf-8") for path in Path(engine.__file__).parent.glob("*.py")}
    whole = 'Kind.DELETE, "event"'  # the remote event as a whole, in the history
    assert [name for name, text in texts.items() for kind in KINDS if f'"{kind}"' in text.replace(whole, "")] == []


@pytest.mark.django_db
def test_two_kinds_live_side_by_side_in_one_calendar(scene: Stage):
    appointment = scene.book(START + 3 * HOUR, now=datetime.now(UTC))
    actions.create(owner=scene.employee, title="Budget", start=START, end=START + HOUR)
    scene.sync()
    titles = {pair.kind: scene.server.calendars[scene.remote].events[pair.remote_id].item.title for pair in Pair.objects.all()}
    assert titles["meeting"] == "Budget"
    assert "Haircut" in titles["appointment"]
    scene.server.edit(scene.remote, Pair.objects.get(kind="meeting").remote_id, start=START + HOUR, end=START + 2 * HOUR)
    scene.sync()
    appointment.refresh_from_db()
    assert (Meeting.objects.get().start, appointment.start) == (START + HOUR, START + 3 * HOUR)
    assert_converged(lambda: scene.server.writes)


@pytest.mark.django_db
def test_one_date_of_a_series_changed_there_is_seen_although_the_series_has_the_same_tag(scene: Stage):
    """As Google does it. Seen red with the tag of the series taken for proof that nothing changed."""
    actions.create(owner=scene.employee, title="Weekly", start=START, end=START + HOUR, timezone="UTC", recurrence=["RRULE:FREQ=WEEKLY;COUNT=3"])
    scene.sync()
    pair = Pair.objects.get()
    events, week = scene.server.calendars[scene.remote].events, timedelta(days=7)
    before = events[pair.remote_id]
    moved = replace(before.item, start=START + week + HOUR, end=START + week + 2 * HOUR, recurrence_id=START + week, recurrence=())
    scene.server.edit(scene.remote, pair.remote_id, moved)
    events[pair.remote_id] = replace(events[pair.remote_id], etag=before.etag)
    scene.sync()
    assert list(Busy.objects.order_by("start").values_list("start", flat=True)) == [START, START + week + HOUR, START + 2 * week]
    assert_converged(lambda: scene.server.writes)


@pytest.mark.django_db
def test_an_interrupted_write_of_a_series_makes_one_series(scene: Stage):
    actions.create(owner=scene.employee, title="Weekly", start=START, end=START + HOUR, timezone="UTC", recurrence=["RRULE:FREQ=WEEKLY;COUNT=3"])
    meeting = Meeting.objects.get()
    actions.change_date(meeting=meeting, original="2026-03-10T09:00:00Z", said=None)
    scene.server.faults.then("lose-after", "create")
    scene.sync()
    Outgoing.objects.update(not_before=START - timedelta(days=9))
    scene.sync()
    assert len(scene.server.calendars[scene.remote].events) == 1
    assert_converged(lambda: scene.server.writes)


@pytest.mark.django_db
def test_hostile_series_are_not_taken_over_and_close_what_they_may_take(scene: Stage):
    scene.rule("meeting", imports=True)
    scene.server.put(scene.remote, Event(start=START, end=START + HOUR, title="x", timezone="UTC", recurrence=("RRULE:FREQ=SECONDLY",)))
    scene.server.put(scene.remote, Event(start=START + HOUR, end=START + 2 * HOUR, title="fine", timezone="UTC"))
    scene.sync()
    assert [one.title for one in Meeting.objects.all()] == ["fine"]
    assert Busy.objects.filter(source=scene.link.source, start=START).exists()
