"""Before a choice of calendars is made a page says exactly what it will create, change and remove on each side, and on which times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from booking.models import Appointment
from integrations.models import Account, FieldChange, Link, Outgoing, Pair, Plan
from integrations.pages.tests.person import choose, connect, connected
from integrations.pages.tests.salon import book, workday
from integrations.tasks import sweep

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def booked(service):
    return book(service, workday())


def look(client, account, *, reads, writes):
    return client.post(reverse("integrations:choose", args=[account.pk]), {"reads": reads, "writes": writes}, follow=True).content.decode()


def agree(client, account):
    return client.post(reverse("integrations:plan", args=[account.pk]), {"plan": Plan.objects.get().pk}, follow=True)


def ids(account):
    return {one["name"]: one["id"] for one in account.calendars}


@pytest.mark.feature("B2")
def test_it_lists_what_will_be_written_and_which_times_close_and_does_nothing_yet(client, person, background, booked):
    """Red without set_rollback in engine.rehearse: the link and the event are there before anybody agreed; red without _write: nothing is listed."""
    start = datetime.now(UTC).replace(microsecond=0, minute=0) + timedelta(days=3)
    person.put(person.personal, start, start + timedelta(hours=1))
    connect(client, person)
    account = Account.objects.get()
    personal = ids(account)["Personal"]
    page = look(client, account, reads=[personal], writes=personal)
    assert "Will be created in your calendar" in page
    assert str(booked.service) in page
    assert "1 busy time can no longer be booked" in page
    assert not Link.objects.exists()
    assert not Outgoing.objects.exists()
    assert not FieldChange.objects.exists()
    assert len(person.events(person.personal)) == 1
    agree(client, account)
    assert not Plan.objects.exists()
    assert len(person.events(person.personal)) == 2
    assert Link.objects.get().calendar.busy.count() == 1


@pytest.mark.feature("B2")
def test_it_lists_what_leaves_the_calendar_written_so_far(client, person, background, booked):
    """Red when only the chosen account's new links are rehearsed: what is removed from the old calendar isn't listed."""
    person.make("Work")
    account = connected(client, person)
    names = ids(account)
    choose(client, account, reads=[], writes=names["Personal"])
    assert len(person.events(person.personal)) == 1
    page = look(client, account, reads=[], writes=names["Work"])
    assert "Will be created in your calendar" in page
    assert "Will be removed from your calendar" in page
    assert len(person.events(person.personal)) == 1
    agree(client, account)
    assert person.events(person.personal) == {}
    assert len(person.events(person.calendars()["Work"])) == 1


@pytest.mark.feature("B2")
def test_what_stands_there_from_an_earlier_connection_is_taken_over_and_its_differences_are_listed(client, person, background, booked):
    """Red when our marked events are not taken in while rehearsing: a second event would be announced."""
    account = connected(client, person)
    choose(client, account, reads=[], writes=ids(account)["Personal"])
    client.post(reverse("integrations:disconnect", args=[account.pk]))
    assert not Account.objects.exists()
    person.edit(person.personal, summary="Renamed there")
    connect(client, person)
    account = Account.objects.get()
    page = look(client, account, reads=[], writes=ids(account)["Personal"])
    assert "Will be created in your calendar" not in page
    assert "Will be changed in your calendar" in page
    assert "Renamed there" in page
    agree(client, account)
    assert len(person.events(person.personal)) == 1
    assert Pair.objects.count() == 1


def test_only_the_plan_that_was_looked_at_is_carried_out(client, person, background, booked):
    connect(client, person)
    account = Account.objects.get()
    personal = ids(account)["Personal"]
    look(client, account, reads=[personal], writes=personal)
    seen = Plan.objects.get().pk
    look(client, account, reads=[], writes="")
    answer = client.post(reverse("integrations:plan", args=[account.pk]), {"plan": seen}, follow=True)
    assert "changed meanwhile" in answer.content.decode()
    assert not Link.objects.exists()


def test_a_server_that_is_away_leaves_everything_as_it_is_and_says_so(client, person, background):
    connect(client, person)
    account = Account.objects.get()
    personal = ids(account)["Personal"]
    Account.objects.update(server="http://127.0.0.1:9/")
    account.calendars = [one | {"id": "http://127.0.0.1:9/x/"} for one in account.calendars if one["id"] == personal]
    account.save(update_fields=["calendars"])
    page = look(client, account, reads=["http://127.0.0.1:9/x/"], writes="")
    assert "Nothing has been changed." in page
    assert Plan.objects.get().state == Plan.State.FAILED
    assert "Confirm" not in page


def test_without_a_plan_the_page_leads_back_to_the_choice(client, person, background):
    connect(client, person)
    account = Account.objects.get()
    answer = client.get(reverse("integrations:plan", args=[account.pk]))
    assert answer.url == reverse("integrations:choose", args=[account.pk])
    assert Appointment.objects.count() == 0


@pytest.mark.feature("B2")
def test_before_a_connection_ends_it_lists_what_stays_and_which_times_open(client, person, background, booked):
    """Red without ending.of: neither the appointment nor the busy time is named."""
    start = datetime.now(UTC).replace(microsecond=0, minute=0) + timedelta(days=3)
    person.put(person.personal, start, start + timedelta(hours=1))
    account = connected(client, person)
    choose(client, account, reads=[ids(account)["Personal"]], writes=ids(account)["Personal"])
    page = client.get(reverse("integrations:disconnect", args=[account.pk])).content.decode()
    assert "What stays in your calendar (1)" in " ".join(page.split())
    assert "Clara" in page
    assert "1 busy time can be booked again" in page


def test_who_comes_back_to_the_choice_finds_it_as_it_was_left(client, person, background):
    connect(client, person)
    account = Account.objects.get()
    look(client, account, reads=[], writes=ids(account)["Personal"])
    page = client.get(reverse("integrations:choose", args=[account.pk]))
    assert (page.context["reads"], page.context["writes"]) == (set(), ids(account)["Personal"])


def test_a_plan_whose_worker_died_is_worked_out_by_the_sweep(client, person, background):
    """Red without the plans in tasks.sweep: the page would wait for ever."""
    connect(client, person)
    account = Account.objects.get()
    look(client, account, reads=[], writes=ids(account)["Personal"])
    Plan.objects.update(state=Plan.State.RUNNING, result={})
    sweep()
    assert Plan.objects.get().state == Plan.State.READY
