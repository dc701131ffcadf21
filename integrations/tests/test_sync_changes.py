"""What an employee changes in the calendar comes back, meets what was changed here meanwhile, is in the history and can be undone."""

from __future__ import annotations

import re
import time
from datetime import timedelta

import pytest
from django.utils import timezone

from booking.actions import appointments as actions
from booking.models import Allocation, Busy, Message
from integrations import engine
from integrations.models import FieldChange, Outgoing, Pair
from integrations.tests.salon import Salon, at, lines, moment, value

HOUR = timedelta(hours=1)


@pytest.mark.feature("E11")
@pytest.mark.feature("E16")
@pytest.mark.feature("A17")
def test_moving_our_event_there_moves_the_appointment_tells_the_customer_and_is_in_the_history(salon: Salon):
    """Seen red with APPLY_HERE doing nothing, and without `record` in `_merge`."""
    appointment = salon.book(at(10))
    salon.sync()
    salon.diary.shift(salon.path(appointment), 4 * HOUR)
    salon.sync()
    appointment.refresh_from_db()
    assert (appointment.start, appointment.end) == (at(14), at(14.5))
    assert at(10) in salon.slots()
    assert at(14) not in salon.slots()
    change = FieldChange.objects.get(direction="in")
    assert (change.field, change.kind) == ("when", "update")
    assert change.old is not None
    assert change.new is not None
    assert change.old["start"] < change.new["start"]
    (letter,) = Message.objects.filter(kind=Message.Kind.RESCHEDULED, audience="customer")
    assert letter.recipient == "clara@example.org"
    assert letter.not_before > timezone.now()  # whoever drags it about tells once
    salon.assert_converged()


def test_dragging_it_about_tells_the_customer_once_of_the_last_place(salon: Salon):
    appointment = salon.book(at(10))
    salon.sync()
    for _ in range(3):
        salon.diary.shift(salon.path(appointment), HOUR)
        salon.sync()
    appointment.refresh_from_db()
    assert appointment.start == at(13)
    waiting = Message.objects.filter(kind=Message.Kind.RESCHEDULED, audience="customer", state=Message.State.OPEN)
    assert waiting.count() == 1
    assert waiting.get().context["previous_start"] == at(10).astimezone(timezone.now().tzinfo).isoformat()
    salon.assert_converged()


def test_an_inbound_move_ignores_working_hours(salon: Salon):
    appointment = salon.book(at(10))
    salon.sync()
    salon.diary.shift(salon.path(appointment), 10 * HOUR)
    salon.sync()
    appointment.refresh_from_db()
    assert appointment.start == at(20)
    salon.assert_converged()


def test_stretching_the_event_changes_the_appointments_end(salon: Salon):
    appointment = salon.book(at(10))
    salon.sync()
    salon.diary.edit(salon.path(appointment), lambda text: re.sub(r"(DTEND;TZID[^:]*:\d{8}T)\d{6}", r"\g<1>113000", text))
    salon.sync()
    appointment.refresh_from_db()
    assert (appointment.start, appointment.end) == (at(10), at(11.5))
    salon.assert_converged()


@pytest.mark.feature("E14")
def test_title_there_and_time_here_between_two_syncs_both_survive(salon: Salon):
    """F22. Seen red with an update that writes without If-Match, and with a merge that takes one side whole."""
    appointment = salon.book(at(10))
    salon.sync()
    salon.diary.retitle(salon.path(appointment), "Clara with the big scissors")
    actions.reschedule(appointment=appointment, start=at(14), now=timezone.now())
    engine.drain(salon.link.pk)  # meets the other etag first
    salon.sync()
    appointment.refresh_from_db()
    text = salon.event(appointment)
    assert appointment.start == at(14) == moment(text, "DTSTART")
    assert value(text, "SUMMARY") == "Clara with the big scissors"
    assert not FieldChange.objects.filter(kind="conflict").exists()
    salon.assert_converged()


