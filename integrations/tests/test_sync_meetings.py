"""A user's own meetings and a real CalDAV server: there and back, the time they take, and what the calendar's other events become."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from booking.availability import explain
from booking.models import Busy
from crm import actions
from crm.models import Meeting
from integrations import choosing, connect, history
from integrations.models import Account, FieldChange, Link, Pair
from integrations.tests.salon import BERLIN, Salon, at, lines, moment, value

HOUR = timedelta(hours=1)


def meet(salon: Salon, hour: float = 10, **values: Any) -> Meeting:
    start = at(hour)
    times: dict[str, Any] = {"start": start, "end": start + HOUR, "timezone": "Europe/Berlin"}
    return actions.create(owner=salon.employee, **(times | {"title": "Budget"} | values))


def pair_of(meeting: Meeting) -> Pair:
    return Pair.objects.get(kind="meeting", item_id=meeting.pk)


def there(salon: Salon, meeting: Meeting) -> str:
    """What the calendar holds of it, as text."""
    return salon.diary.raw(pair_of(meeting).remote_id)


def read(meeting: Meeting) -> Meeting:
    return Meeting.objects.get(pk=meeting.pk)


def offered(salon: Salon, hour: float) -> bool:
    return at(hour) in salon.slots()


@pytest.mark.feature("C9")
def test_subject_times_description_place_and_visibility_travel_both_ways(salon: Salon):
    """Seen red with "location" left out of the projected event, and of what is taken over."""
    meeting = meet(salon, title="Budget; Q3", description="Bring\nfigures", location="Room 1", private=True)
    salon.sync()
    text = there(salon, meeting)
    assert (value(text, "SUMMARY"), value(text, "DESCRIPTION"), value(text, "LOCATION"), value(text, "CLASS")) == (
        "Budget; Q3",
        "Bring\nfigures",
        "Room 1",
        "PRIVATE",
    )
    assert (moment(text, "DTSTART"), moment(text, "DTEND")) == (at(10), at(11))

    path = pair_of(meeting).remote_id
    changes = {"SUMMARY:Budget\\; Q3": "SUMMARY:Budget 2027", "LOCATION:Room 1": "LOCATION:Room 2", "CLASS:PRIVATE": "CLASS:PUBLIC"}
    changes |= {"DESCRIPTION:Bring\\nfigures": "DESCRIPTION:Nothing to bring"}
    for old, new in changes.items():
        salon.diary.put(path, salon.diary.raw(path).replace(old, new))
    salon.diary.shift(path, 2 * HOUR)
    salon.sync()
    found = read(meeting)
    assert (found.title, found.description, found.location, found.private) == ("Budget 2027", "Nothing to bring", "Room 2", False)
    assert (found.start, found.end) == (at(12), at(13))
    salon.assert_converged()


def test_a_meeting_keeps_its_owner_busy_once_and_says_so(salon: Salon):
    meeting = meet(salon)
    salon.sync()
    salon.sync()
    assert [(row.start, row.end, row.title) for row in Busy.objects.all()] == [(at(10), at(11), "Budget")]
    assert not offered(salon, 10.5)
    assert offered(salon, 11.25)
    told = explain(service=salon.service, employee=salon.employee, start=at(10.5), now=timezone.now(), owner=True)
    assert [(one.code, one.title) for one in told.reasons] == [("busy", "Budget")]
    salon.diary.shift(pair_of(meeting).remote_id, 3 * HOUR)
    salon.sync()
    assert [(row.start, row.end) for row in Busy.objects.all()] == [(at(13), at(14))]
    assert offered(salon, 10.5)
    salon.assert_converged()


@pytest.mark.parametrize(("rule", "status", "left"), [("cancel", "cancelled", 0), ("restore", "planned", 1), ("unlink", "planned", 0)])
def test_deleted_in_the_calendar_the_rule_for_meetings_decides(salon: Salon, rule: str, status: str, left: int):
    """Seen red with the rule of appointments asked for meetings too."""
    salon.rule(on_remote_delete="restore" if rule != "restore" else "cancel")
    salon.rule("meeting", on_remote_delete=rule)
    kept = meet(salon, 14, title="Another")  # alone in its calendar it would be asked about
    meeting = meet(salon)
    salon.sync()
    salon.diary.delete(pair_of(meeting).remote_id)
    salon.sync()
    assert read(meeting).status == status
    assert len(salon.diary.paths()) == left + 1
    assert Busy.objects.filter(start=at(10)).exists() is (status == "planned")
    assert read(kept).status == "planned"
    salon.assert_converged()


def test_cancelled_or_deleted_here_it_leaves_the_calendar_and_put_back_it_returns(salon: Salon):
    """Seen red without item_changed in `delete`."""
    meeting, other = meet(salon), meet(salon, 14)
    salon.sync()
    actions.cancel(meeting=meeting)
    actions.delete(meeting=other)
    salon.sync()
    assert salon.diary.paths() == []
    assert not Busy.objects.exists()
    salon.assert_converged()
    actions.reinstate(meeting=meeting)
    salon.sync()
    assert value(there(salon, meeting), "SUMMARY") == "Budget"
    salon.assert_converged()


@pytest.mark.feature("E11")
@pytest.mark.feature("E12")
def test_one_way_to_the_calendar_edits_there_do_not_travel_back(salon: Salon):
    """Seen red with the direction of appointments ("both") asked for meetings."""
    salon.rule("meeting", direction="to")
    meeting = meet(salon)
    salon.sync()
    salon.diary.retitle(pair_of(meeting).remote_id, "Mine")
    salon.diary.shift(pair_of(meeting).remote_id, HOUR)
    salon.sync()
    assert (read(meeting).title, read(meeting).start) == ("Budget", at(10))
    actions.edit(meeting=meeting, changes={"title": "Budget 2"})
    salon.sync()
    assert value(there(salon, meeting), "SUMMARY") == "Budget 2"
    salon.assert_converged()


def test_one_way_from_the_calendar_nothing_of_ours_travels_there(salon: Salon):
    salon.rule("meeting", direction="from")
    own = meet(salon, 14)
    path = salon.diary.enter("Dentist", at(10), at(11))
    salon.sync()
    taken = Meeting.objects.get(title="Dentist")
    actions.edit(meeting=taken, changes={"title": "Mine", "start": at(11), "end": at(12)})
    salon.sync()
    assert salon.diary.paths() == [path]
    assert value(salon.diary.raw(path), "SUMMARY") == "Dentist"
    salon.diary.shift(path, 5 * HOUR)
    salon.sync()
    assert (read(taken).title, read(taken).start) == ("Mine", at(15))  # a field that the calendar changes is the calendar's again
    actions.delete(meeting=taken)
    salon.sync()
    salon.sync()
    assert salon.diary.paths() == [path]
    assert list(Meeting.objects.all()) == [own]  # deleted here it stays deleted, and its time is foreign
    assert Busy.objects.filter(start=at(15), source=salon.link.source).exists()
    salon.assert_converged()


def test_switched_off_nothing_travels_and_appointments_go_on(salon: Salon):
    salon.rule("meeting", direction="off")
    meet(salon)
    appointment = salon.book(at(14))
    salon.sync()
    assert salon.diary.paths() == [salon.path(appointment)]
    salon.assert_converged()


@pytest.mark.feature("E13")
@pytest.mark.parametrize(("priority", "title"), [("ours", "Here"), ("theirs", "There")])
def test_changed_on_both_sides_the_rule_for_meetings_decides_and_different_fields_merge(salon: Salon, priority: str, title: str):
    """Seen red with the priority of appointments asked for meetings."""
    salon.rule("meeting", priority=priority)
    salon.rule(priority="theirs" if priority == "ours" else "ours")
    meeting = meet(salon)
    salon.sync()
    salon.diary.retitle(pair_of(meeting).remote_id, "There")
    salon.diary.shift(pair_of(meeting).remote_id, HOUR)
    actions.edit(meeting=meeting, changes={"title": "Here", "location": "Room 7"})
    salon.sync()
    found = read(meeting)
    assert (found.title, found.location, found.start) == (title, "Room 7", at(11))
    assert (value(there(salon, meeting), "SUMMARY"), value(there(salon, meeting), "LOCATION")) == (title, "Room 7")
    assert FieldChange.objects.filter(item_kind="meeting", kind="conflict", field="title").count() == 1
    salon.assert_converged()


@pytest.mark.feature("C4")
def test_private_meetings_travel_only_where_the_box_is_ticked(salon: Salon):
    """Seen red with `private` left out of the projection's conditions."""
    salon.rule("meeting", private=False, direction="from")
    salon.rule("meeting", private=False, direction="both", imports=True)
    meet(salon, private=True, title="Secret")
    shown = meet(salon, 12)
    foreign = salon.diary.enter("Own secret", at(14), at(15), "CLASS:PRIVATE")
    salon.sync()
    assert set(salon.diary.paths()) == {foreign, pair_of(shown).remote_id}
    assert not Meeting.objects.filter(title="Own secret").exists()
    assert [(row.start, row.title) for row in Busy.objects.order_by("start")] == [(at(10), ""), (at(12), "Budget"), (at(14), "")]
    salon.assert_converged()
    salon.rule("meeting", private=True)
    salon.sync()
    assert len(salon.diary.paths()) == 3
    assert Meeting.objects.get(title="Own secret").private
    salon.assert_converged()


