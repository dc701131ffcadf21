"""Rules saved on the page show in the person's real calendar, and in what can be booked."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from booking.actions import appointments
from booking.models import Appointment, Status
from integrations.models import FieldChange, Link
from integrations.pages.tests.person import connected, separate
from integrations.pages.tests.salon import book, free_starts, save_rules, sync, workday

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def diary(client, person, background, service) -> str:
    """The employee is connected; the address of the separate calendar that appointments go to."""
    connected(client, person, writes="new")
    return separate(person)


@pytest.mark.feature("A4", "A5")
def test_title_and_description_are_the_employees_templates(client, person, diary, service):
    """Red without choosing.rule_changed in rules.rules: the old title stays."""
    book(service, workday())
    before = person.event(diary)
    assert "Haircut" in before["SUMMARY"]
    save_rules(client, title="%customer_first_name% / %service_name%", description="Call %customer_email%\r\nLength %appointment_duration%")
    event = person.event(diary)
    assert event["SUMMARY"] == "Clara / Haircut"
    assert event["DESCRIPTION"] == "Call clara@example.org\nLength 30 min"


@pytest.mark.feature("A6")
def test_pending_ones_are_entered_only_when_wanted_and_as_tentative(client, person, diary, service):
    """Red with `shown` in local.appointments.project ignoring rule.pending."""
    service.needs_approval = True
    service.save()
    book(service, workday())
    assert person.events(diary) == {}
    save_rules(client, pending="yes")
    assert person.event(diary)["STATUS"] == "TENTATIVE"
    save_rules(client, pending="no")
    assert person.events(diary) == {}


@pytest.mark.feature("A7")
def test_customers_are_attendees_when_wanted(client, person, diary, service):
    """Red with `invited = []` in local.appointments: no attendee is there."""
    book(service, workday())
    assert "ATTENDEE" not in person.event(diary)
    save_rules(client, attendees="yes")
    assert "clara@example.org" in person.event(diary)["ATTENDEE"]
    save_rules(client, attendees="no")
    assert "ATTENDEE" not in person.event(diary)


@pytest.mark.feature("A9")
def test_busy_times_close_slots_or_not_as_wanted(client, person, diary, service, employee):
    """Red with rule.busy ignored in engine.absorb._takes_time."""
    start = workday(11)
    person.put(person.personal, start, start + timedelta(minutes=30))
    sync()
    assert "11:00" not in free_starts(client, service, start, employee)
    save_rules(client, busy="no")
    sync()
    assert "11:00" in free_starts(client, service, start, employee)
    save_rules(client, busy="yes")
    sync()
    assert "11:00" not in free_starts(client, service, start, employee)


@pytest.mark.feature("A10")
def test_the_event_spans_the_buffers_when_wanted(client, person, diary, service):
    """Red with rule.buffers ignored in local.appointments."""
    start = workday()
    book(service, start)
    assert (person.event(diary)["DTSTART"].dt, person.event(diary)["DTEND"].dt) == (start, start + timedelta(minutes=30))
    save_rules(client, buffers="yes")
    event = person.event(diary)
    assert (event["DTSTART"].dt, event["DTEND"].dt) == (start - timedelta(minutes=10), start + timedelta(minutes=45))


@pytest.mark.feature("A11")
def test_going_past_the_maximum_is_reported_and_opens_no_slot(client, person, diary, service, employee):
    """Red with complete_until not set by engine.pull: the second event's time is offered."""
    first, second = workday(10), workday(10, weeks=2)
    for start in (first, second):
        person.put(person.personal, start, start + timedelta(minutes=30))
    sync()
    assert "more events than the maximum" not in client.get(reverse("integrations:calendars")).content.decode()
    save_rules(client, max_events="1")
    sync()
    assert "more events than the maximum" in client.get(reverse("integrations:calendars")).content.decode()
    assert "10:00" not in free_starts(client, service, first, employee)
    assert "12:00" in free_starts(client, service, first, employee)
    assert free_starts(client, service, second, employee) == {"09:00"}  # before what was left out
    save_rules(client, max_events="")
    sync()
    assert "12:00" in free_starts(client, service, second, employee)


