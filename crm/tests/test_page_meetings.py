"""The pages of one's own meetings: list, form, single dates, erasing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from booking.actions import appointments
from booking.actions.customers import Guest
from booking.models import Busy
from booking.tests.pages import links_of, text_of
from booking.tests.salon import make_service
from crm import actions
from crm.models import Meeting
from crm.tests.conftest import at

pytestmark = pytest.mark.django_db
LIST, NEW = reverse("crm:meetings"), reverse("crm:meeting_new")


def typed(**changes: Any) -> dict[str, Any]:
    """What a browser sends for a meeting on the Monday after next."""
    day = f"{at(0):%Y-%m-%d}"
    form = {"title": "Kick-off", "start_day": day, "start_time": "10:00", "end_day": day, "end_time": "11:30", "timezone": "Europe/Berlin"}
    return form | {"repeat": "", "until": "", "location": "", "description": "", "show_as": "busy", "reminder": "15", "sync_enabled": "on"} | changes


def shown(client: Client, meeting: Meeting) -> dict[str, Any]:
    """What the form of a meeting would send if nothing were touched."""
    form = client.get(reverse("crm:meeting", args=[meeting.pk])).context["form"]
    found: dict[str, Any] = {}
    for bound in form:
        value = bound.value()
        if value is True:
            found[bound.name] = "on"
        elif value is not False and value is not None:
            found[bound.name] = value.strftime(bound.field.widget.format) if hasattr(value, "strftime") else value
    return found


def test_a_meeting_is_entered_listed_and_takes_its_time(mine, employee):
    assert "No meetings ahead." in text_of(mine.get(LIST))
    answer = mine.post(NEW, typed(private="on"), follow=True)
    assert answer.redirect_chain[-1][0] == LIST
    made = Meeting.objects.get()
    assert (made.owner, made.start, made.end, made.reminder, made.private) == (employee, at(10), at(11) + timedelta(minutes=30), 15, True)
    assert "Kick-off" in text_of(answer)
    busy = Busy.objects.get()
    assert (busy.start, busy.end, busy.title) == (made.start, made.end, "")  # it is private
    assert made.history.get().history_user == employee.user


@pytest.mark.parametrize(
    ("wrong", "field", "told"),
    [
        ({"title": " "}, "title", "Please enter a subject."),
        ({"start_day": "soon"}, "start_day", "Please enter a day."),
        ({"start_time": ""}, "start_time", "Please enter a time."),
        ({"end_time": "09:00"}, "end_day", "The end must not be before the start."),
        ({"repeat": "weekly", "until": "2020-01-01"}, "until", "The repetition must not end before the meeting."),
        ({"timezone": "Mars/Base"}, "timezone", "Select a valid choice"),
        ({"title": "two\nlines"}, "title", "Line breaks"),
    ],
)
def test_wrong_input_is_said_beside_the_field_and_nothing_typed_is_lost(mine, wrong: dict[str, str], field: str, told: str):
    answer = mine.post(NEW, typed(location="Room <7>", **wrong))
    assert answer.status_code == 400
    assert told in answer.context["form"].errors[field][0]
    assert 'value="Room &lt;7&gt;"' in answer.content.decode()
    assert not Meeting.objects.exists()


def test_the_list_divides_what_comes_from_what_is_past_searches_and_leaves_out_cancelled_ones(mine, employee, meeting):
    old = at(10) - timedelta(days=60)
    actions.create(owner=employee, title="Retro", start=old, end=old + timedelta(hours=1))
    series = actions.create(owner=employee, title="Weekly", start=old, end=old + timedelta(hours=1), timezone="Europe/Berlin", recurrence=["RRULE:FREQ=WEEKLY"])
    actions.cancel(meeting=actions.create(owner=employee, title="Off", start=at(12), end=at(13)))
    coming = text_of(mine.get(LIST))
    assert [title in coming for title in ("Budget", "Weekly", "Retro", "Off")] == [True, True, False, False]
    assert coming.index("Weekly") < coming.index("Budget")  # by its next date, not by its first
    assert "every week" in coming
    assert "Retro" in text_of(mine.get(LIST, {"show": "past"}))
    assert "Off" in text_of(mine.get(LIST, {"cancelled": "1"}))
    found = text_of(mine.get(LIST, {"q": "room 1"}))
    assert "Budget" in found
    assert "Weekly" not in found
    assert "No meeting fits your search." in text_of(mine.get(LIST, {"q": "nothing"}))
    assert reverse("crm:meeting", args=[series.pk]) in links_of(mine.get(LIST))


def test_only_what_was_changed_is_written(mine, meeting):
    form = shown(mine, meeting)
    actions.edit(meeting=meeting, changes={"location": "Room 2"})
    answer = mine.post(reverse("crm:meeting", args=[meeting.pk]), form | {"title": "Budget 2", "location": "Room 2"})
    assert answer.status_code == 302, answer.context["form"].errors
    meeting.refresh_from_db()
    assert (meeting.title, meeting.location, meeting.start) == ("Budget 2", "Room 2", at(10))
    page = text_of(mine.get(reverse("crm:meeting", args=[meeting.pk])))
    assert "subject: Budget → Budget 2" in page


def test_all_day_and_across_midnight(mine):
    day, next_day = f"{at(0):%Y-%m-%d}", f"{at(0, day=1):%Y-%m-%d}"
    mine.post(NEW, typed(title="Fair", all_day="on", start_time="", end_time="", end_day=next_day))
    fair = Meeting.objects.get(title="Fair")
    assert (fair.start, fair.end) == (at(0), at(0, day=2))
    assert shown(mine, fair)["end_day"] == next_day
    mine.post(NEW, typed(title="Night", start_time="22:00", end_day=next_day, end_time="02:00"))
    assert Meeting.objects.get(title="Night").end == at(2, day=1)
    assert shown(mine, Meeting.objects.get(title="Night"))["start_day"] == day


def test_a_series_has_dates_that_are_left_out_moved_and_put_back(mine, employee):
    mine.post(NEW, typed(repeat="weekly", until=f"{at(0, day=21):%Y-%m-%d}"))
    series = Meeting.objects.get()
    assert [row.start for row in Busy.objects.order_by("start")] == [at(10, day=7 * week) for week in range(4)]
    page = mine.get(reverse("crm:meeting", args=[series.pk]))
    dates = [link for link in links_of(page) if "/dates/" in link]
    assert len(dates) == 4
    mine.post(dates[1], {"act": "leave_out"})
    day = f"{at(0, day=15):%Y-%m-%d}"
    answer = mine.post(
        dates[2], {"act": "change", "title": "Elsewhere", "start_day": day, "start_time": "14:00", "end_day": day, "end_time": "15:00", "location": ""}
    )
    assert answer.status_code == 302
    assert [row.start for row in Busy.objects.order_by("start")] == [at(10), at(14, day=15), at(10, day=21)]
    told = text_of(mine.get(reverse("crm:meeting", args=[series.pk])))
    assert "does not take place" in told
    assert "differs: Elsewhere" in told
    wrong = mine.post(dates[3], {"act": "change", "title": "", "start_day": day, "start_time": "14:00", "end_day": day, "end_time": "13:00"})
    assert (wrong.status_code, set(wrong.context["form"].errors)) == (400, {"title", "end_day"})
    mine.post(dates[1], {"act": "restore"})
    mine.post(dates[2], {"act": "restore"})
    assert [row.start for row in Busy.objects.order_by("start")] == [at(10, day=7 * week) for week in range(4)]
    assert mine.get(dates[0].replace(dates[0].split("/")[-2], "2031-13-99")).status_code == 404


def test_a_rule_that_the_form_has_no_words_for_is_kept(mine, employee):
    rule = ["RRULE:FREQ=MONTHLY;BYDAY=-1FR"]
    meeting = actions.create(owner=employee, title="Close", start=at(10, day=4), end=at(11, day=4), timezone="Europe/Berlin", recurrence=rule)
    form = shown(mine, meeting)
    assert form["repeat"] == "own"
    mine.post(reverse("crm:meeting", args=[meeting.pk]), form | {"title": "Closing"})
    meeting.refresh_from_db()
    assert (meeting.title, meeting.recurrence) == ("Closing", rule)


def test_deleting_asks_first_and_only_posting_does_it(mine, meeting):
    url = reverse("crm:meeting_delete", args=[meeting.pk])
    assert "Delete this meeting?" in text_of(mine.get(url))
    assert Meeting.objects.exists()
    assert "has been deleted" in text_of(mine.post(url, follow=True))
    assert not Meeting.objects.exists()
    assert not Busy.objects.exists()
    assert Meeting.history.filter(id=meeting.pk, history_type="-").exists()


def test_it_says_when_a_meeting_meets_an_appointment(mine, employee, colleague):
    service = make_service(employee, colleague, needs_approval=False)
    appointments.book(service=service, start=at(10), guest=Guest("Clara", "clara@example.org"), now=at(10) - timedelta(days=2), employee=employee)
    assert "you have an appointment too" in text_of(mine.post(NEW, typed(), follow=True))


def test_nobody_sees_the_meetings_of_others(meeting, colleague, outsider, manager):
    dated = reverse("crm:meeting_date", args=[meeting.pk, "2031-03-10T09:00:00Z"])
    pages = [reverse("crm:meeting", args=[meeting.pk]), reverse("crm:meeting_delete", args=[meeting.pk]), dated]
    for user, code in ((colleague.user, 404), (outsider, 403), (manager, 403)):
        client = Client()
        client.force_login(user)
        assert {client.get(page).status_code for page in pages} == {code}
        assert {client.post(page).status_code for page in pages} == {code}
        assert "Budget" not in client.get(LIST).content.decode()
    assert Meeting.objects.exists()
    assert {Client().get(page).status_code for page in [LIST, NEW, *pages]} == {302}


def test_the_tab_is_there_for_employees_only(mine, manager):
    assert LIST in links_of(mine.get(LIST))
    client = Client()
    client.force_login(manager)
    assert LIST not in links_of(client.get(reverse("booking:profile")))


def test_the_pages_speak_german(mine, meeting):
    mine.cookies["django_language"] = "de"
    assert "Besprechungen" in text_of(mine.get(LIST, headers={"accept-language": "de"}))
    assert "Neue Besprechung" in text_of(mine.get(NEW, headers={"accept-language": "de"}))
