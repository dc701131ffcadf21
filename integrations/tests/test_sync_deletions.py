"""What follows when our events are deleted or moved away in the calendar, and the guard that asks when it is suspiciously much."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from booking.actions import appointments as actions
from booking.models import Appointment, Busy, Message
from integrations import engine, history
from integrations.models import FieldChange, Link, Pair
from integrations.testing.proxy import Fault
from integrations.tests.salon import Salon, at, moment, value

HOUR = timedelta(hours=1)


def cancelled() -> int:
    return Appointment.objects.filter(status="cancelled").count()


@pytest.mark.feature("E11")
def test_deleting_our_event_there_cancels_the_appointment_and_tells_the_customer(salon: Salon):
    """Seen red with CANCEL_HERE doing nothing."""
    appointment = salon.book(at(10))
    salon.sync()
    salon.diary.delete(salon.path(appointment))
    salon.sync()
    appointment.refresh_from_db()
    assert appointment.status == "cancelled"
    assert at(10) in salon.slots()
    assert Message.objects.filter(kind=Message.Kind.CANCELLED, audience="customer").count() == 1
    change = FieldChange.objects.get(kind="delete")
    assert (change.direction, change.old) == ("in", "Haircut – Clara Kunde")
    salon.assert_converged()


def test_a_cancelled_status_there_counts_as_deleted(salon: Salon):
    appointment = salon.book(at(10))
    salon.sync()
    salon.diary.edit(salon.path(appointment), lambda text: text.replace("STATUS:CONFIRMED", "STATUS:CANCELLED"))
    salon.sync()
    appointment.refresh_from_db()
    assert appointment.status == "cancelled"
    salon.assert_converged()
    # Taken back, it stands there once, although the server refuses a second event of the same UID.
    history.revert(FieldChange.objects.get(kind="delete"), user=salon.employee.user)
    salon.sync()
    (path,) = salon.diary.paths()
    assert value(salon.diary.raw(path), "STATUS") == "CONFIRMED"
    salon.assert_converged()


def test_by_rule_a_deleted_event_is_put_back(salon: Salon):
    salon.rule(on_remote_delete="restore")
    appointment = salon.book(at(10))
    salon.sync()
    salon.diary.delete(salon.path(appointment))
    salon.sync()
    appointment.refresh_from_db()
    assert appointment.status == "approved"
    assert moment(salon.event(appointment), "DTSTART") == at(10)
    assert salon.pair(appointment).generation == 2
    assert not Message.objects.filter(kind=Message.Kind.CANCELLED).exists()
    salon.assert_converged()


def test_by_rule_a_deleted_event_is_no_longer_followed(salon: Salon):
    salon.rule(on_remote_delete="unlink")
    appointment = salon.book(at(10))
    salon.sync()
    salon.diary.delete(salon.path(appointment))
    salon.sync()
    actions.reschedule(appointment=appointment, start=at(14), now=timezone.now())
    salon.sync()
    appointment.refresh_from_db()
    assert (appointment.status, appointment.start) == ("approved", at(14))
    assert salon.diary.paths() == []
    salon.assert_converged()


@pytest.mark.feature("B3")
@pytest.mark.parametrize("deleted", [True, False])
def test_emptying_the_calendar_parks_and_asks_and_the_answer_holds(salon: Salon, deleted: bool):
    """F37. Seen red without the guard: everything was cancelled at once; each answer with the other one carried out."""
    appointments = [salon.book(at(10, day=day), name=f"Guest{day}") for day in range(4)]
    salon.sync()
    salon.diary.clear()
    salon.sync()
    link = Link.objects.get()
    assert link.state == Link.State.PARKED
    assert link.problem
    assert cancelled() == 0
    assert all(at(10, day=day) not in salon.slots(day=day) for day in range(4))
    assert not Message.objects.filter(kind=Message.Kind.CANCELLED).exists()
    salon.sync()
    assert cancelled() == 0
    assert engine.answer_gone(link.pk, deleted=deleted)
    salon.sync()
    assert Link.objects.get().state == Link.State.ACTIVE
    if deleted:
        assert cancelled() == 4
        assert salon.diary.paths() == []
    else:
        assert cancelled() == 0
        assert sorted(moment(salon.event(one), "DTSTART") for one in appointments) == [at(10, day=day) for day in range(4)]
    salon.assert_converged()


@pytest.mark.feature("B3")
def test_deleting_one_by_one_within_the_hour_asks_too(salon: Salon):
    """The guard counts within 60 minutes, not per run. Seen red with a guard that counts only those of this run."""
    appointments = [salon.book(at(10, day=day), name=f"Guest{day}") for day in range(5)]
    salon.sync()
    for number, appointment in enumerate(appointments[:3]):
        salon.diary.delete(salon.path(appointment))
        salon.sync()
        assert cancelled() == min(number + 1, 2)
    assert Link.objects.get().state == Link.State.PARKED
    engine.answer_gone(salon.link.pk, deleted=True)
    salon.sync()
    assert cancelled() == 3
    salon.assert_converged()


def test_while_parked_new_bookings_still_go_out_and_edits_come_in(salon: Salon):
    appointments = [salon.book(at(10, day=day), name=f"Guest{day}") for day in range(4)]
    salon.sync()
    for one in appointments[:3]:
        salon.diary.delete(salon.path(one))
    salon.sync()
    assert Link.objects.get().state == Link.State.PARKED
    fresh = salon.book(at(14), name="Fresh")
    salon.diary.shift(salon.path(appointments[3]), HOUR)
    salon.sync()
    appointments[3].refresh_from_db()
    assert appointments[3].start == at(11, day=3)
    assert moment(salon.event(fresh), "DTSTART") == at(14)
    engine.answer_gone(salon.link.pk, deleted=False)
    salon.sync()
    assert len(salon.diary.paths()) == 5
    salon.assert_converged()


def test_moved_into_another_of_the_owners_calendars_it_is_followed(salon: Salon):
    """F60."""
    link, other = salon.connect(salon.employee, writes=False)
    appointment = salon.book(at(10))
    salon.sync()
    moved = salon.diary.move(salon.path(appointment), other)
    salon.sync()
    salon.sync()
    appointment.refresh_from_db()
    assert appointment.status == "approved"
    assert salon.diary.paths() == []
    assert salon.pair(appointment, link).remote_id == moved
    assert not Busy.objects.exists()
    salon.assert_converged()
    actions.reschedule(appointment=appointment, start=at(14), now=timezone.now())
    salon.sync()
    assert moment(other.raw(moved), "DTSTART") == at(14)
    other.shift(moved, HOUR)
    salon.sync()
    appointment.refresh_from_db()
    assert appointment.start == at(15)
    salon.assert_converged()
    actions.cancel(appointment=appointment, now=timezone.now())
    salon.sync()
    assert other.paths() == []
    salon.assert_converged()


def test_moved_and_edited_on_the_way_the_edit_is_taken_in(salon: Salon):
    link, other = salon.connect(salon.employee, writes=False)
    appointment = salon.book(at(10))
    salon.sync()
    moved = salon.diary.move(salon.path(appointment), other)
    other.shift(moved, HOUR)
    for _ in range(3):
        salon.sync()
    appointment.refresh_from_db()
    assert appointment.start == at(11)
    assert salon.pair(appointment, link).remote_id == moved
    salon.assert_converged()


def test_moved_to_where_we_do_not_look_it_counts_as_deleted_only_after_a_while(salon: Salon, settings):
    """F60: never within the grace time."""
    salon.connect(salon.employee, writes=False)
    appointment = salon.book(at(10))
    salon.sync()
    salon.diary.delete(salon.path(appointment))
    salon.sync()
    appointment.refresh_from_db()
    assert appointment.status == "approved"
    assert at(10) not in salon.slots()
    Pair.objects.update(gone_at=timezone.now() - timedelta(seconds=settings.MOVE_GRACE_SECONDS + 1))
    salon.sync()
    appointment.refresh_from_db()
    assert appointment.status == "cancelled"
    salon.assert_converged()


def act_here(salon: Salon, what: str, appointment: Appointment) -> None:
    if what == "edited":
        actions.reschedule(appointment=appointment, start=at(14), now=timezone.now())
    elif what == "deleted":
        actions.cancel(appointment=appointment, now=timezone.now())


def act_there(salon: Salon, what: str, path: str) -> None:
    if what == "edited":
        salon.diary.shift(path, HOUR)
    elif what == "deleted":
        salon.diary.delete(path)


@pytest.mark.feature("E13")
@pytest.mark.parametrize("push_first", [False, True], ids=["read first", "write first"])
@pytest.mark.parametrize(
    ("here", "there", "status", "start", "events"),
    [
        ("unchanged", "unchanged", "approved", 10, 1),
        ("unchanged", "edited", "approved", 11, 1),
        ("unchanged", "deleted", "cancelled", 10, 0),
        ("edited", "unchanged", "approved", 14, 1),
        ("edited", "edited", "approved", 14, 1),
        ("edited", "deleted", "approved", 14, 1),
        ("deleted", "unchanged", "cancelled", 10, 0),
        ("deleted", "edited", "cancelled", 10, 0),
        ("deleted", "deleted", "cancelled", 10, 0),
    ],
)
def test_each_combination_of_what_happened_here_and_there_has_its_outcome(
    salon: Salon, here: str, there: str, status: str, start: int, events: int, push_first: bool
):
    """F57. Seen red with RECREATE_THEIRS left out of the table."""
    appointment = salon.book(at(10))
    salon.sync()
    act_here(salon, here, appointment)
    act_there(salon, there, salon.path(appointment))
    if push_first:
        engine.drain(salon.link.pk)
    for _ in range(2):
        salon.sync()
    appointment.refresh_from_db()
    assert (appointment.status, appointment.start) == (status, at(start))
    found = salon.diary.paths()
    assert len(found) == events
    if events:
        assert moment(salon.diary.raw(found[0]), "DTSTART") == at(start)
    salon.assert_converged()


def test_deleting_twice_is_fine_and_asks_once(salon: Salon):
    """F24."""
    appointment = salon.book(at(10))
    salon.sync()
    path = salon.path(appointment)
    actions.cancel(appointment=appointment, now=timezone.now())
    salon.diary.delete(path)
    engine.drain(salon.link.pk)
    assert [call for call in salon.proxy.calls if call[0] == "DELETE"] == []  # it looked first
    assert salon.pair(appointment).state == Pair.State.CLOSED
    salon.assert_converged()


def test_an_update_of_what_is_gone_there_brings_it_back_once(salon: Salon):
    """F24: gone is no endless error; the edit here outlives the deletion there."""
    appointment = salon.book(at(10))
    salon.sync()
    salon.diary.delete(salon.path(appointment))
    actions.reschedule(appointment=appointment, start=at(14), now=timezone.now())
    assert engine.drain(salon.link.pk) == 1
    assert len(salon.diary.paths()) == 1
    salon.assert_converged()


def test_a_listing_without_our_events_cancels_nothing_while_they_are_there(salon: Salon):
    """F31, F37: absence in a listing proves nothing. The listing is cut by asking for an empty collection in its place."""
    appointments = [salon.book(at(10, day=day), name=f"Guest{day}") for day in range(3)]
    salon.sync()
    Link.objects.update(cursor="something the server no longer knows")
    salon.sync()
    assert cancelled() == 0
    salon.diary.delete(salon.path(appointments[0]))
    Link.objects.update(cursor="something the server no longer knows")
    salon.sync()
    assert cancelled() == 1
    salon.assert_converged()
    empty = b'<?xml version="1.0"?><multistatus xmlns="DAV:"><sync-token>http://radicale.org/ns/sync/empty</sync-token></multistatus>'
    for method in ("REPORT", "PROPFIND"):
        salon.proxy.then(Fault("body", method=method, body=empty), times=4)
    engine.pull(salon.link.pk, full=True)
    salon.proxy.faults.clear()
    assert cancelled() == 1
    assert Link.objects.get().state == Link.State.ACTIVE
    salon.sync()
    salon.assert_converged()
