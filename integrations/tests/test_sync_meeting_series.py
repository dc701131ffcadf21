"""A series of meetings and a real CalDAV server: the whole of it with its exceptions, both ways."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from booking.models import Busy
from crm import actions
from crm.models import Meeting
from integrations import history
from integrations.contract import Window
from integrations.models import FieldChange, Pair
from integrations.tests.salon import Salon, at, lines
from integrations.wire import icalendar
from integrations.wire.recurrence import expand

pytestmark = pytest.mark.feature("C7")
HOUR = timedelta(hours=1)
WEEKLY = "RRULE:FREQ=WEEKLY;COUNT=4"


def meet(salon: Salon, **values: Any) -> Meeting:
    times: dict[str, Any] = {"start": at(10), "end": at(11), "timezone": "Europe/Berlin", "recurrence": [WEEKLY], "title": "Jour fixe"}
    return actions.create(owner=salon.employee, **(times | values))


def key(week: int, hour: float = 10) -> str:
    return at(hour, day=7 * week).astimezone(UTC).isoformat().replace("+00:00", "Z")


def path_of(meeting: Meeting) -> str:
    return Pair.objects.get(kind="meeting", item_id=meeting.pk).remote_id


def shown(salon: Salon, meeting: Meeting) -> list[tuple[datetime, str]]:
    """(start, title) of all its dates as any program sees them in the calendar."""
    change = icalendar.change(path_of(meeting), "", salon.diary.raw(path_of(meeting)).encode())
    assert change is not None
    assert change.item is not None
    found = expand(change.item, change.exceptions, Window(at(0), at(0, day=60)))
    return [(one.start, one.item.title) for one in found.instances if one.status != "cancelled"]


def taken(salon: Salon) -> list[datetime]:
    return list(Busy.objects.filter(calendar=salon.employee.calendar).order_by("start").values_list("start", flat=True))


def override(text: str, week: int, *, by: timedelta = HOUR, title: str = "Moved") -> str:
    """What a client writes that moves one date."""
    event = re.search(r"BEGIN:VEVENT.*?END:VEVENT\r\n", text, re.DOTALL)
    assert event
    start = at(10, day=7 * week)
    one = re.sub(r"^(RRULE|EXDATE)[^\r]*\r\n", "", event[0], flags=re.MULTILINE)
    one = re.sub(r"^DTSTART[^\r]*", f"DTSTART;TZID=Europe/Berlin:{start + by:%Y%m%dT%H%M%S}", one, flags=re.MULTILINE)
    one = re.sub(r"^DTEND[^\r]*", f"DTEND;TZID=Europe/Berlin:{start + by + HOUR:%Y%m%dT%H%M%S}", one, flags=re.MULTILINE)
    one = re.sub(r"^SUMMARY[^\r]*", f"SUMMARY:{title}", one, flags=re.MULTILINE)
    one = one.replace("BEGIN:VEVENT\r\n", f"BEGIN:VEVENT\r\nRECURRENCE-ID;TZID=Europe/Berlin:{start:%Y%m%dT%H%M%S}\r\n")
    return text.replace("END:VCALENDAR", one + "END:VCALENDAR")


def leave_out(text: str, week: int) -> str:
    return text.replace("SUMMARY:", f"EXDATE;TZID=Europe/Berlin:{at(10, day=7 * week):%Y%m%dT%H%M%S}\r\nSUMMARY:", 1)


def test_the_whole_series_travels_with_dates_left_out_and_moved(salon: Salon):
    meeting = meet(salon)
    actions.change_date(meeting=meeting, original=key(1), said=None)
    actions.change_date(meeting=meeting, original=key(2), said={"start": at(14, day=14), "end": at(15, day=14), "title": "Moved"})
    salon.sync()
    assert shown(salon, meeting) == [(at(10), "Jour fixe"), (at(14, day=14), "Moved"), (at(10, day=21), "Jour fixe")]
    assert taken(salon) == [at(10), at(14, day=14), at(10, day=21)]
    salon.assert_converged()


def test_dates_left_out_and_moved_in_the_calendar_are_so_here_and_free_and_take_their_time(salon: Salon):
    meeting = meet(salon)
    salon.sync()
    salon.diary.edit(path_of(meeting), lambda text: override(leave_out(text, 1), 2))
    salon.sync()
    found = Meeting.objects.get()
    assert found.exceptions[key(1)] is None
    assert found.exceptions[key(2)]["title"] == "Moved"
    assert taken(salon) == [at(10), at(11, day=14), at(10, day=21)]
    assert at(10.25, day=7) in salon.slots(day=7)
    assert at(11.25, day=14) not in salon.slots(day=14)
    salon.assert_converged()


def test_a_change_of_the_series_here_keeps_what_single_dates_say_and_whatever_else_stands_there(salon: Salon):
    meeting = meet(salon)
    salon.sync()
    salon.diary.edit(path_of(meeting), lambda text: override(text, 2, title="Jour fixe").replace("BEGIN:VEVENT", "BEGIN:VEVENT\r\nX-OTHER:kept"))
    salon.sync()
    actions.edit(meeting=Meeting.objects.get(), changes={"title": "Weekly"})
    salon.sync()
    assert {title for _, title in shown(salon, meeting)} == {"Weekly"}
    assert lines(salon.diary.raw(path_of(meeting))).count("X-OTHER:kept") == 2
    assert taken(salon) == [at(10), at(10, day=7), at(11, day=14), at(10, day=21)]
    salon.assert_converged()


def test_moved_here_the_series_takes_its_changed_dates_along(salon: Salon):
    meeting = meet(salon)
    salon.sync()
    salon.diary.edit(path_of(meeting), lambda text: override(leave_out(text, 1), 2))
    salon.sync()
    found = Meeting.objects.get()
    actions.edit(meeting=found, changes={"start": at(12), "end": at(13)})
    salon.sync()
    assert [start for start, _ in shown(salon, meeting)] == [at(12), at(11, day=14), at(12, day=21)]
    assert taken(salon) == [at(12), at(11, day=14), at(12, day=21)]
    salon.assert_converged()


def test_another_rule_travels_both_ways_and_so_does_its_end(salon: Salon):
    meeting = meet(salon)
    salon.sync()
    actions.edit(meeting=meeting, changes={"recurrence": ["RRULE:FREQ=WEEKLY;COUNT=2"]})
    salon.sync()
    assert [start for start, _ in shown(salon, meeting)] == [at(10), at(10, day=7)]
    salon.diary.edit(path_of(meeting), lambda text: text.replace("COUNT=2", "INTERVAL=2;COUNT=3"))
    salon.sync()
    assert taken(salon) == [at(10), at(10, day=14), at(10, day=28)]
    salon.diary.edit(path_of(meeting), lambda text: re.sub("RRULE:FREQ=WEEKLY[^\r]*\r\n", "", text))
    salon.sync()
    assert Meeting.objects.get().recurrence == []
    assert taken(salon) == [at(10)]
    salon.assert_converged()


def test_a_single_meeting_becomes_a_series_in_the_calendar(salon: Salon):
    """Seen red with SERIES false: its first date was ours, the rest foreign."""
    meeting = meet(salon, recurrence=[])
    salon.sync()
    salon.diary.edit(path_of(meeting), lambda text: text.replace("SUMMARY", f"{WEEKLY}\r\nSUMMARY", 1))
    salon.sync()
    assert taken(salon) == [at(10, day=7 * week) for week in range(4)]
    assert Busy.objects.exclude(source=salon.link.source).count() == 4
    salon.assert_converged()


def test_a_series_of_others_is_taken_over_whole(salon: Salon):
    salon.rule("meeting", imports=True)
    start = at(10)
    moved = ["BEGIN:VEVENT", "UID:{uid}", "DTSTAMP:20260101T000000Z", "SUMMARY:Choir", f"RECURRENCE-ID;TZID=Europe/Berlin:{at(10, day=7):%Y%m%dT%H%M%S}"]
    moved += [f"DTSTART;TZID=Europe/Berlin:{at(16, day=7):%Y%m%dT%H%M%S}", f"DTEND;TZID=Europe/Berlin:{at(17, day=7):%Y%m%dT%H%M%S}", "END:VEVENT"]
    path = salon.diary.enter("Choir", start, start + HOUR, WEEKLY, exceptions=("\r\n".join(moved),))
    salon.sync()
    meeting = Meeting.objects.get()
    assert taken(salon) == [at(10), at(16, day=7), at(10, day=14), at(10, day=21)]
    salon.assert_converged()
    actions.restore_date(meeting=meeting, original=key(1))
    actions.change_date(meeting=meeting, original=key(3), said=None)
    salon.sync()
    assert [one for one, _ in shown(salon, meeting)] == [at(10), at(10, day=7), at(10, day=14)]
    assert path_of(meeting) == path
    salon.assert_converged()


def test_an_endless_series_takes_time_as_far_as_customers_can_book(salon: Salon):
    meeting = meet(salon, recurrence=["RRULE:FREQ=WEEKLY"])
    salon.sync()
    assert at(10.25, day=56) not in salon.slots(day=56)
    assert len(taken(salon)) > 100
    salon.diary.delete(path_of(meeting))
    salon.rule("meeting", on_remote_delete="cancel")
    salon.sync()
    assert taken(salon) == [] or Meeting.objects.get().is_live  # the only one of its calendar: a person is asked first
    salon.assert_converged()


def test_all_day_series_are_days_in_the_owners_calendar(salon: Salon):
    meeting = meet(salon, all_day=True, start=at(0), end=at(0, day=1))
    salon.sync()
    assert "DTSTART;VALUE=DATE:" in salon.diary.raw(path_of(meeting))
    assert salon.slots() == []
    day = f"{at(0, day=7):%Y%m%d}"
    salon.diary.edit(path_of(meeting), lambda text: text.replace("RRULE:", f"EXDATE;VALUE=DATE:{day}\r\nRRULE:", 1))
    salon.sync()
    assert Meeting.objects.get().exceptions == {f"{at(0, day=7):%Y-%m-%d}": None}
    assert taken(salon) == [at(0), at(0, day=14), at(0, day=21)]
    salon.assert_converged()


def test_what_was_changed_in_a_series_there_goes_back(salon: Salon, admin):
    meeting = meet(salon)
    salon.sync()
    salon.diary.edit(path_of(meeting), lambda text: override(leave_out(text, 1), 2))
    salon.sync()
    history.revert(FieldChange.objects.get(field="recurrence", direction="in"), user=admin)
    salon.sync()
    assert [one for one, _ in shown(salon, meeting)] == [at(10, day=7 * week) for week in range(4)]
    assert taken(salon) == [at(10, day=7 * week) for week in range(4)]
    salon.assert_converged()


def test_a_rule_that_can_not_be_followed_changes_nothing_here_and_is_shown(salon: Salon):
    meeting = meet(salon)
    salon.sync()
    salon.diary.edit(path_of(meeting), lambda text: text.replace("FREQ=WEEKLY", "FREQ=SECONDLY"))
    salon.sync()
    assert Meeting.objects.get().recurrence == [WEEKLY]
    salon.link.refresh_from_db()
    assert list(salon.link.quarantine) == [path_of(meeting)]