@pytest.mark.feature("E11")
def test_other_events_are_busy_times_until_the_rule_takes_them_over(salon: Salon):
    """Seen red with `takes` true for every direction, and without dropping the busy time of what was taken over."""
    path = salon.diary.enter("Dentist", at(10), at(11), "LOCATION:Main Street", "ATTENDEE:mailto:dr@example.org", "X-OTHER:kept")
    salon.sync()
    assert not Meeting.objects.exists()
    assert Busy.objects.get().source == Link.objects.get().source
    salon.assert_converged()

    salon.rule("meeting", imports=True)
    salon.sync()
    taken = Meeting.objects.get()
    assert (taken.title, taken.location, taken.start, taken.owner) == ("Dentist", "Main Street", at(10), salon.employee)
    assert Busy.objects.get().source.label == "Besprechungen"  # the owner reads German
    writes = salon.writes()
    salon.assert_converged()
    assert salon.writes() == writes  # nothing was written into somebody's own event

    actions.edit(meeting=taken, changes={"title": "Dr. Ice", "start": at(12), "end": at(13)})
    salon.sync()
    text = salon.diary.raw(path)
    assert (value(text, "SUMMARY"), moment(text, "DTSTART"), value(text, "X-OTHER")) == ("Dr. Ice", at(12), "kept")
    assert [line for line in lines(text) if "dr@example.org" in line]
    salon.assert_converged()