@pytest.mark.feature("C4")
def test_private_events_count_as_chosen_and_say_nothing(client, person, diary, service, employee, manager):
    """Red with rule.private ignored in engine.absorb._takes_time: the slot stays closed."""
    start = workday(11)
    person.put(person.personal, start, start + timedelta(minutes=30), summary="Secret clinic", **{"class": "PRIVATE"})
    sync()
    assert "11:00" not in free_starts(client, service, start, employee)
    assert "Secret clinic" not in client.get(reverse("integrations:calendars")).content.decode()
    save_rules(client, private="no")
    sync()
    assert "11:00" in free_starts(client, service, start, employee)
    client.force_login(manager)
    for name in ("calendars", "history", "runs"):
        page = client.get(reverse(f"integrations:{name}"), {"employee": employee.pk})
        assert page.status_code == 200
        assert "Secret clinic" not in page.content.decode()


@pytest.mark.feature("C6")
def test_the_window_reaches_back_as_far_as_chosen(client, person, diary, employee):
    """Red with rule.past_days ignored in rules.window."""
    start = workday(weeks=0) - timedelta(days=27)
    person.put(person.personal, start, start + timedelta(hours=1))
    sync()
    assert employee.calendar.busy.count() == 1
    save_rules(client, past_days="5")
    sync()
    assert employee.calendar.busy.count() == 0


@pytest.mark.feature("E11")
def test_the_direction_is_obeyed(client, person, diary, service):
    """Red with rule.direction ignored: the appointment is moved although only the way out is open."""
    start = workday()
    appointment = book(service, start)
    save_rules(client, direction="to")
    later = start + timedelta(hours=2)
    person.edit(diary, dtstart=later, dtend=later + timedelta(minutes=30))
    sync()
    appointment.refresh_from_db()
    assert appointment.start == start
    save_rules(client, direction="both")
    person.edit(diary, dtstart=later, dtend=later + timedelta(minutes=30))
    sync()
    appointment.refresh_from_db()
    assert appointment.start == later
    save_rules(client, direction="off")
    book(service, workday(weeks=2))
    sync()
    assert len(person.events(diary)) == 1


@pytest.mark.feature("E13")
@pytest.mark.parametrize(("priority", "winner"), [("ours", 2), ("theirs", 4)])
def test_the_chosen_side_wins_a_conflict_and_the_loser_is_in_the_history(client, person, diary, service, monkeypatch, priority, winner):
    """Red with the rule's priority ignored in engine.absorb._merge: one of the two sides wins always."""
    start = workday()
    appointment = book(service, start)
    save_rules(client, priority=priority)
    person.edit(diary, dtstart=start + timedelta(hours=4), dtend=start + timedelta(hours=4, minutes=30))
    with _nobody_writes():
        from django.utils import timezone

        appointments.reschedule(appointment=appointment, start=start + timedelta(hours=2), now=timezone.now())
    sync()
    sync()
    appointment.refresh_from_db()
    assert appointment.start == start + timedelta(hours=winner)
    assert person.event(diary)["DTSTART"].dt == start + timedelta(hours=winner)
    assert FieldChange.objects.filter(kind="conflict", field="when").count() == 1
    page = client.get(reverse("integrations:history"), {"kind": "conflict"}).content.decode()
    assert "lost:" in page


@pytest.mark.parametrize(("answer", "status", "events"), [("cancel", Status.CANCELLED, 0), ("restore", Status.APPROVED, 1), ("unlink", Status.APPROVED, 0)])
def test_a_deletion_there_does_what_the_rule_says(client, person, diary, service, answer, status, events):
    book(service, workday())
    book(service, workday(weeks=2))
    book(service, workday(weeks=3))
    book(service, workday(weeks=4))
    book(service, workday(weeks=5))
    save_rules(client, on_remote_delete=answer)
    gone = next(iter(person.events(diary)))
    person.http.delete(gone)
    settle_moves()
    sync()
    sync()
    assert Appointment.objects.filter(status=status).count() == (1 if status == Status.CANCELLED else 5)
    assert len(person.events(diary)) == 4 + events


def settle_moves() -> None:
    """The ten minutes in which it might turn up in the other calendar have passed."""
    from django.db.models import F

    from integrations.models import Pair

    sync()
    Pair.objects.exclude(gone_at=None).update(gone_at=F("gone_at") - timedelta(minutes=30))


def _nobody_writes():
    """Somebody else holds the links, so that both sides change before they meet."""
    from contextlib import contextmanager

    from django.utils import timezone

    @contextmanager
    def held():
        Link.objects.update(lease="somebody", lease_until=timezone.now() + timedelta(minutes=1))
        yield
        Link.objects.update(lease="", lease_until=None)

    return held()
