"""What an employee enters in the own calendar closes slots, exactly as long as it stands there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from booking.models import Busy, BusySource
from integrations import choosing, connect, engine
from integrations.models import Account, Link
from integrations.rules import resolve, window
from integrations.tests.salon import Salon, at, monday

HOUR = timedelta(hours=1)


def day_of(start: datetime) -> str:
    return f"{start:%Y%m%d}"


@pytest.mark.feature("A9")
@pytest.mark.feature("A16")
@pytest.mark.feature("A17")
def test_a_busy_event_closes_its_slots_and_deleting_it_opens_them_again(salon: Salon):
    """Seen red without `_close_time` in absorb; the reopening without the drop of a deleted event's rows."""
    before = salon.slots()
    path = salon.diary.enter("Dentist", at(10), at(11))
    salon.sync()
    closed = set(before) - set(salon.slots())
    # 30 minutes with 5 before and 10 after, on a grid of 15: from 9:30 (ends 10:00, 10 after) to 11:00 (5 before).
    assert closed == {start for start in before if start + 40 * timedelta(minutes=1) > at(10) and start - 5 * timedelta(minutes=1) < at(11)}
    assert at(10) in closed
    assert salon.request(at(10)).status_code == 409
    salon.assert_converged()
    salon.diary.delete(path)
    salon.sync()
    assert salon.slots() == before
    assert salon.request(at(10)).status_code == 201
    salon.sync()
    salon.assert_converged()


@pytest.mark.feature("A9")
def test_moving_a_busy_event_opens_the_old_time_and_closes_the_new(salon: Salon):
    """Seen red with `busy.replace` adding instead of replacing."""
    path = salon.diary.enter("Dentist", at(10), at(11))
    salon.sync()
    salon.diary.shift(path, 3 * HOUR)
    salon.sync()
    assert at(10) in salon.slots()
    assert at(13) not in salon.slots()
    salon.assert_converged()


@pytest.mark.feature("A9")
def test_an_all_day_busy_event_closes_the_day_of_the_employees_zone_and_no_other(salon: Salon):
    """Seen red with the dates taken as UTC midnights in the Pacific (the calendar's zone ignored in expand)."""
    salon.diary.enter("Away", day_of(at(0, day=1)), day_of(at(0, day=2)), "TRANSP:OPAQUE")
    salon.sync()
    assert salon.slots(day=1) == []
    assert at(9.25) in salon.slots()
    assert at(9.25, day=2) in salon.slots(day=2)
    held = Busy.objects.get()
    assert (held.start, held.end) == (at(0, day=1), at(0, day=2))
    salon.assert_converged()


@pytest.mark.feature("A9")
@pytest.mark.feature("C7")
def test_a_weekly_series_closes_each_week_except_its_exceptions(salon: Salon):
    """Seen red with only the master's first instance taken, and with the exceptions left out."""
    third = at(10, day=14)
    moved = (
        "BEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20260101T000000Z\r\nSUMMARY:Team, later\r\n"
        + f"RECURRENCE-ID;TZID=Europe/Berlin:{third:%Y%m%dT%H%M%S}\r\nDTSTART;TZID=Europe/Berlin:{third + 4 * HOUR:%Y%m%dT%H%M%S}\r\n"
        + f"DTEND;TZID=Europe/Berlin:{third + 5 * HOUR:%Y%m%dT%H%M%S}\r\nEND:VEVENT"
    )
    second = at(10, day=7)
    path = salon.diary.enter("Team", at(10), at(11), "RRULE:FREQ=WEEKLY;COUNT=5", f"EXDATE;TZID=Europe/Berlin:{second:%Y%m%dT%H%M%S}", exceptions=(moved,))
    salon.sync()
    closed = [at(10, day=7 * week) not in salon.slots(day=7 * week) for week in range(6)]
    assert closed == [True, False, False, True, True, False]
    assert at(14, day=14) not in salon.slots(day=14)
    salon.assert_converged()
    salon.diary.delete(path)
    salon.sync()
    assert not Busy.objects.exists()
    salon.assert_converged()


