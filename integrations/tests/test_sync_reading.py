"""What is read is broken, cut short, gone or too much: nothing is cancelled by it and nothing is opened."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone

from booking.models import Appointment, Busy, BusySource
from integrations import engine
from integrations.models import Account, FieldChange, Link, Outgoing, Pair, Run
from integrations.testing.proxy import Fault
from integrations.tests.salon import Salon, at

HOUR = timedelta(hours=1)


def due_now() -> None:
    """As if the pauses were over."""
    Outgoing.objects.update(not_before=timezone.now())
    Account.objects.update(paused_until=None)


@pytest.mark.parametrize("kind", ["page", "truncate", "cut-before", "status"])
def test_a_listing_that_is_no_listing_changes_nothing_here(salon: Salon, kind: str):
    """F21, F37. Seen red with a failed listing taken for the end of all events."""
    appointments = [salon.book(at(10, day=day), name=f"Guest{day}") for day in range(3)]
    salon.diary.enter("Dentist", at(15), at(16))
    salon.sync()
    before = salon.slots(days=5)
    fetched = BusySource.objects.get().fetched_at
    for full in (False, True):
        salon.proxy.then(Fault(kind, method="REPORT PROPFIND", status=500), times=20)
        engine.pull(salon.link.pk, full=full)
        salon.proxy.faults.clear()
        due_now()
    assert Appointment.objects.filter(status="approved").count() == len(appointments)
    assert salon.slots(days=5) == before
    assert BusySource.objects.get().fetched_at == fetched  # it grows stale: the policy will tell
    assert Run.objects.filter(outcome=Run.Outcome.FAILED).count() == 2
    assert not FieldChange.objects.filter(direction="in").exists()
    salon.sync()
    salon.assert_converged()


def test_the_last_of_many_events_on_many_pages_closes_its_slot(salon: Salon):
    """F29. Seen red with the first page only (CHUNK is 50)."""
    for number in range(104):
        start = at(9, day=-30) + number * HOUR
        salon.diary.enter(f"Number {number}", start, start + HOUR / 2)
    salon.diary.enter("zz", at(10), at(11))
    for name in ("0000", "zzzz"):
        salon.diary.put(
            f"{name}.ics",
            salon.diary.raw(salon.diary.enter(name, at(13), at(14))).replace("UID:", f"UID:{name}-"),
        )
    engine.pull(salon.link.pk, full=True)
    assert at(10) not in salon.slots()
    assert Busy.objects.values("key").distinct().count() == 109
    salon.assert_converged()


def test_after_an_expired_cursor_what_was_deleted_meanwhile_is_gone_and_nothing_else(salon: Salon):
    """F31. Seen red with CursorExpired swallowed, and with no diff after the full listing."""
    stays, goes = salon.book(at(10)), salon.book(at(12), name="Dora")
    dentist = salon.diary.enter("Dentist", at(15), at(16))
    salon.diary.enter("Lunch", at(13), at(13.5))
    salon.sync()
    salon.diary.delete(salon.path(goes))
    salon.diary.delete(dentist)
    Link.objects.update(cursor="sync:http://radicale.org/ns/sync/0123456789abcdef")
    salon.sync()
    stays.refresh_from_db()
    goes.refresh_from_db()
    assert (stays.status, goes.status) == ("approved", "cancelled")
    assert list(Busy.objects.values_list("start", flat=True)) == [at(13)]
    salon.assert_converged()


def test_what_was_read_before_a_crash_is_read_again_after_it(salon: Salon):
    """F33. The answer to the second page is lost. Seen red with the cursor saved with the first page."""
    for number in range(60):
        start = at(9, day=number // 8) + (number % 8) * HOUR
        salon.diary.enter(f"Number {number}", start, start + HOUR / 2)
    salon.sync()
    known = Link.objects.get().cursor
    paths = salon.diary.paths()
    for path in paths:
        salon.diary.shift(path, timedelta(minutes=15))
    # First the delta itself, then the multiget of the first 50, then the one that breaks (and its repetition).
    reports = iter(range(1, 100))
    salon.proxy.watch = lambda method: salon.proxy.then(Fault("cut-before", method="REPORT"), times=2) if method == "REPORT" and next(reports) == 3 else None
    engine.pull(salon.link.pk)
    salon.proxy.watch = None
    salon.proxy.faults.clear()
    assert Link.objects.get().cursor == known
    due_now()
    salon.sync()
    assert Busy.objects.filter(start__minute=15).count() == 60
    salon.assert_converged()


def test_one_broken_event_among_many_closes_its_time_is_shown_and_stops_nothing(salon: Salon):
    """F39. Seen red with the broken one left out silently."""
    salon.diary.enter("Before", at(9), at(9.5))
    strange = "BEGIN:VTIMEZONE\r\nTZID:Office\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0107\r\nTZOFFSETTO:+0107\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
    broken = salon.diary.enter("Weekly in a zone of its own", at(12), at(13), "RRULE:FREQ=WEEKLY;COUNT=3")
    salon.diary.edit(broken, lambda text: text.replace("BEGIN:VEVENT", f"{strange}BEGIN:VEVENT").replace("TZID=Europe/Berlin", "TZID=Office"))
    salon.diary.enter("After", at(15), at(16))
    salon.sync()
    link = Link.objects.get()
    assert list(link.quarantine) == [broken]
    assert [at(hour) in salon.slots() for hour in (9, 12, 15)] == [False, False, False]
    salon.diary.delete(broken)
    salon.sync()
    assert Link.objects.get().quarantine == {}
    assert at(12) in salon.slots()
    salon.assert_converged()


def test_a_broken_event_beyond_the_limit_is_shown_until_it_is_gone(salon: Salon):
    """It takes no time, so it is no longer known by that. Seen red with `_missing` that asks for the busy times alone."""
    salon.rule(max_events=1)
    salon.diary.enter("Before", at(9), at(9.5))
    broken = salon.diary.enter("Backwards", at(16, day=3), at(15, day=3))
    salon.sync()
    assert list(Link.objects.get().quarantine) == [broken]
    assert not Busy.objects.filter(key=broken).exists()
    salon.diary.delete(broken)
    salon.sync()
    assert Link.objects.get().quarantine == {}


def test_a_calendar_that_was_deleted_closes_the_slots_and_cancels_nothing(salon: Salon):
    """F40. Seen red with mark_lost left out: everything looked free."""
    salon.book(at(10))
    salon.sync()
    kept = {path: salon.diary.raw(path) for path in salon.diary.paths()}
    assert salon.diary.ask("DELETE").status_code in (200, 204)
    salon.sync()
    link = Link.objects.get()
    assert link.state == Link.State.LOST
    assert link.problem
    assert salon.slots() == []
    assert salon.request(at(12)).status_code == 409
    assert Appointment.objects.get().status == "approved"
    assert Pair.objects.get().state == Pair.State.LIVE
    assert salon.diary.ask("MKCALENDAR").status_code == 201
    for path, text in kept.items():
        salon.diary.put(path, text)
    Link.objects.update(next_pull_at=timezone.now())
    salon.sync()
    assert Link.objects.get().state == Link.State.ACTIVE
    assert salon.slots() != []
    salon.assert_converged()


@pytest.mark.feature("B6")
def test_one_of_two_calendars_that_can_no_longer_be_read_closes_the_employee(salon: Salon):
    """F41. Seen red with only the fresh sources asked."""
    _link, other = salon.connect(salon.employee, writes=False)
    salon.sync()
    assert salon.slots() != []
    assert other.ask("DELETE").status_code in (200, 204)
    salon.sync()
    assert salon.slots() == []
    assert salon.request(at(12)).status_code == 409


def test_times_are_taken_for_unknown_once_the_last_reading_is_too_old(salon: Salon):
    """F35, I5."""
    salon.sync()
    assert salon.slots() != []
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=2)):
        assert salon.slots() == []