def test_what_was_taken_over_is_known_again_after_connecting_anew(salon: Salon):
    """Seen red without looking for the UID among the owner's meetings: there were two of them."""
    salon.rule("meeting", imports=True)
    path = salon.diary.enter("Dentist", at(10), at(11))
    own = meet(salon, 14)
    salon.sync()
    account = Account.objects.get()
    calendar = salon.link.remote_id
    known, secrets = account.calendars, account.secrets
    connect.disconnect(account)
    again = Account.objects.create(
        user=salon.employee.user, provider="caldav", server=account.server, username=account.username, secrets=secrets, state="connected", calendars=known
    )
    choosing.choose(again, salon.employee.calendar, reads={calendar}, writes=calendar)
    salon.link = Link.objects.get()
    salon.rule("meeting", imports=True)
    salon.sync()
    assert Meeting.objects.count() == 2
    assert len(salon.diary.paths()) == 2
    assert pair_of(Meeting.objects.exclude(pk=own.pk).get()).remote_id == path
    salon.assert_converged()


def test_the_events_of_a_colleague_in_a_shared_calendar_become_nobodys_meetings(salon: Salon, colleague):
    """Seen red without looking for our own marker: Emma's appointment became Carl's meeting."""
    appointment = salon.book(at(10))
    salon.sync()
    account = Account.objects.create(
        user=colleague.user,
        provider="caldav",
        server=salon.proxy.address,
        username=salon.server.username,
        secrets={"password": salon.server.password},
    )
    assert connect.check(account.pk)
    account.refresh_from_db()
    choosing.choose(account, colleague.calendar, reads={salon.link.remote_id}, writes="")
    theirs = Link.objects.get(calendar=colleague.calendar)
    salon.rule("meeting", link=theirs, direction="from")
    salon.sync()
    assert not Meeting.objects.exists()
    assert Busy.objects.get(calendar=colleague.calendar).start == appointment.start
    salon.assert_converged()


