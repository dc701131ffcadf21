"""What every provider must keep of series, as tests: part of the contract."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from integrations.contract import Provider
from integrations.items import snapshot
from integrations.testing.world import BERLIN, EVENT, World, read

SERIES = ("title", "when", "recurrence")


def said(provider: Provider, world: World, remote_id: str) -> dict[str, Any]:
    """What stands there of a series, its exceptions included."""
    found = provider.get(world.calendar, remote_id)
    assert found.item is not None
    return snapshot(replace(found.item, exceptions=found.exceptions), SERIES)


class SeriesContract:
    """Read whole, and written with the dates that are otherwise."""

    def test_a_series_comes_whole_with_its_exceptions(self, world: World, provider: Provider) -> None:
        series = replace(EVENT, uid="series-1", recurrence=("RRULE:FREQ=WEEKLY;COUNT=5", "EXDATE:20310310T090000Z"))
        second = datetime(2031, 3, 17, 10, tzinfo=BERLIN)
        moved = replace(EVENT, uid="series-1", title="Moved", start=second + timedelta(hours=3), end=second + timedelta(hours=4), recurrence_id=second)
        remote_id = world.put(series, moved)
        change = read(provider, world.calendar)[0][remote_id]
        assert change.item is not None
        assert set(change.item.recurrence) == set(series.recurrence)
        assert [(one.title, one.recurrence_id) for one in change.exceptions] == [("Moved", second)]

    def test_a_series_is_written_with_the_dates_that_are_otherwise(self, world: World, provider: Provider) -> None:
        start, hour, week = datetime(2031, 3, 3, 10, tzinfo=BERLIN), timedelta(hours=1), timedelta(days=7)
        moved = replace(EVENT, start=start + 2 * week + 3 * hour, end=start + 2 * week + 4 * hour, title="Moved", recurrence_id=start + 2 * week)
        rules = ("RRULE:FREQ=WEEKLY;COUNT=6", "EXDATE:20310310T090000Z")
        series = replace(EVENT, start=start, end=start + hour, recurrence=rules, exceptions=(moved,), attendees=())
        receipt = provider.create(world.calendar, series, "key-1")
        assert said(provider, world, receipt.remote_id) == snapshot(series, SERIES)
        later = replace(moved, start=start + 3 * week + hour, end=start + 3 * week + 2 * hour, recurrence_id=start + 3 * week, title="Other")
        after = replace(series, title="Other", recurrence=(*rules, "EXDATE:20310331T080000Z"), exceptions=(later,))
        again = provider.update(world.calendar, receipt.remote_id, after, ("title", "recurrence"), provider.get(world.calendar, receipt.remote_id).etag)
        assert said(provider, world, receipt.remote_id) == snapshot(after, SERIES)
        assert again.item is None or snapshot(again.item, SERIES) == snapshot(after, SERIES)
        shorter = replace(after, recurrence=("RRULE:FREQ=WEEKLY;COUNT=2", rules[1]), exceptions=())
        provider.update(world.calendar, receipt.remote_id, shorter, ("recurrence",), provider.get(world.calendar, receipt.remote_id).etag)
        found = said(provider, world, receipt.remote_id)["recurrence"]
        assert found["rules"] == ["RRULE:FREQ=WEEKLY;COUNT=2"]
        provider.update(world.calendar, receipt.remote_id, replace(shorter, recurrence=()), ("recurrence",), "")
        assert said(provider, world, receipt.remote_id)["recurrence"] is None
