"""A series and the times it takes are one and the same, whatever is done to it. An independent reading of RFC 5545 is the judge."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from dateutil.rrule import rrulestr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from booking.models import Busy
from crm import actions
from crm.models import Meeting
from crm.series import Series, carried, dates

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
ZONES = ("Europe/Berlin", "UTC", "Australia/Lord_Howe", "America/New_York")
RULES = (
    "FREQ=DAILY;COUNT=9",
    "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;COUNT=12",
    "FREQ=WEEKLY;INTERVAL=2;COUNT=6",
    "FREQ=MONTHLY;COUNT=5",
    "FREQ=DAILY;INTERVAL=3;COUNT=8",
)
wall = st.datetimes(datetime(2026, 3, 3), datetime(2026, 11, 20))  # noqa: DTZ001 - by the clock on the wall
starts = wall.map(lambda one: one.replace(second=0, microsecond=0))


def by_another(start: datetime, rule: str, zone: str) -> list[datetime]:
    """The starts in UTC as dateutil has them; a wall time that a clock change skips is read with the offset before it."""
    home = ZoneInfo(zone)
    return [one.replace(tzinfo=home).astimezone(UTC) for one in rrulestr(f"RRULE:{rule}", dtstart=start)]


@pytest.mark.django_db
@time_machine.travel(NOW, tick=False)
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(start=starts, zone=st.sampled_from(ZONES), rule=st.sampled_from(RULES), length=st.integers(15, 300), data=st.data())
def test_busy_times_are_the_dates_of_the_series_after_any_exceptions(employee, start: datetime, zone: str, rule: str, length: int, data: Any):
    Meeting.objects.all().delete()
    Busy.objects.all().delete()
    begin = start.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    span = timedelta(minutes=length)
    meeting = actions.create(owner=employee, title="x", start=begin, end=begin + span, timezone=zone, recurrence=[f"RRULE:{rule}"])
    expected = {one: (one, one + span) for one in by_another(begin.astimezone(ZoneInfo(zone)).replace(tzinfo=None), rule, zone)}
    for original in data.draw(st.lists(st.sampled_from(sorted(expected)), max_size=3, unique=True)):
        key = original.isoformat().replace("+00:00", "Z")
        if data.draw(st.booleans()):
            actions.change_date(meeting=meeting, original=key, said=None)
            del expected[original]
        else:
            moved = original + timedelta(minutes=data.draw(st.integers(-2000, 2000)))
            actions.change_date(meeting=meeting, original=key, said={"start": moved, "end": moved + span})
            expected[original] = (moved, moved + span)
    assert sorted(Busy.objects.values_list("start", "end")) == sorted(expected.values())
    meeting.refresh_from_db()
    assert meeting.ends_at == max((end for _, end in expected.values()), default=meeting.end)


@pytest.mark.pure
@given(start=starts, rule=st.sampled_from(RULES), by=st.integers(-600, 600), chosen=st.sets(st.integers(0, 4), max_size=3))
def test_dates_that_were_left_out_stay_left_out_when_the_series_moves(start: datetime, rule: str, by: int, chosen: set[int]):
    """As many dates take place after the move as before, none of them where one was left out."""
    begin = start.replace(tzinfo=UTC)
    later = begin + timedelta(minutes=by)
    if "MONTHLY" in rule and later.day != begin.day:
        return
    hour, far = timedelta(hours=1), (begin - timedelta(days=2), begin + timedelta(days=400))
    whole = Series(begin, begin + hour, False, "UTC", (f"RRULE:{rule}",), {})
    keys = [one.original for one in dates(whole, far)]
    before = Series(begin, begin + hour, False, "UTC", whole.recurrence, {keys[place]: None for place in chosen if place < len(keys)})
    after = Series(later, later + hour, False, "UTC", whole.recurrence, {})
    moved = Series(later, later + hour, False, "UTC", whole.recurrence, carried(before, after))
    assert [one.start - timedelta(minutes=by) for one in dates(moved, far)] == [one.start for one in dates(before, far)]


@pytest.mark.django_db
def test_series_are_written_down_again_as_time_goes_by(employee):
    """Seen red with `roll` doing nothing: far ahead the times were open. Until it has run they are closed."""
    with time_machine.travel(NOW, tick=False):
        actions.create(owner=employee, title="x", start=NOW, end=NOW + timedelta(hours=1), timezone="UTC", recurrence=["RRULE:FREQ=WEEKLY"])
        source = Busy.objects.latest("start").source
        assert source.complete_until == NOW + actions.AHEAD
        last = Busy.objects.latest("start").start
    later = NOW + timedelta(days=30)
    with time_machine.travel(later, tick=False):
        actions.roll(later)
        actions.roll(later)
        source.refresh_from_db()
        assert source.complete_until == later + actions.AHEAD
        assert Busy.objects.latest("start").start > last + timedelta(days=20)
        assert Busy.objects.count() == Busy.objects.values("start").distinct().count()