def test_what_the_calendar_changed_is_in_the_history_and_goes_back_on_both_sides(salon: Salon, admin):
    meeting = meet(salon, location="Room 1")
    salon.sync()
    path = pair_of(meeting).remote_id
    salon.diary.retitle(path, "Changed")
    salon.diary.shift(path, HOUR)
    salon.sync()
    told = {one.field: one for one in FieldChange.objects.filter(item_kind="meeting", direction="in")}
    assert (told["title"].old, told["title"].new) == ("Budget", "Changed")
    for change in told.values():
        history.revert(change, user=admin)
    salon.sync()
    found = read(meeting)
    assert (found.title, found.start, found.location) == ("Budget", at(10), "Room 1")
    assert (value(there(salon, meeting), "SUMMARY"), moment(there(salon, meeting), "DTSTART")) == ("Budget", at(10))
    salon.assert_converged()


def test_undoing_a_take_over_leaves_the_owners_event_alone(salon: Salon, admin):
    """Seen red without letting the pair go: the owner's own event was deleted."""
    salon.rule("meeting", imports=True)
    path = salon.diary.enter("Dentist", at(10), at(11))
    salon.sync()
    history.revert(FieldChange.objects.get(kind="create", field="when"), user=admin)
    salon.sync()
    assert Meeting.objects.get().status == "cancelled"
    assert salon.diary.paths() == [path]
    assert Busy.objects.get().source == Link.objects.get().source
    salon.assert_converged()


@pytest.mark.feature("C6")
def test_the_window_for_meetings_is_thirty_days_back(salon: Salon):
    """Seen red with the projection's look at past_days taken out."""
    salon.rule("meeting", imports=True)
    now = timezone.now().astimezone(BERLIN).replace(minute=0, second=0, microsecond=0)
    old, recent = now - timedelta(days=40), now - timedelta(days=20)
    actions.create(owner=salon.employee, title="Old", start=old, end=old + HOUR)
    kept = actions.create(owner=salon.employee, title="Recent", start=recent, end=recent + HOUR)
    salon.diary.enter("Their old", old, old + HOUR)
    salon.diary.enter("Their recent", recent, recent + HOUR)
    salon.sync()
    assert {one.title for one in Meeting.objects.all()} == {"Old", "Recent", "Their recent"}
    assert not Pair.objects.exclude(item_id__in=Meeting.objects.exclude(title="Old")).exists()
    assert value(there(salon, kept), "SUMMARY") == "Recent"
    salon.assert_converged()


def test_kept_out_of_the_sync_a_meeting_stays_here(salon: Salon):
    """Seen red without `sync_enabled` in the projection."""
    meeting = meet(salon, sync_enabled=False)
    salon.sync()
    assert salon.diary.paths() == []
    actions.edit(meeting=meeting, changes={"sync_enabled": True})
    salon.sync()
    assert len(salon.diary.paths()) == 1
    salon.assert_converged()
