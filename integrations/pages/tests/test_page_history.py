"""The sync history against a real calendar: what travelled, taking it back, and what can't be taken back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from booking.models import Appointment, Status
from integrations.models import Account, FieldChange, Link, Run
from integrations.pages.tests.person import connected, separate
from integrations.pages.tests.salon import book, sync, workday

pytestmark = pytest.mark.django_db(transaction=True)

HISTORY = reverse("integrations:history")


@pytest.fixture
def diary(client, person, background, service) -> str:
    connected(client, person, writes="new")
    return separate(person)


def revert(client, change):
    return client.post(reverse("integrations:revert", args=[change.pk]), follow=True)


@pytest.mark.feature("E16")
def test_it_shows_field_direction_kind_old_and_new(client, person, diary, service):
    """Red without session.record in engine.absorb._merge: the change is not listed."""
    start = workday()
    appointment = book(service, start)
    person.edit(diary, dtstart=start + timedelta(hours=2), dtend=start + timedelta(hours=2, minutes=30), summary="Renamed <i>there</i>")
    sync()
    answer = client.get(HISTORY)
    rows = {(row["change"].direction, row["change"].kind, row["field"]): (row["old"], row["new"]) for row in answer.context["rows"]}
    old, new = rows["in", "update", "Time"]
    assert "10 a.m." in old
    assert "noon" in new  # twelve o'clock in Berlin, the zone of the calendar
    assert rows["in", "update", "Title"][1] == "Renamed <i>there</i>"
    assert ("out", "create", "Time") in rows
    assert "Renamed &lt;i&gt;there" in answer.content.decode()
    # Per item: by the filter, and on the appointment's own page.
    other = book(service, workday(weeks=2), name="Zoe")
    only = client.get(HISTORY, {"item": f"appointment:{appointment.pk}"}).context["rows"]
    assert {row["change"].pair.item_id for row in only} == {appointment.pk}
    page = client.get(reverse("booking:appointment", args=[appointment.pk])).content.decode()
    assert "Sync history" in page
    assert "Renamed &lt;i&gt;there" in page
    assert "Renamed" not in client.get(reverse("booking:appointment", args=[other.pk])).content.decode()


@pytest.mark.feature("E17")
def test_reverting_a_move_moves_both_back(client, person, diary, service, employee):
    """Red without history._times_back: the appointment stays where the calendar put it."""
    start = workday()
    appointment = book(service, start)
    person.edit(diary, dtstart=start + timedelta(hours=2), dtend=start + timedelta(hours=2, minutes=30))
    sync()
    appointment.refresh_from_db()
    assert appointment.start == start + timedelta(hours=2)
    change = FieldChange.objects.get(direction="in", field="when")
    asked = client.get(reverse("integrations:revert", args=[change.pk])).content.decode()
    assert "Revert this change?" in asked
    change.refresh_from_db()
    assert change.reverted_at is None  # looking changes nothing
    revert(client, change)
    sync()
    appointment.refresh_from_db()
    assert appointment.start == start
    assert person.event(diary)["DTSTART"].dt == start
    change.refresh_from_db()
    assert change.reverted_by == employee.user
    assert "reverted by employee" in client.get(HISTORY).content.decode()
    # The second time it is refused in words.
    again = revert(client, change)
    assert again.status_code == 409
    assert "already been reverted" in again.content.decode()


@pytest.mark.feature("E17")
def test_reverting_a_title_brings_the_templates_back_into_the_calendar(client, person, diary, service):
    """Red without history._text_back."""
    book(service, workday())
    before = str(person.event(diary)["SUMMARY"])
    person.edit(diary, summary="Mine")
    sync()
    assert person.event(diary)["SUMMARY"] == "Mine"
    revert(client, FieldChange.objects.get(direction="in", field="title"))
    sync()
    assert person.event(diary)["SUMMARY"] == before


@pytest.mark.feature("E17")
def test_reverting_a_deletion_takes_the_appointment_up_again(client, person, diary, service):
    """Red without local.reinstate in history.revert."""
    Link.objects.filter(reads=True).delete()  # nowhere else to look for it
    for weeks in range(1, 6):
        book(service, workday(weeks=weeks))
    person.http.delete(next(iter(person.events(diary))))
    sync()
    (ended,) = Appointment.objects.filter(status=Status.CANCELLED)
    revert(client, FieldChange.objects.get(direction="in", kind="delete"))
    sync()
    ended.refresh_from_db()
    assert ended.status == Status.APPROVED
    assert len(person.events(diary)) == 5


def test_a_time_that_has_been_taken_meanwhile_is_not_taken_back(client, person, diary, service):
    start = workday()
    appointment = book(service, start)
    person.edit(diary, dtstart=start + timedelta(hours=2), dtend=start + timedelta(hours=2, minutes=30))
    sync()
    book(service, start, name="Zoe")
    answer = revert(client, FieldChange.objects.get(direction="in", field="when"))
    assert answer.status_code == 409
    assert "could not be reverted" in answer.content.decode()
    appointment.refresh_from_db()
    assert appointment.start == start + timedelta(hours=2)
    assert not FieldChange.objects.exclude(reverted_at=None).exists()


def test_a_whole_run_is_undone(client, person, diary, service):
    start = workday()
    appointment = book(service, start)
    before = str(person.event(diary)["SUMMARY"])
    person.edit(diary, dtstart=start + timedelta(hours=2), dtend=start + timedelta(hours=2, minutes=30), summary="Mine")
    sync()
    run = Run.objects.filter(direction="in", changes__isnull=False).latest("started_at")
    assert "Undo all" in client.get(reverse("integrations:runs")).content.decode()
    url = reverse("integrations:undo", args=[run.pk])
    assert "Mine" in client.get(url).content.decode()
    assert "2 changes were reverted" in client.post(url, follow=True).content.decode()
    sync()
    appointment.refresh_from_db()
    assert appointment.start == start
    assert person.event(diary)["SUMMARY"] == before


def test_what_the_owner_made_private_is_hidden_from_managers(client, person, diary, service, employee, manager):
    book(service, workday())
    person.edit(diary, **{"class": "PRIVATE"}, summary="Confidential matter")
    sync()
    assert "Confidential matter" in client.get(HISTORY).content.decode()
    client.force_login(manager)
    answer = client.get(HISTORY, {"employee": employee.pk})
    assert answer.status_code == 200
    assert "Confidential matter" not in answer.content.decode()
    assert "(private)" in answer.content.decode()


@pytest.mark.feature("E16")
def test_the_history_outlives_the_account(client, person, diary, service, employee, manager, background):
    """Seen red with runs and changes that go with their link; and, for the manager, with a `private` that nobody sets."""
    hidden = book(service, workday())
    person.edit(diary, **{"class": "PRIVATE"}, summary="Confidential matter")
    sync()
    book(service, workday(weeks=2), name="Zoe")
    sync()
    client.post(reverse("integrations:disconnect", args=[Account.objects.get().pk]))
    assert not Link.objects.exists()
    page = client.get(HISTORY).content.decode()
    assert "Confidential matter" in page
    assert "Haircut – Zoe" in page
    assert "Confidential matter" in client.get(reverse("booking:appointment", args=[hidden.pk])).content.decode()
    assert "Undo all" not in client.get(reverse("integrations:runs")).content.decode()
    change = FieldChange.objects.filter(direction="in", field="title").get()
    for answer, status in ((client.get(reverse("integrations:revert", args=[change.pk])), 200), (revert(client, change), 409)):
        assert answer.status_code == status
        assert "no longer connected" in answer.content.decode()
    client.force_login(manager)
    page = client.get(HISTORY, {"employee": employee.pk}).content.decode()
    assert "Confidential matter" not in page
    assert "Haircut – Zoe" in page


def test_the_number_of_queries_does_not_grow_with_the_history(client, person, diary, service, employee):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def count(name):
        with CaptureQueriesContext(connection) as found:
            client.get(reverse(f"integrations:{name}"))
        return len(found)

    book(service, workday())
    before = {name: count(name) for name in ("history", "runs", "calendars")}
    for weeks in range(2, 8):
        book(service, workday(weeks=weeks), name=f"Guest{weeks}")
    assert {name: count(name) for name in before} == before
