"""What waits for the owner on the overview: the guard's question, conflicts, changes that could not be written."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from booking.actions import appointments
from booking.models import Appointment, BusySource, Status
from integrations.models import Link, Outgoing, Pair
from integrations.pages.tests.person import connected, separate
from integrations.pages.tests.salon import book, sync, workday

pytestmark = pytest.mark.django_db(transaction=True)

CALENDARS = reverse("integrations:calendars")


@pytest.fixture
def diary(client, person, background, service) -> str:
    connected(client, person, writes="new")
    Link.objects.filter(reads=True).delete()  # nowhere else to look for what is gone
    return separate(person)


def press(client, name, pk, **data):
    return client.post(reverse(f"integrations:{name}", args=[pk]), data, follow=True).content.decode()


@pytest.mark.feature("B3")
@pytest.mark.parametrize(("answer", "status", "events"), [("deleted", Status.CANCELLED, 0), ("back", Status.APPROVED, 3)])
def test_an_emptied_calendar_asks_and_the_answer_is_carried_out(client, person, diary, service, answer, status, events):
    """Red with engine.settle.suspicious always False: all three are cancelled unasked. And without the task answer_gone: nothing follows."""
    for weeks in (1, 2, 3):
        book(service, workday(weeks=weeks))
    person.clear(diary)
    sync()
    assert Appointment.objects.filter(status=Status.APPROVED).count() == 3
    page = client.get(CALENDARS).content.decode()
    assert "3 of our entries are gone in the calendar. Deleted on purpose?" in page
    assert "One of its calendars needs your attention." in page
    link = Link.objects.get()
    assert "choose one of the two answers" in press(client, "gone", link.pk, answer="perhaps")
    assert "Your answer is noted" in press(client, "gone", link.pk, answer=answer)
    assert Appointment.objects.filter(status=status).count() == 3
    assert len(person.events(diary)) == events
    assert "Deleted on purpose" not in client.get(CALENDARS).content.decode()
    assert "answered already" in press(client, "gone", link.pk, answer="back")


def conflict(client, person, diary, service) -> tuple[Appointment, Appointment]:
    """The first is moved in the calendar to where the second is."""
    start = workday()
    first = book(service, start)
    second = book(service, start + timedelta(hours=2), name="Zoe")
    (url,) = (url for url, event in person.events(diary).items() if event["DTSTART"].dt == start)
    import icalendar

    whole = icalendar.Calendar.from_ical(person.http.get(url).content)
    event = whole.walk("VEVENT")[0]
    for name, moment in (("dtstart", second.start), ("dtend", second.end)):
        event.pop(name)
        event.add(name, moment)
    person.http.put(url, content=whole.to_ical(), headers={"Content-Type": "text/calendar"})
    sync()
    return first, second


def test_a_conflict_shows_both_times_and_ours_can_be_kept(client, person, diary, service):
    first, second = conflict(client, person, diary, service)
    page = client.get(CALENDARS).content.decode()
    assert "Conflict: Haircut · Clara Kunde" in page
    assert "10 a.m." in page
    assert "noon" in page
    pair = Pair.objects.get(state="conflict")
    assert "Settled" in press(client, "settle", pair.pk, answer="ours")
    sync()
    first.refresh_from_db()
    assert sorted(event["DTSTART"].dt for event in person.events(diary).values()) == [first.start, second.start]
    assert "settled already" in press(client, "settle", pair.pk, answer="ours")


def test_theirs_is_refused_in_words_while_it_is_taken_and_works_afterwards(client, person, diary, service):
    first, second = conflict(client, person, diary, service)
    pair = Pair.objects.get(state="conflict")
    page = press(client, "settle", pair.pk, answer="theirs")
    assert "time can&#x27;t be taken" in page
    pair.refresh_from_db()
    assert pair.state == Pair.State.CONFLICT
    appointments.cancel(appointment=second, now=timezone.now())
    assert "Settled" in press(client, "settle", pair.pk, answer="theirs")
    first.refresh_from_db()
    assert first.start == second.start


def test_what_was_given_up_is_shown_with_its_reason_and_tried_again(client, person, diary, service):
    appointment = book(service, workday())
    link = Link.objects.get()
    row = Outgoing.objects.create(
        link=link, kind="appointment", item_id=appointment.pk, state="failed", not_before=timezone.now(), error="The server refused it.", hint="Ask its owner."
    )
    page = client.get(CALENDARS).content.decode()
    assert "Could not be written: Haircut · Clara Kunde" in page
    assert "The server refused it." in page
    assert "Ask its owner." in page
    press(client, "try_again", row.pk)
    assert not Outgoing.objects.exists()  # it was tried, and worked


def test_unreadable_events_a_lost_calendar_and_stale_times_are_said_in_words(client, person, background, service):
    connected(client, person)
    link = Link.objects.get()
    Link.objects.update(quarantine={"/odd.ics": "It ends before it begins."}, state="lost", problem="The calendar is gone.")
    page = client.get(CALENDARS).content.decode()
    assert "1 event can&#x27;t be read" in page
    assert "It ends before it begins." in page
    assert "The calendar is gone." in page
    Link.objects.update(state="active", quarantine={})
    BusySource.objects.filter(link=link).update(fetched_at=timezone.now() - timedelta(days=2))
    page = client.get(CALENDARS).content.decode()
    assert "Not read for too long" in page
    assert "can&#x27;t be booked, as you chose" in page
