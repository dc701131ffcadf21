"""Calendars in the admin: the default rule, accounts and their state, what waits, and the employee's page."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone

from integrations.models import Account, Link, Outgoing, Rule
from integrations.rules import resolve

pytestmark = pytest.mark.django_db

RULES = reverse("admin:integrations_rule_add")


@pytest.fixture
def link(employee) -> Link:
    account = Account.objects.create(
        user=employee.user,
        provider="memory",
        username="emma",
        identity="emma@calendar.example",
        secrets={"password": "x"},
        state="connected",
        last_ok_at=timezone.now(),
    )
    return Link.objects.create(account=account, calendar=employee.calendar, remote_id="r", remote_name="Work", writes=True)


@pytest.fixture
def client(admin, client):
    client.force_login(admin)
    return client


@pytest.mark.feature("E4")
def test_the_default_rule_holds_for_everybody_and_brings_calendars_up_to_date(client, link):
    """Red without Rule.scope=default in rules.resolve; and without rule_changed in RuleAdmin.save_model the calendar isn't read anew."""
    Link.objects.update(listed_at=timezone.now())
    answer = client.post(RULES, {"scope": "default", "title": "Booked: %service_name%", "direction": "to", "pending": "true"})
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    rule = resolve(link)
    assert (rule.title, rule.direction, rule.pending, rule.attendees) == ("Booked: %service_name%", "to", True, False)
    link.refresh_from_db()
    assert link.listed_at is None


@pytest.mark.feature("E5")
def test_an_admin_edits_any_users_rule(client, link, employee):
    """Red without the user's rule in rules.resolve."""
    client.post(RULES, {"scope": "default", "direction": "to"})
    client.post(RULES, {"scope": "user", "user": employee.user_id, "direction": "from"})
    assert resolve(link).direction == "from"
    rule = Rule.objects.get(scope="user")
    client.post(reverse("admin:integrations_rule_delete", args=[rule.pk]), {"post": "yes"})
    assert resolve(link).direction == "to"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"scope": "default", "title": "%service_nam%"}, "%service_nam%"),
        ({"scope": "user"}, "needs the user"),
        ({"scope": "default", "user": "1"}, "neither"),
        ({"scope": "default", "max_events": "0"}, "greater than or equal to 1"),
    ],
)
def test_a_rule_that_can_not_be_is_refused_in_words(client, employee, typed, said):
    typed = {key: str(employee.user_id) if key == "user" else value for key, value in typed.items()}
    answer = client.post(RULES, typed)
    assert answer.status_code == 200
    assert said in answer.content.decode()
    assert not Rule.objects.exists()


def test_there_is_one_default_rule(client):
    assert client.post(RULES, {"scope": "default"}).status_code == 302
    assert client.post(RULES, {"scope": "default"}).status_code == 200
    assert Rule.objects.count() == 1


@pytest.mark.feature("A13")
def test_the_employees_page_shows_the_connection_and_sends_the_way_to_it(client, link, employee, colleague, mailoutbox):
    """Red without the section "calendars" and without the action in integrations.admin.employee."""
    page = client.get(reverse("admin:booking_employee_change", args=[employee.pk])).content.decode()
    assert "emma@calendar.example" in page
    assert "last sync" in page
    assert "connected" in page
    assert "Not connected." in client.get(reverse("admin:booking_employee_change", args=[colleague.pk])).content.decode()
    answer = client.post(reverse("admin:booking_employee_changelist"), {"action": "send_connect_link", "_selected_action": [colleague.pk]}, follow=True)
    assert "1 mail has been sent" in answer.content.decode()
    (mail,) = mailoutbox
    assert mail.to == [colleague.email]
    assert reverse("integrations:calendars") in mail.body
    # From the manager's view of the profile as well.
    client.post(reverse("integrations:send_link") + f"?employee={employee.pk}")
    assert mailoutbox[1].to == [employee.email]


def test_accounts_are_only_looked_at_and_acted_on(client, link):
    changelist = reverse("admin:integrations_account_changelist")
    assert client.get(reverse("admin:integrations_account_add")).status_code == 403
    client.post(changelist, {"action": "check_again", "_selected_action": [link.account_id]})
    assert Account.objects.get().state == Account.State.CHECKING
    client.post(changelist, {"action": "disconnect", "_selected_action": [link.account_id]})
    assert Account.objects.get().state == Account.State.DISCONNECTING
    assert client.post(reverse("admin:integrations_account_delete", args=[link.account_id]), {"post": "yes"}).status_code == 403


def test_a_given_up_change_is_tried_again(client, link):
    row = Outgoing.objects.create(link=link, kind="appointment", item_id=1, state="failed", not_before=timezone.now(), error="refused", attempts=5)
    client.post(reverse("admin:integrations_outgoing_changelist"), {"action": "try_again", "_selected_action": [row.pk]})
    row.refresh_from_db()
    assert (row.state, row.attempts, row.error) == ("open", 0, "")


def test_a_manager_does_not_act_on_accounts(manager, client, link):
    client.force_login(manager)
    answer = client.post(reverse("admin:integrations_account_changelist"), {"action": "disconnect", "_selected_action": [link.account_id]})
    assert answer.status_code == 403
    assert Account.objects.get().state == Account.State.CONNECTED
