"""Connecting a CalDAV account through the pages: test step by step, choosing calendars, a separate one, the end of it."""

from __future__ import annotations

import pytest
from django.urls import reverse

from booking.models import BusySource
from integrations.models import Account, Link
from integrations.pages.tests.person import choose, connect, connected
from integrations.pages.tests.salon import source_of

pytestmark = pytest.mark.django_db(transaction=True)


def post(client, name, pk, data=None, **options):
    return client.post(reverse(f"integrations:{name}", args=[pk]), data or {}, **options)


@pytest.mark.feature("E10", "A12")
def test_it_tests_the_connection_step_by_step(client, person, background):
    """Red without the loop over provider.check() in connect.check: no steps are shown."""
    page = connect(client, person).content.decode()
    account = Account.objects.get()
    assert account.state == Account.State.CONNECTED, account.steps
    assert len(account.steps) > 1
    assert all(step["ok"] and step["name"] in page for step in account.steps)
    assert page.count("bi-check-circle-fill") == len(account.steps)
    assert "Connected as employee" in page
    assert person.server.password not in page


@pytest.mark.feature("E10")
def test_it_says_what_is_wrong_and_what_to_do(client, person, background):
    """Red without the hint in _check_steps.html, and without the failed step in connect.check."""
    page = connect(client, person, password="wrong").content.decode()
    account = Account.objects.get()
    assert account.state == Account.State.NEEDS_PERSON
    assert not account.steps[-1]["ok"]
    assert account.steps[-1]["hint"]
    assert "bi-x-circle-fill" in page
    assert account.steps[-1]["hint"].split("'")[0] in page
    # The overview says the same, and leads on.
    overview = client.get(reverse("integrations:calendars")).content.decode()
    assert account.problem.split("'")[0] in overview
    assert reverse("integrations:password", args=[account.pk]) in overview
    # The right password mends it.
    post(client, "password", account.pk, {"password": person.server.password})
    account.refresh_from_db()
    assert account.state == Account.State.CONNECTED


def test_the_steps_are_a_piece_of_the_page_for_htmx_and_stop_asking_at_the_end(client, person, background):
    connect(client, person)
    account = Account.objects.get()
    url = reverse("integrations:check", args=[account.pk])
    ended = client.get(url, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in ended
    assert "hx-get" not in ended
    Account.objects.update(state=Account.State.CHECKING)
    assert "hx-get" in client.get(url, headers={"HX-Request": "true"}).content.decode()


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"server": ""}, "Please enter the address"),
        ({"server": "ftp://cloud.example.org"}, "no web address"),
        ({"server": "https://cloud example.org"}, "no web address"),
        ({"server": "https://"}, "no web address"),
        ({"username": ""}, "Please enter your user name"),
        ({"password": ""}, "Please enter the password"),
    ],
)
def test_it_refuses_what_can_not_be_right_in_words(client, person, typed, said):
    answer = connect(client, person, **typed)
    assert answer.status_code == 400
    assert said in answer.content.decode()
    assert not Account.objects.exists()


def test_a_password_is_never_shown_again_not_even_one_inside_the_address(client, person):
    page = connect(client, person, server="https://emma:hidden-in-address@cloud.example.org/dav").content.decode()
    assert "leave user name and password out" in page
    assert "hidden-in-address" not in page
    assert person.server.password not in page
    assert "cloud.example.org/dav" in page


@pytest.mark.feature("C3")
def test_it_reads_and_writes_the_chosen_calendars(client, person, background):
    """Red without choosing.choose in accounts.choose: no calendar is linked."""
    person.make("Work")
    connect(client, person)
    account = Account.objects.get()
    ids = {one["name"]: one["id"] for one in account.calendars}
    page = client.get(reverse("integrations:choose", args=[account.pk])).content.decode()
    assert "Personal" in page
    assert "Work" in page
    choose(client, account, reads=[ids["Personal"]], writes=ids["Work"])
    found = {link.remote_name: (link.reads, link.writes) for link in Link.objects.all()}
    assert found == {"Personal": (True, False), "Work": (False, True)}
    # The other way round: what is no longer read frees its times, and what is read at last is closed until it was.
    choose(client, account, reads=[ids["Work"]], writes=ids["Work"])
    link = Link.objects.get()
    assert (link.remote_name, link.reads, link.writes) == ("Work", True, True)
    assert source_of(link).policy == BusySource.Policy.CLOSE


