"""F64 h. A state changes its clocks after something was agreed or entered: what is meant as wall time follows, what was agreed with a customer stays."""

from __future__ import annotations

import sys
import zoneinfo
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from booking.models import Busy, Employee, Message, Service
from crm import actions as meetings
from crm.models import Meeting
from integrations.models import FieldChange, Pair
from integrations.testing.converged import assert_converged, cycle
from integrations.testing.proxy import Proxy
from integrations.testing.servers import Server
from integrations.testing.stage import Stage, stage
from integrations.tests.series_persons import CaldavPerson, Person, Rule, person

pytestmark = [pytest.mark.django_db, pytest.mark.once]

NOW = datetime(2026, 2, 27, 9, tzinfo=UTC)
# A Tuesday in April, when Berlin has summer time: ten o'clock is 8 UTC, and 9 if the hour is no longer put forward.
APRIL = date(2026, 4, 7)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
Change = Callable[[], AbstractContextManager[None]]


def utc(hour: float, *, day: int = 0) -> datetime:
    """On the Tuesday, or `day` days later."""
    return datetime(APRIL.year, APRIL.month, APRIL.day, tzinfo=UTC) + day * DAY + hour * HOUR


@contextmanager
def winter_for_ever(folder: Path) -> Iterator[None]:
    """Berlin keeps its winter time all the year: as after an update of the time zone data and a restart."""
    rules, before = folder / "Europe" / "Berlin", zoneinfo.TZPATH
    rules.parent.mkdir()
    rules.write_bytes(resources.files("tzdata").joinpath("zoneinfo/Africa/Algiers").read_bytes())
    zoneinfo.reset_tzpath([folder, *before])
    forget()
    try:
        assert datetime(2026, 7, 1, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin")).utcoffset() == HOUR
        yield
    finally:
        zoneinfo.reset_tzpath(before)
        forget()


def forget() -> None:
    """What a process knows of zones goes with it."""
    zoneinfo.ZoneInfo.clear_cache()
    ours = [module for name, module in sys.modules.items() if name.partition(".")[0] in ("booking", "crm", "integrations")]
    for one in {one for module in ours for one in vars(module).values() if callable(one) and hasattr(one, "cache_clear")} | {timezone.get_default_timezone}:
        one.cache_clear()  # type: ignore[union-attr]  # that it has one was looked at


@pytest.fixture
def changed(tmp_path: Path) -> Change:
    return partial(winter_for_ever, tmp_path)


@pytest.fixture(params=["caldav", "google", "outlook"])
def who(request: pytest.FixtureRequest, friday: None, caldav_server: Server, caldav_proxy: Proxy) -> Iterator[Person]:
    with mock.patch("booking.wake.wake"), person(request.param, caldav_server, caldav_proxy) as found:
        yield found


@pytest.fixture
def friday() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def stood(who: Person, employee: Employee, service: Service) -> Stage:
    return stage(employee, service, server=who.remote)


@pytest.fixture
def slots(client: Client, stood: Stage) -> Callable[[int], list[datetime]]:
    """What is offered on the Tuesday, or so many days later."""

    def offered(day: int) -> list[datetime]:
        when = f"{APRIL + day * DAY:%Y-%m-%d}"
        answer = client.get("/api/v1/slots/", {"service": str(stood.service.pk), "from": when, "to": when, "timezone": "Europe/Berlin"})
        return [datetime.fromisoformat(slot["start"]).astimezone(UTC) for slot in answer.json()["slots"]]

    return offered


def a_day_later() -> AbstractContextManager[Any]:
    return time_machine.travel(NOW + DAY + timedelta(minutes=1), tick=False)


def taken(day: int = 0) -> list[tuple[datetime, datetime]]:
    """What is busy on the Tuesday, or so many days later, from midnight to midnight or nearly so."""
    return list(Busy.objects.filter(start__gte=utc(-3, day=day), start__lt=utc(21, day=day)).order_by("start").values_list("start", "end"))


def test_working_hours_series_and_whole_days_follow_the_wall_time(who: Person, stood: Stage, slots: Callable[[int], list[datetime]], changed: Change):
    """Hours at once, what stands in the calendar with the next reading of everything, within a day. Seen red without the daily reading, and with a
    series expanded by the offset of its start."""
    start = datetime(2026, 3, 3, 10, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin"))
    who.enter(start, start + HOUR, Rule(1))
    who.enter(date(2026, 3, 4), date(2026, 3, 5), Rule(2))
    cycle()
    assert (taken(), taken(1)) == ([(utc(8), utc(9))], [(utc(-2, day=1), utc(22, day=1))])
    assert slots(2)[0] == utc(7, day=2)
    with changed():
        assert slots(2)[0] == utc(8, day=2)
        with a_day_later():
            cycle()
            assert (taken(), taken(1)) == ([(utc(9), utc(10))], [(utc(-1, day=1), utc(23, day=1))])
            assert utc(9.25) not in slots(0)
            assert_converged(lambda: who.remote.writes)


def test_an_appointment_stays_at_the_instant_that_was_agreed_and_is_shown_at_it(who: Person, stood: Stage, changed: Change):
    """Nobody is told anything, and nothing counts as moved. A CalDAV server keeps wall times, so there it is written again, with the rules of today.
    Seen red without that: the calendar showed it an hour later, for ever, and nobody knew; and with rules left in the text that are out of date."""
    appointment = stood.book(utc(12), now=NOW)
    cycle()
    cycle()
    told = Message.objects.count()
    with changed(), a_day_later():
        cycle()
        cycle()
        appointment.refresh_from_db()
        assert (appointment.start, appointment.status) == (utc(12), "approved")
        assert (Message.objects.count(), FieldChange.objects.filter(direction="in").count()) == (told, 0)
        assert_converged(lambda: who.remote.writes)
        if isinstance(who, CaldavPerson):
            text = who.world.text(Pair.objects.get().remote_id).decode()
            assert ("DTSTART;TZID=Europe/Berlin:20260407T130000" in text, "DAYLIGHT" in text) == (True, False)
        else:
            assert [one.item.start for one in who.remote.events.values()] == [utc(12)]


@pytest.mark.parametrize("who", ["caldav"], indirect=True)  # elsewhere events come with their instants
def test_a_meeting_is_where_its_owners_calendar_shows_it(who: Person, stood: Stage, employee: Employee, changed: Change):
    """Nobody else was promised anything. Seen red with a text whose tag is known taken for what it meant before, and with days that are reckoned from
    midnights of old rules."""
    berlin = zoneinfo.ZoneInfo("Europe/Berlin")
    at = datetime(2026, 4, 7, 10, tzinfo=berlin)
    once = meetings.create(owner=employee, title="Once", start=at, end=at + HOUR, timezone="Europe/Berlin")
    weekly = meetings.create(owner=employee, title="Weekly", start=at + 4 * HOUR, end=at + 5 * HOUR, timezone="Europe/Berlin", recurrence=["RRULE:FREQ=WEEKLY"])
    whole = [datetime(2026, 4, day, tzinfo=berlin) for day in (8, 9)]
    days = meetings.create(owner=employee, title="Fair", start=whole[0], end=whole[1], all_day=True)
    cycle()
    cycle()
    writes = who.remote.writes
    with changed(), a_day_later():
        meetings.roll(timezone.now())
        cycle()
        for meeting, times in ((once, (utc(9), utc(10))), (weekly, (utc(13), utc(14))), (days, (utc(-1, day=1), utc(23, day=1)))):
            meeting.refresh_from_db()
            assert (meeting.start, meeting.end) == times, meeting.title
        assert taken() == [(utc(9), utc(10)), (utc(13), utc(14))]
        assert taken(1) == [(utc(-1, day=1), utc(23, day=1))]
        assert who.remote.writes == writes
        assert_converged(lambda: who.remote.writes)


@pytest.mark.usefixtures("friday")
def test_a_whole_day_of_ones_own_stays_on_its_day_whatever_is_done_to_it_first(employee: Employee, changed: Change):
    """Also before the daily task has come. Seen red with days that are reckoned from midnights of old rules: it was a day earlier."""
    whole = [datetime(2026, 4, day, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin")) for day in (8, 9)]
    single = meetings.create(owner=employee, title="Fair", start=whole[0], end=whole[1], all_day=True)
    weekly = meetings.create(owner=employee, title="Fairs", start=whole[0], end=whole[1], all_day=True, recurrence=["RRULE:FREQ=WEEKLY;COUNT=3"])
    meetings.change_date(meeting=weekly, original="2026-04-15", said=None)
    with changed():
        assert Meeting.objects.get(pk=single.pk).times == (date(2026, 4, 8), date(2026, 4, 9))
        for meeting in (single, weekly):
            meetings.edit(meeting=Meeting.objects.get(pk=meeting.pk), changes={"title": "Trade fair"})
            meeting.refresh_from_db()
            assert (meeting.start, meeting.end) == (utc(-1, day=1), utc(23, day=1))
        assert weekly.exceptions == {"2026-04-15": None}
        assert sorted(Busy.objects.values_list("start", flat=True)) == [utc(-1, day=1), utc(-1, day=1), utc(-1, day=15)]