@pytest.mark.feature("E14")
def test_time_there_and_a_new_template_here_both_survive(salon: Salon):
    """Seen red with a merge that takes one side whole."""
    appointment = salon.book(at(10))
    salon.sync()
    salon.diary.shift(salon.path(appointment), 4 * HOUR)
    salon.rule(title="Neu")
    salon.sync()
    appointment.refresh_from_db()
    text = salon.event(appointment)
    assert appointment.start == at(14) == moment(text, "DTSTART")
    assert value(text, "SUMMARY") == "Neu"
    salon.assert_converged()


@pytest.mark.feature("E13")
@pytest.mark.parametrize("priority", ["ours", "theirs"])
def test_the_same_field_on_both_sides_goes_by_priority_and_the_loser_is_in_the_history(salon: Salon, priority: str):
    """Seen red with the priority fixed to either side, and without the record of what was lost."""
    salon.rule(priority=priority)
    appointment = salon.book(at(10))
    salon.sync()
    salon.diary.shift(salon.path(appointment), 2 * HOUR)
    actions.reschedule(appointment=appointment, start=at(15), now=timezone.now())
    salon.sync()
    salon.sync()
    appointment.refresh_from_db()
    winner, loser = (at(15), at(12)) if priority == "ours" else (at(12), at(15))
    assert appointment.start == winner == moment(salon.event(appointment), "DTSTART")
    lost = FieldChange.objects.get(kind="conflict")
    assert lost.field == "when"
    assert lost.old is not None
    assert lost.old["start"] == loser.astimezone(timezone.now().tzinfo).strftime("%Y-%m-%dT%H:%M:%SZ")
    salon.assert_converged()


@pytest.mark.feature("E13")
@pytest.mark.parametrize("theirs_later", [False, True])
def test_with_newest_the_later_change_wins(salon: Salon, theirs_later: bool):
    """Seen red with a provider that doesn't tell when an event was changed: ours always won."""
    salon.rule(priority="newest")
    appointment = salon.book(at(10))
    salon.sync()
    doings = [
        lambda: salon.diary.shift(salon.path(appointment), 2 * HOUR),
        lambda: actions.reschedule(appointment=appointment, start=at(15), now=timezone.now()),
    ]
    for do in reversed(doings) if theirs_later else doings:
        do()
        time.sleep(1.1)  # the server tells when to the second
    salon.sync()
    salon.sync()
    appointment.refresh_from_db()
    assert moment(salon.event(appointment), "DTSTART") == appointment.start == (at(12) if theirs_later else at(15))
    assert FieldChange.objects.filter(kind="conflict", field="when").count() == 1
    salon.assert_converged()


@pytest.mark.feature("E12")
def test_one_way_there_means_that_edits_there_do_not_come_back(salon: Salon):
    """Seen red with the table of "both" for "to"."""
    salon.rule(direction="to")
    appointment = salon.book(at(10))
    salon.sync()
    salon.diary.shift(salon.path(appointment), 4 * HOUR)
    salon.sync()
    appointment.refresh_from_db()
    assert appointment.start == at(10)
    assert moment(salon.event(appointment), "DTSTART") == at(14)  # nothing until our next change
    actions.reschedule(appointment=appointment, start=at(12), now=timezone.now())
    salon.sync()
    assert moment(salon.event(appointment), "DTSTART") == at(12)
    salon.assert_converged()


@pytest.mark.feature("E12")
def test_one_way_there_puts_a_deleted_event_back_once(salon: Salon):
    """Seen red with the rule for deletions of "both"."""
    salon.rule(direction="to")
    appointment = salon.book(at(10))
    salon.sync()
    salon.diary.delete(salon.path(appointment))
    salon.sync()
    assert len(salon.diary.paths()) == 1
    salon.diary.delete(salon.path(appointment))
    salon.sync()
    appointment.refresh_from_db()
    assert appointment.status == "approved"
    assert salon.diary.paths() == []
    salon.assert_converged()