def test_a_calendar_that_is_only_written_any_more_keeps_no_busy_times(client, person, background):
    from datetime import UTC, datetime, timedelta

    start = datetime.now(UTC).replace(microsecond=0) + timedelta(days=3)
    person.put(person.personal, start, start + timedelta(hours=1))
    account = connected(client, person)
    (link,) = Link.objects.filter(reads=True)
    assert source_of(link).rows.count() == 1
    choose(client, account, reads=[], writes=link.remote_id)
    link.refresh_from_db()
    assert link.writes
    assert not link.calendar.busy.exists()
    assert source_of(link).policy == BusySource.Policy.OFFER
    choose(client, account, reads=[link.remote_id], writes=link.remote_id)
    link.refresh_from_db()
    assert source_of(link).policy == BusySource.Policy.CLOSE
    assert link.calendar.busy.count() == 1


@pytest.mark.feature("C3")
def test_it_makes_a_separate_calendar_with_one_click(client, person, background):
    """Red without create_separate_later in accounts.choose: there is no new calendar."""
    connect(client, person)
    account = Account.objects.get()
    page = client.get(reverse("integrations:choose", args=[account.pk])).content.decode()
    assert "recommended" in page
    personal = account.calendars[0]["id"]
    answer = choose(client, account, reads=[personal], writes="new")
    assert "Create the calendar" in answer.content.decode()
    (name,) = set(person.calendars()) - {"Personal"}
    written = Link.objects.get(writes=True)
    assert written.remote_name == name
    assert not written.reads
    assert Link.objects.get(reads=True).remote_name == "Personal"


def test_a_separate_calendar_made_twice_is_made_once(client, person, background):
    from integrations.tasks import create_separate

    account = connected(client, person, writes="new")
    Link.objects.filter(writes=True).delete()
    create_separate(account.pk)
    assert len(person.calendars()) == 2
    assert Link.objects.filter(writes=True).count() == 1


def test_a_choice_that_is_not_on_offer_is_refused_in_words(client, person, background):
    account = connected(client, person)
    before = list(Link.objects.values_list("remote_id", "reads", "writes"))
    answer = choose(client, account, reads=["https://elsewhere.example.org/"], writes="")
    assert answer.status_code == 400
    assert "no longer there" in answer.content.decode()
    assert list(Link.objects.values_list("remote_id", "reads", "writes")) == before


@pytest.mark.feature("B6")
def test_the_owner_chooses_what_holds_while_a_calendar_can_not_be_read(client, person, background):
    """Red without busy.set_policy in choosing.set_reading: the policy stays."""
    connected(client, person)
    link = Link.objects.get(reads=True)
    assert source_of(link).policy == BusySource.Policy.CLOSE
    page = client.get(reverse("integrations:link", args=[link.pk])).content.decode()
    assert "No booking can clash" in page
    for policy in ("mark", "offer", "close"):
        post(client, "link", link.pk, {"honour": "flags", "policy": policy})
        link.refresh_from_db()
        assert source_of(link).policy == policy
    assert post(client, "link", link.pk, {"honour": "flags", "policy": "nonsense"}).status_code == 400


@pytest.mark.feature("A12", "C8")
def test_disconnecting_asks_first_and_then_forgets_everything(client, person, background):
    """Red without connect.disconnect_later in accounts.disconnect: account and password stay."""
    account = connected(client, person, writes="new")
    url = reverse("integrations:disconnect", args=[account.pk])
    page = client.get(url).content.decode()
    assert "stays in your calendar" in page or "stay in your calendar" in page
    assert Account.objects.exists()
    client.post(url)
    assert not Account.objects.exists()
    assert not Link.objects.exists()
    assert not BusySource.objects.exists()
    assert len(person.calendars()) == 2  # only the user deletes the user's data
    assert "Not connected" in client.get(reverse("integrations:calendars")).content.decode()


def test_what_counts_as_busy_is_chosen_for_each_calendar(client, person, background):
    from datetime import UTC, datetime, timedelta

    start = datetime.now(UTC).replace(microsecond=0) + timedelta(days=3)
    person.put(person.personal, start, start + timedelta(hours=1), transp="TRANSPARENT")
    connected(client, person)
    link = Link.objects.get(reads=True)
    for honour, taken in (("busy", 1), ("flags", 0), ("busy", 1), ("free", 0)):
        post(client, "link", link.pk, {"honour": honour, "policy": "close"})
        assert link.calendar.busy.count() == taken, honour