@pytest.mark.feature("A9")
def test_busy_times_are_ignored_where_the_employee_switched_that_off(salon: Salon):
    """Seen red without `rule.busy` in `_takes_time`."""
    salon.diary.enter("Dentist", at(10), at(11))
    salon.sync()
    salon.rule(busy=False)
    salon.sync()
    assert at(10) in salon.slots()
    salon.assert_converged()
    salon.rule(busy=True)
    salon.sync()
    assert at(10) not in salon.slots()
    salon.assert_converged()


@pytest.mark.feature("C4")
def test_private_events_count_or_not_and_never_show_their_title(salon: Salon):
    """Seen red without `event.private and not rule.private`, and with the title kept for private ones."""
    salon.diary.enter("CANARY-PRIVATE", at(10), at(11), "CLASS:PRIVATE")
    salon.sync()
    assert at(10) not in salon.slots()
    assert list(Busy.objects.values_list("title", flat=True)) == [""]
    salon.rule(private=False)
    salon.sync()
    assert at(10) in salon.slots()


@pytest.mark.feature("A11")
@pytest.mark.feature("B6")
def test_more_events_than_the_limit_close_everything_from_the_first_that_is_left_out(salon: Salon):
    """Seen red without `complete` in mark_read: the fourth event's time was offered."""
    salon.rule(max_events=3)
    for day in range(5):
        salon.diary.enter(f"Number {day}", at(10, day=day), at(11, day=day))
    salon.sync()
    link = Link.objects.get()
    assert link.truncated
    assert [at(10, day=day) in salon.slots(day=day) for day in range(5)] == [False] * 5
    assert salon.slots(day=2) != []
    assert at(9.25, day=2) in salon.slots(day=2)
    assert at(13, day=3) not in salon.slots(day=3)  # nobody knows what else is there
    assert salon.slots(day=4) == []
    assert salon.request(at(13, day=4)).status_code == 409
    engine.pull(link.pk)
    assert salon.slots(day=4) == []  # a further reading opens nothing
    salon.rule(max_events=100)
    salon.sync()
    assert Link.objects.get().truncated is False
    assert at(13, day=4) in salon.slots(day=4)
    assert at(10, day=4) not in salon.slots(day=4)
    salon.assert_converged()


@pytest.mark.feature("A11")
def test_one_event_beyond_the_limit_is_not_bookable(salon: Salon):
    """F30. Seen red with the limit's instant thrown away."""
    salon.rule(max_events=20)
    for number in range(20):
        salon.diary.enter(f"Number {number}", monday() - timedelta(days=7) + number * HOUR, monday() - timedelta(days=7) + (number + 1) * HOUR)
    salon.diary.enter("The last straw", at(10), at(11))
    salon.sync()
    assert at(10) not in salon.slots()


@pytest.mark.feature("C6")
def test_only_the_window_is_read_and_what_reaches_into_it(salon: Salon):
    """F36. Seen red with a window that begins now, and with a query by start only."""
    now = datetime.now(UTC).replace(microsecond=0)
    long_ago = salon.diary.enter("Long ago", now - timedelta(days=60), now - timedelta(days=60) + HOUR)
    recent = salon.diary.enter("Recent", now - timedelta(days=20), now - timedelta(days=20) + HOUR)
    reaching = salon.diary.enter("A long journey", now - timedelta(days=40), at(12))
    far = salon.diary.enter("Far away", now + timedelta(days=1000), now + timedelta(days=1000) + HOUR)
    engine.pull(salon.link.pk, full=True)
    known = set(Busy.objects.values_list("key", flat=True))
    assert {recent, reaching} <= known
    assert not {long_ago, far} & known
    assert salon.slots()
    assert min(salon.slots()) >= at(12)
    span = window(salon.link, resolve(salon.link), now)
    assert (span.end - now).days == 90 + 60
    salon.rule(past_days=70)
    salon.sync()
    assert long_ago in set(Busy.objects.values_list("key", flat=True))


def test_a_change_of_busy_times_comes_with_the_delta_and_not_by_a_full_listing(salon: Salon):
    salon.diary.enter("First", at(10), at(11))
    salon.sync()
    listed = Link.objects.get().listed_at
    salon.diary.enter("Second", at(12), at(13))
    salon.sync()
    assert Link.objects.get().listed_at == listed
    assert Busy.objects.count() == 2