@pytest.mark.feature("E12")
def test_one_way_back_takes_changes_from_there_and_sends_none(salon: Salon):
    """Seen red with the table of "both" for "from"."""
    appointment = salon.book(at(10))
    salon.sync()
    salon.rule(direction="from")
    salon.diary.shift(salon.path(appointment), HOUR)
    salon.sync()
    appointment.refresh_from_db()
    assert appointment.start == at(11)
    actions.reschedule(appointment=appointment, start=at(15), now=timezone.now())
    salon.sync()
    assert moment(salon.event(appointment), "DTSTART") == at(11)
    fresh = salon.book(at(13), name="Dora")
    salon.sync()
    assert not Pair.objects.filter(item_id=fresh.pk).exclude(remote_id="").exists()
    assert len(salon.diary.paths()) == 1
    salon.assert_converged()


@pytest.mark.feature("E11")
def test_off_sends_and_takes_nothing_but_busy_times_still_count(salon: Salon):
    """Seen red without the check of "off" in decide."""
    appointment = salon.book(at(10))
    salon.sync()
    salon.rule(direction="off")
    salon.diary.shift(salon.path(appointment), HOUR)
    salon.diary.enter("Dentist", at(15), at(16))
    salon.book(at(13), name="Dora")
    salon.sync()
    appointment.refresh_from_db()
    assert appointment.start == at(10)
    assert len(salon.diary.paths()) == 2
    assert at(15) not in salon.slots()
    salon.assert_converged()


@pytest.mark.feature("E19")
def test_an_appointment_that_is_switched_off_is_left_alone_on_both_sides(salon: Salon):
    """Seen red without sync_enabled in the projection."""
    appointment = salon.book(at(10))
    salon.sync()
    actions.edit(appointment=appointment, changes={"sync_enabled": False})
    path = salon.path(appointment)
    actions.reschedule(appointment=appointment, start=at(14), now=timezone.now())
    salon.sync()
    assert moment(salon.diary.raw(path), "DTSTART") == at(10)
    salon.diary.retitle(path, "Mine")
    salon.sync()
    appointment.refresh_from_db()
    assert appointment.start == at(14)
    salon.assert_converged()
    actions.edit(appointment=appointment, changes={"sync_enabled": True})
    salon.sync()
    salon.sync()
    text = salon.diary.raw(path)
    assert (moment(text, "DTSTART"), value(text, "SUMMARY")) == (at(14), "Mine")
    salon.assert_converged()


@pytest.mark.feature("C9")
def test_what_we_do_not_own_survives_our_writes(salon: Salon):
    """F28. Seen red with the whole body written anew instead of rewritten."""
    appointment = salon.book(at(10))
    salon.sync()
    foreign = [
        "X-APPLE-TRAVEL-ADVISORY-BEHAVIOR:AUTOMATIC",
        "COLOR:tomato",
        "CATEGORIES:Work,Hair",
        "CONFERENCE;VALUE=URI:https://meet.example.org/abc",
        "ATTENDEE;CN=Somebody;PARTSTAT=ACCEPTED:mailto:somebody@example.com",
    ]
    alarm = ["BEGIN:VALARM", "ACTION:DISPLAY", "TRIGGER:-PT10M", "DESCRIPTION:Go", "END:VALARM"]
    salon.diary.edit(salon.path(appointment), lambda text: text.replace("END:VEVENT", "\r\n".join([*foreign, *alarm, "END:VEVENT"])))
    salon.sync()
    actions.reschedule(appointment=appointment, start=at(14), now=timezone.now())
    salon.sync()
    text = salon.event(appointment)
    assert moment(text, "DTSTART") == at(14)
    assert set(foreign) | set(alarm) <= set(lines(text))
    salon.assert_converged()


