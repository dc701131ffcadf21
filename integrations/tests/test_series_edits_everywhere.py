"""F63. Whatever a person does to a series in the calendar, its times are taken here exactly as they stand there, and reading again changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from unittest import mock

import pytest
import time_machine
from django.utils import timezone

from booking.models import Busy, Employee, Service
from integrations import engine
from integrations.rules import resolve, window
from integrations.testing.converged import assert_converged
from integrations.testing.proxy import Proxy
from integrations.testing.servers import Server
from integrations.testing.stage import Stage, stage
from integrations.testing.world import BERLIN
from integrations.tests.series_persons import Person, Rule, Span, person

pytestmark = pytest.mark.feature("C7")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def week(number: int, hour: float = 10, *, day: int = 0) -> datetime:
    """That wall time on the Monday of that week, or `day` days later. Clocks change on the Sunday of week 3, the 29th of March."""
    return datetime(2026, 3, 2, int(hour), round(hour % 1 * 60), tzinfo=BERLIN) + timedelta(days=7 * number + day)


def moves_this_and_all_following(who: Person, series: str) -> None:
    """Every provider makes two series of it."""
    who.follow(series, week(0), Rule(0, until=date(2026, 3, 22)))
    who.enter(week(3, 16), week(3, 17), Rule(0, count=5))


# What is done to a series of eight Mondays from 10 to 11, each step read before the next is done.
EDITS: dict[str, tuple[Callable[[Person, str], None], ...]] = {
    "moves one": (lambda who, series: who.move(series, week(2), week(2, 14), week(2, 15)),),
    "moves one to another day": (lambda who, series: who.move(series, week(4), week(5, 8, day=2), week(5, 9, day=2)),),
    "moves one and moves it back": (
        lambda who, series: who.move(series, week(4), week(4, 15), week(4, 16)),
        lambda who, series: who.move(series, week(4), week(4), week(4, 11)),
    ),
    "makes one longer": (lambda who, series: who.move(series, week(1), week(1), week(1, 13)),),
    "renames one": (lambda who, series: who.rename(series, week(5)),),
    "leaves one out": (lambda who, series: who.leave_out(series, week(4)),),
    "moves one and then leaves it out": (
        lambda who, series: who.move(series, week(2), week(2, 14), week(2, 15)),
        lambda who, series: who.leave_out(series, week(2)),
    ),
    "brings back one that was left out": (lambda who, series: who.leave_out(series, week(4)), lambda who, series: who.bring_back(series, week(4))),
    "moves all": (lambda who, series: who.shift(series, week(0, 17), week(0, 19)),),
    "changes the rule": (lambda who, series: who.follow(series, week(0), Rule(0, 3, every=2, count=7)),),
    "gives it an end": (lambda who, series: who.follow(series, week(0), Rule(0, until=date(2026, 3, 30))),),
    "takes its end away": (lambda who, series: who.follow(series, week(0), Rule(0)),),
    "moves this and all following": (moves_this_and_all_following,),
    "deletes it": (lambda who, series: who.drop(series),),
}  # fmt: skip


SAME_TIMES = {"moves one and moves it back", "renames one", "brings back one that was left out"}
PLACES = ["google", "outlook", "caldav"]
CASES = [(place, edit) for place in PLACES for edit in EDITS if (place, edit) != ("outlook", "brings back one that was left out")]  # Outlook can't


@pytest.fixture(params=PLACES)
def who(request: pytest.FixtureRequest, caldav_server: Server, caldav_proxy: Proxy) -> Iterator[Person]:
    with (
        time_machine.travel(datetime(2026, 2, 27, 9, tzinfo=UTC), tick=False),
        mock.patch("booking.wake.wake"),
        person(request.param, caldav_server, caldav_proxy) as found,
    ):
        yield found


@pytest.fixture
def stood(who: Person, employee: Employee, service: Service) -> Stage:
    return stage(employee, service, server=who.remote)


def assert_same_times(who: Person, stood: Stage) -> list[Span]:
    """Read by the cursor they are what the calendar says; a second reading finds nothing to do, and a full one the same."""
    stood.sync()
    there = who.takes(window(stood.link, resolve(stood.link), timezone.now()))
    rows = Busy.objects.order_by("start", "end")
    assert list(rows.values_list("start", "end")) == there
    before = list(rows.values_list("pk", "start", "end", "title"))
    assert_converged(lambda: who.remote.writes)
    assert list(rows.values_list("pk", "start", "end", "title")) == before, "what had not changed was written again"
    assert engine.pull(stood.link.pk, full=True)
    assert list(rows.values_list("start", "end")) == there
    stood.link.refresh_from_db()
    assert stood.link.quarantine == {}
    return there


@pytest.mark.django_db
@pytest.mark.parametrize(("who", "edit"), CASES, indirect=["who"])
def test_a_series_takes_the_times_it_has_there_whatever_was_done_to_it(who: Person, stood: Stage, edit: str) -> None:
    """Seen red with the exceptions' original starts left where the rule has them (expand), and over Outlook without its cancelled occurrences."""
    series = who.enter(week(0), week(0, 11), Rule(0, count=8))
    before = assert_same_times(who, stood)
    assert len(before) == 8
    for step in EDITS[edit]:
        step(who, series)
        after = assert_same_times(who, stood)
    assert (after == before) == (edit in SAME_TIMES)


@pytest.mark.django_db
def test_a_series_at_an_hour_that_clocks_skip_takes_the_one_after_it(who: Person, stood: Stage) -> None:
    """RFC 5545 §3.3.5: such a wall time is read with the offset before the gap."""
    who.enter(week(0, 2.5, day=6), week(0, 3.5, day=6), Rule(6, count=6))
    there = assert_same_times(who, stood)
    assert there[3] == (datetime(2026, 3, 29, 1, 30, tzinfo=UTC), datetime(2026, 3, 29, 2, 30, tzinfo=UTC))
    assert there[4][0] == datetime(2026, 4, 5, 0, 30, tzinfo=UTC)


@pytest.mark.django_db
def test_days_of_a_series_are_days_of_the_calendar_before_and_after_the_clocks_change(who: Person, stood: Stage) -> None:
    series = who.enter(date(2026, 3, 2), date(2026, 3, 4), Rule(0, count=8))
    assert len(assert_same_times(who, stood)) == 8
    who.move(series, date(2026, 3, 23), date(2026, 3, 28), date(2026, 3, 30))  # a day of 24 hours and one of 23
    who.leave_out(series, date(2026, 3, 9))
    there = assert_same_times(who, stood)
    assert [end - start for start, end in there] == [2 * DAY, 2 * DAY, 2 * DAY - HOUR] + 4 * [2 * DAY]
