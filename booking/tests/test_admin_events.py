"""Events in the admin: all goes through the actions, and what they refuse loses nothing."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone

from booking.actions import events
from booking.forms import wall_of
from booking.models import Allocation, Employee, Event, EventPeriod, Message, Registration
from booking.tests.happening import make_event, register
from booking.tests.pages import text_of
from booking.tests.salon import BERLIN, make_employee, soon

LIST = "/admin/booking/event/"

pytestmark = [pytest.mark.django_db, pytest.mark.once]


@pytest.fixture
def eve() -> Employee:
    return make_employee("Eve")


@pytest.fixture
def staff(client: Client, manager) -> Client:
    client.force_login(manager)
    return client


def wall(instant) -> str:
    return wall_of(instant, BERLIN).strftime("%Y-%m-%dT%H:%M")


def row(number: int, start, end, pk: object = "", **fields: str) -> dict[str, str]:
    typed = {"id": str(pk), "begins": wall(start), "ends": wall(end), **fields}
    return {f"periods-{number}-{name}": value for name, value in typed.items()}


def new(organizer: Employee, *rows: dict[str, str], **fields: Any) -> dict[str, Any]:
    typed = {"name": "Wine", "slug": "wine", "organizer": organizer.pk, "timezone": "Europe/Berlin", "capacity": "8", "places_each": "4", "sync_enabled": "on"}
    counts = {"periods-TOTAL_FORMS": str(len(rows)), "periods-INITIAL_FORMS": "0"}
    return {**typed, **counts, **{name: value for one in rows for name, value in one.items()}, **fields}


def shown(client: Client, event: Event) -> dict[str, Any]:
    """What the change page would send back."""
    page = client.get(f"{LIST}{event.pk}/change/")
    assert page.status_code == 200
    context: Any = page.context_data
    typed: dict[str, Any] = {}
    forms = [context["adminform"].form, *(form for one in context["inline_admin_formsets"] for form in (one.formset.management_form, *one.formset.forms))]
    for form in forms:
        for field in form:
            value = field.value()
            if value is None or value is False:
                continue
            typed[field.html_name] = (
                "on" if value is True else field.field.prepare_value(value) if isinstance(value, list) else field.field.widget.format_value(value)
            )
    return {name: value[0] if isinstance(value, list) and len(value) == 1 and name != "staff" else value for name, value in typed.items() if value is not None}


def change(client: Client, event: Event, **typed: Any):
    return client.post(f"{LIST}{event.pk}/change/", shown(client, event) | typed)


def test_adding_makes_a_draft_or_publishes_at_once(staff, eve):
    finn = make_employee("Finn")
    assert staff.post(f"{LIST}add/", new(eve, row(0, soon(18), soon(20)), staff=[finn.pk])).status_code == 302
    draft = Event.objects.get()
    assert (draft.status, draft.periods.get().start, draft.staff.get()) == ("draft", soon(18), finn)
    assert not Allocation.objects.exists()
    rows = [row(0, soon(10), soon(12)), row(1, soon(10, days=8), soon(12, days=8))]
    assert staff.post(f"{LIST}add/", new(eve, *rows, slug="two", decision="publish")).status_code == 302
    assert Allocation.objects.filter(calendar=eve.calendar, kind="event").count() == 2
    assert LogEntry.objects.count() == 2


def test_what_the_action_refuses_is_told_and_everything_typed_stays(staff, eve):
    """Red when the formset does not call the action: it would be saved over the other event."""
    make_event(eve, soon(18), name="Perfume evening")
    answer = staff.post(f"{LIST}add/", new(eve, row(0, soon(19), soon(21)), decision="publish", description="Bring a friend"))
    assert answer.status_code == 200
    page = text_of(answer)
    assert "Eve already has “Perfume evening” on" in page
    for typed in ("Bring a friend", wall(soon(19)), wall(soon(21))):
        assert typed in answer.content.decode()
    assert Event.objects.count() == 1


@pytest.mark.parametrize(
    ("start", "zone", "said"),
    [
        ("2027-03-28T02:30", "Europe/Berlin", "put forward"),
        ("2027-03-28T02:30", "Nowhere/Else", "not a time zone"),
        ("soon", "Europe/Berlin", "date and a time"),
    ],
)
def test_times_that_do_not_exist_are_refused(staff, eve, start, zone, said):
    typed = new(eve, {"periods-0-id": "", "periods-0-begins": start, "periods-0-ends": "2027-03-28T05:00"}, timezone=zone)
    answer = staff.post(f"{LIST}add/", typed)
    assert answer.status_code == 200
    assert said in text_of(answer)
    assert not Event.objects.exists()


def test_the_clock_at_the_event_counts_and_stays_when_only_the_zone_changes(staff, eve):
    typed = new(eve, {"periods-0-id": "", "periods-0-begins": "2027-07-01T18:00", "periods-0-ends": "2027-07-01T20:00"}, timezone="America/New_York")
    assert staff.post(f"{LIST}add/", typed).status_code == 302
    event = Event.objects.get()
    assert event.periods.get().start.isoformat() == "2027-07-01T22:00:00+00:00"
    assert change(staff, event, timezone="Europe/Berlin").status_code == 302
    assert event.periods.get().start.isoformat() == "2027-07-01T16:00:00+00:00"


def test_saving_without_a_change_changes_nothing_even_in_the_hour_that_comes_twice(staff, eve):
    """Red when the instant is made from the wall time again: the second of the two hours would become the first."""
    second = datetime(2027, 10, 31, 1, 30, 7, tzinfo=UTC)  # 02:30 for the second time
    event = make_event(eve, spans=[events.Span(second, second + timedelta(hours=2))])
    versions = Event.history.count() + EventPeriod.history.count()
    assert change(staff, event).status_code == 302
    assert event.periods.get().start == second
    assert Event.history.count() + EventPeriod.history.count() == versions


def test_moving_adding_and_removing_periods_takes_and_frees(staff, eve):
    event = make_event(eve, soon(10), soon(10, days=8))
    first, second = event.periods.all()
    typed = {**row(0, soon(14), soon(15), first.pk), **row(2, soon(9, days=9), soon(10, days=9)), "periods-1-DELETE": "on"}
    assert change(staff, event, **typed).status_code == 302
    assert set(Allocation.objects.values_list("start", flat=True)) == {soon(14), soon(9, days=9)}
    second.refresh_from_db()
    assert second.is_cancelled


def test_fewer_places_than_are_taken_are_refused(staff, eve):
    event = make_event(eve)
    register(event, places=3)
    answer = change(staff, event, capacity="2")
    assert answer.status_code == 200
    assert "3 places are taken already" in text_of(answer)
    assert Event.objects.get().capacity == 10


def test_cancelling_and_putting_back_tell_everybody(staff, eve):
    event = make_event(eve)
    register(event)
    assert change(staff, event, decision="cancel").status_code == 302
    assert not Allocation.objects.exists()
    assert Message.objects.filter(kind="event_cancelled").count() == 1
    answer = change(staff, event, name="Other")
    assert "has been cancelled" in text_of(answer)
    assert change(staff, event, decision="reinstate", name="Other").status_code == 302
    assert Event.objects.get().name == "Other"
    for act, said in (("publish", "Only a draft"), ("cancel", "1 event changed"), ("reinstate", "1 event changed")):
        answer = staff.post(LIST, {"action": act, "_selected_action": [event.pk]}, follow=True)
        assert said in text_of(answer)


def test_an_old_page_does_not_undo_what_happened_meanwhile(staff, eve):
    event = make_event(eve)
    old = shown(staff, event)
    events.move_period(period=event.periods.get(), start=soon(9), end=soon(10), now=timezone.now())
    answer = staff.post(f"{LIST}{event.pk}/change/", old | {"name": "Other"})
    assert "Somebody has changed this event meanwhile" in text_of(answer)
    assert event.periods.get().start == soon(9)


def test_going_back_to_a_version_is_a_change_by_the_action(staff, eve):
    event = make_event(eve, name="Old name")
    version = Event.history.filter(id=event.pk).latest("history_id")
    register(event)
    assert change(staff, event, name="New name").status_code == 302
    page = staff.get(f"{LIST}{event.pk}/history/{version.pk}/")
    form = page.context_data["adminform"].form if hasattr(page, "context_data") else page.context["adminform"].form
    typed = {field.html_name: field.value() for field in form if field.value() not in (None, False)}
    assert staff.post(f"{LIST}{event.pk}/history/{version.pk}/", typed).status_code == 302
    assert Event.objects.get().name == "Old name"
    assert Message.objects.filter(kind="event_changed").count() == 2, "one withdrawn, one for now"


def test_an_event_that_people_registered_for_can_not_be_removed(staff, eve):
    """Red when Registration.event is not protected."""
    event = make_event(eve)
    other = make_event(eve, soon(9), slug="other")
    register(event)
    page = text_of(staff.get(f"{LIST}{event.pk}/delete/"))
    assert "would require deleting the following protected related objects" in page
    staff.post(f"{LIST}{event.pk}/delete/", {"post": "yes"})
    staff.post(LIST, {"action": "delete_selected", "_selected_action": [event.pk, other.pk], "post": "yes"})
    assert Event.objects.count() == 2
    staff.post(LIST, {"action": "delete_selected", "_selected_action": [other.pk], "post": "yes"})
    assert set(Allocation.objects.values_list("start", flat=True)) == {soon(18)}


def test_who_organises_or_helps_can_not_be_removed(staff, eve):
    finn = make_employee("Finn")
    make_event(eve, staff=[finn], published=False)
    for one in (eve, finn):
        staff.post(f"/admin/booking/employee/{one.pk}/delete/", {"post": "yes"})
    assert Employee.objects.count() == 2


def test_registrations_are_listed_and_withdrawn(staff, eve):
    event = make_event(eve)
    made = register(event, places=2)
    assert "Clara Kunde" in text_of(staff.get(f"{LIST}{event.pk}/change/"))
    url = "/admin/booking/registration/"
    assert re.search(r"Clara Kunde.*Perfume evening.*2", text_of(staff.get(url)))
    assert staff.get(f"{url}{made.pk}/change/").status_code == 200
    assert "1 registration cancelled" in text_of(staff.post(url, {"action": "withdraw", "_selected_action": [made.pk]}, follow=True))
    assert not Registration.objects.get().is_live
    assert "already been cancelled" in text_of(staff.post(url, {"action": "withdraw", "_selected_action": [made.pk]}, follow=True))


def test_whoever_may_only_look_can_not_change(client, outsider, eve):
    from django.contrib.auth.models import Permission

    event = make_event(eve)
    outsider.is_staff = True
    outsider.save()
    outsider.user_permissions.set(Permission.objects.filter(codename__in=["view_event", "view_registration", "view_eventperiod"]))
    client.force_login(outsider)
    assert client.get(f"{LIST}{event.pk}/change/").status_code == 200
    assert client.get(LIST).status_code == 200
    assert client.post(f"{LIST}{event.pk}/change/", {}).status_code == 403
    for act, where in (("cancel", LIST), ("withdraw", "/admin/booking/registration/")):
        client.post(where, {"action": act, "_selected_action": [1]})
    assert Event.objects.get().is_live


def test_the_list_asks_a_constant_number_of_questions(staff, eve, django_assert_max_num_queries):
    def questions() -> int:
        with django_assert_max_num_queries(25) as counted:
            staff.get(LIST)
        return len(counted)

    make_event(eve, soon(9))
    questions()
    few = questions()
    for hour in (12, 14, 16):
        register(make_event(make_employee(f"Gil{hour}"), soon(hour), slug=f"at-{hour}"))
    assert questions() == few