@pytest.mark.feature("A16")
def test_a_customer_cannot_book_over_what_was_read_after_the_page_was_shown(salon: Salon):
    """Seen red with the second look in `book` left out."""
    assert at(10) in salon.slots()
    salon.diary.enter("Walk-in", at(9.75), at(10.25))
    salon.sync()
    answer = salon.request(at(10))
    assert answer.status_code == 409
    assert answer.json()["code"] == "slot_taken"
    assert answer.json()["slots"]


def test_our_own_events_read_back_close_nothing_twice(salon: Salon):
    salon.book(at(10))
    salon.sync()
    salon.sync()
    assert not Busy.objects.exists()
    salon.assert_converged()


def test_the_same_calendar_read_by_two_employees_closes_both(salon: Salon, colleague):
    """F58: our event in a calendar two people share takes the other one's time too."""
    salon.service.employees.add(colleague)
    account = salon.link.account
    twin = Account.objects.create(user=colleague.user, provider="caldav", server=account.server, username=account.username, secrets=account.secrets)
    connect.check(twin.pk)
    twin.refresh_from_db()
    choosing.choose(twin, colleague.calendar, reads={salon.link.remote_id}, writes="")
    salon.diary.enter("Shared", at(14), at(15))
    salon.book(at(10))
    salon.sync()
    salon.sync()
    held = Busy.objects.filter(calendar=colleague.calendar).values_list("start", flat=True)
    assert sorted(held) == [at(10), at(14)]
    assert list(Busy.objects.filter(calendar=salon.employee.calendar).values_list("start", flat=True)) == [at(14)]
    assert len(salon.diary.paths()) == 2
    salon.assert_converged()


@pytest.mark.feature("A9")
@pytest.mark.parametrize(("guest", "closes"), [("mailto:Employee@Example.org", False), ("mailto:else@example.org", True), ("mailto:", True)])
def test_who_declines_by_the_address_we_know_takes_no_time_where_the_server_knows_none(salon: Salon, guest: str, closes: bool):
    """F65: Radicale knows people by user names. Seen red without the employee's address; and for the guest without any, who was taken for the owner."""
    salon.diary.enter("Team", at(10), at(11), "ORGANIZER:mailto:boss@example.org", f"ATTENDEE;PARTSTAT=DECLINED:{guest}")
    salon.sync()
    assert (at(10) not in salon.slots()) == closes
    salon.assert_converged()


def test_the_same_meeting_in_two_calendars_of_one_person_takes_the_time_until_the_last_copy_goes(salon: Salon):
    """F58: an invitation copied into a second calendar has the same UID there. Seen red with a time left out that another calendar of theirs holds already."""
    _, other = salon.connect(salon.employee, writes=False)
    path = salon.diary.enter("Team", at(10), at(11))
    copy = other.put("copy.ics", salon.diary.raw(path))
    salon.sync()
    assert list(Busy.objects.values_list("start", "end")) == [(at(10), at(11))] * 2
    assert at(10) not in salon.slots()
    salon.assert_converged()
    salon.diary.delete(path)
    salon.sync()
    assert list(Busy.objects.values_list("key", "start")) == [(copy, at(10))]
    assert at(10) not in salon.slots()
    salon.assert_converged()
    other.shift(copy, 3 * HOUR)
    salon.sync()
    assert at(10) in salon.slots()
    assert at(13) not in salon.slots()
    other.delete(copy)
    salon.sync()
    assert not Busy.objects.exists()
    salon.assert_converged()


@pytest.mark.feature("B6")
@pytest.mark.parametrize(("policy", "offered"), [("close", False), ("mark", True), ("offer", True)])
def test_stale_busy_times_follow_their_policy(salon: Salon, policy: str, offered: bool):
    """Seen red with stale sources taken for fresh ones."""
    salon.sync()
    BusySource.objects.update(policy=policy, fetched_at=datetime.now(UTC) - timedelta(days=1))
    shown = salon.web.get(f"/api/v1/slots/?service={salon.service.pk}&from={monday():%Y-%m-%d}&to={monday():%Y-%m-%d}").json()["slots"]
    assert bool(shown) == offered
    assert all(slot.get("unsure", False) == (policy == "mark") for slot in shown)