def test_a_move_onto_another_appointment_is_a_conflict_that_a_person_settles(salon: Salon):
    first, second = salon.book(at(10)), salon.book(at(14), name="Dora")
    salon.sync()
    salon.diary.shift(salon.path(first), 4 * HOUR)
    salon.sync()
    first.refresh_from_db()
    pair = salon.pair(first)
    assert (first.start, pair.state) == (at(10), Pair.State.CONFLICT)
    assert at(10) not in salon.slots()
    assert Busy.objects.filter(key=f"conflict:{pair.pk}", start=at(14)).exists()
    assert not Message.objects.filter(kind=Message.Kind.RESCHEDULED).exists()
    salon.assert_converged()
    assert moment(salon.event(first), "DTSTART") == at(14)  # nobody writes before it is settled
    engine.settle_conflict(pair, keep_ours=True)
    salon.sync()
    assert moment(salon.event(first), "DTSTART") == at(10)
    assert not Busy.objects.exists()
    salon.assert_converged()
    salon.diary.shift(salon.path(first), 4 * HOUR)
    salon.sync()
    actions.reschedule(appointment=second, start=at(16), now=timezone.now())
    engine.settle_conflict(salon.pair(first), keep_ours=False)
    salon.sync()
    first.refresh_from_db()
    assert first.start == at(14) == moment(salon.event(first), "DTSTART")
    salon.assert_converged()


def test_where_only_buffers_collide_they_give_way(salon: Salon):
    first, _second = salon.book(at(10)), salon.book(at(14), name="Dora")
    salon.sync()
    salon.diary.shift(salon.path(first), timedelta(hours=3, minutes=20))  # ends ten minutes before the second, whose buffer is five
    salon.sync()
    first.refresh_from_db()
    assert (first.start, first.buffer_after) == (at(13) + timedelta(minutes=20), 5)
    (_, end), (start, _) = sorted(Allocation.objects.values_list("start", "end"))
    assert end == start
    salon.assert_converged()


def test_what_comes_from_a_link_is_not_sent_back_to_it(salon: Salon):
    """F56."""
    appointment = salon.book(at(10))
    salon.sync()
    salon.diary.shift(salon.path(appointment), HOUR)
    engine.pull(salon.link.pk)
    assert not Outgoing.objects.exists()
    text = salon.event(appointment)
    salon.diary.shift(salon.path(appointment), HOUR)  # a real edit right after is still taken in
    salon.sync()
    appointment.refresh_from_db()
    assert appointment.start == at(12)
    assert salon.event(appointment) != text
    salon.assert_converged()


def test_turned_into_a_series_there_the_first_instance_stays_ours_and_the_rest_takes_time(salon: Salon):
    appointment = salon.book(at(10))
    salon.sync()
    salon.diary.edit(salon.path(appointment), lambda text: text.replace("END:VEVENT", "RRULE:FREQ=WEEKLY;COUNT=3\r\nEND:VEVENT"))
    salon.sync()
    appointment.refresh_from_db()
    assert (appointment.status, appointment.start) == ("approved", at(10))
    assert sorted(Busy.objects.values_list("start", flat=True)) == [at(10, day=7), at(10, day=14)]
    salon.assert_converged()


def test_a_copy_a_person_made_is_a_foreign_event(salon: Salon):
    appointment = salon.book(at(10))
    salon.sync()
    text = salon.event(appointment)
    copied = re.sub(r"UID:.*", "UID:copy-of-it", text)
    path = salon.diary.put("copy.ics", re.sub(r"(DT(?:START|END);TZID[^:\n]*:\d{8}T)10(\d{4})", r"\g<1>15\2", copied))
    salon.sync()
    appointment.refresh_from_db()
    assert appointment.start == at(10)
    assert Busy.objects.filter(key=path, start=at(15)).exists()
    salon.diary.delete(path)
    salon.sync()
    appointment.refresh_from_db()
    assert appointment.status == "approved"
    assert not Busy.objects.exists()
    salon.assert_converged()
