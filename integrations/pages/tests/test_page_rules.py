"""The rules page: placeholders, preview, what the admin set and what the user made of it."""

from __future__ import annotations

import pytest
from django.urls import reverse

from integrations.models import Rule
from integrations.pages.tests.salon import book, default_rule, save_rules, workday
from integrations.rules import resolve_for_user

pytestmark = pytest.mark.django_db

RULES = reverse("integrations:rules")


@pytest.mark.feature("A4", "A5")
def test_an_unknown_placeholder_is_refused_in_words(client):
    """Red without check_placeholders in RuleForm.clean_title and clean_description."""
    answer = client.post(RULES, {"title": "%service_nam%", "description": "%customer_panel_url% %appointment_manage_url%"})
    assert answer.status_code == 400
    page = answer.content.decode()
    assert "%service_nam%" in answer.context["form"].errors["title"][0]
    assert "%customer_panel_url%" in page
    assert not Rule.objects.exists()


@pytest.mark.feature("A4", "A5")
def test_the_placeholders_stand_beside_and_the_preview_fills_them(client, service, employee):
    """Red without fill() in rules._preview; and without the list in rules.html."""
    page = client.get(RULES).content.decode()
    assert "%service_name%" in page
    assert "%customer_panel_url%" not in page  # no link with a token stands in a calendar
    typed = {"title": "%service_name% <b>%service_nam%", "description": "for %customer_full_name%", "buffers": "yes"}
    made_up = client.post(reverse("integrations:preview"), typed).content.decode()
    assert "made-up" in made_up
    assert "Clara Kunde" in made_up
    assert "<b>" not in made_up
    assert "No such placeholder" in made_up
    start = workday()
    book(service, start, name="Zoe")
    real = client.post(reverse("integrations:preview"), typed).content.decode()
    assert "next appointment" in real
    assert "for Zoe Kunde" in real
    assert "Haircut &lt;b&gt;%service_nam%" in real
    assert "9:50" in real  # ten minutes before
    assert not Rule.objects.exists()


@pytest.mark.feature("E5")
def test_a_user_overrides_the_default_field_by_field(client, employee):
    """Red with resolve_for_user leaving the user's rule out."""
    default_rule(direction="to", title="Admin: %service_name%", busy=False)
    page = client.get(RULES).content.decode()
    assert "as set by the admin (currently: to the calendar)" in page
    assert "Admin: %service_name%" in page
    save_rules(client, direction="both", past_days="12")
    rule = Rule.objects.get(scope="user")
    assert (rule.direction, rule.past_days, rule.title, rule.busy) == ("both", 12, None, None)
    effective, inherited = resolve_for_user(employee.user_id)
    assert (effective.direction, effective.title, effective.busy, effective.past_days) == ("both", "Admin: %service_name%", False, 12)
    assert inherited.direction == "to"
    # What was left alone follows the admin; what is given back too.
    Rule.objects.filter(scope="default").update(title="New: %service_name%")
    save_rules(client, direction="")
    effective, _inherited = resolve_for_user(employee.user_id)
    assert (effective.direction, effective.title) == ("to", "New: %service_name%")


def test_an_empty_description_is_a_wish_of_its_own_and_an_empty_title_is_not(client, employee):
    save_rules(client, title="", description="")
    rule = Rule.objects.get()
    assert (rule.title, rule.description) == (None, "")
    assert resolve_for_user(employee.user_id)[0].description == ""


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("max_events", "0"),
        ("max_events", "many"),
        ("past_days", "400"),
        ("past_days", "-1"),
        ("direction", "sideways"),
        ("busy", "perhaps"),
        ("title", "x" * 301),
    ],
)
def test_a_value_that_can_not_be_is_refused_and_nothing_is_saved(client, field, value):
    answer = client.post(RULES, {"title": "", "description": "", field: value})
    assert answer.status_code == 400
    assert field in answer.context["form"].errors
    assert not Rule.objects.exists()


def test_a_manager_edits_the_rules_of_anybody_and_a_colleague_does_not(client, employee, colleague, manager):
    client.force_login(manager)
    client.post(f"{RULES}?employee={employee.pk}", {"title": "", "description": "", "direction": "to"})
    assert Rule.objects.get().user == employee.user
    client.force_login(colleague.user)
    assert client.post(f"{RULES}?employee={employee.pk}", {"title": "", "description": "", "direction": "off"}).status_code == 404
    assert Rule.objects.get().direction == "to"


def test_meetings_have_rules_of_their_own(client, employee):
    page = client.get(RULES, {"kind": "meeting"})
    assert set(page.context["form"].fields) == {"direction", "imports", "priority", "on_remote_delete", "private"}
    assert f"{RULES}?kind=meeting" in page.content.decode()
    answer = client.post(f"{RULES}?kind=meeting", {"direction": "from", "private": "no", "imports": "", "priority": "", "on_remote_delete": ""})
    assert answer.headers["Location"] == f"{RULES}?kind=meeting"
    rule = Rule.objects.get()
    assert (rule.kind, rule.direction, rule.private, rule.imports) == ("meeting", "from", False, None)
    assert resolve_for_user(employee.user_id)[0].direction == "both"
    assert resolve_for_user(employee.user_id, "meeting")[0].takes
    assert client.get(RULES, {"kind": "nothing"}).status_code == 404


@pytest.mark.feature("A4", "A5")
def test_events_have_texts_and_placeholders_of_their_own(client, employee):
    """Red with the placeholders of appointments for every kind."""
    page = client.get(f"{RULES}?kind=event").content.decode()
    assert "%event_name%" in page
    assert "%customer_full_name%" not in page  # who comes is nobody's business among the guests
    answer = client.post(f"{RULES}?kind=event", {"title": "%event_name%: %service_name%", "description": ""})
    assert "%service_name%" in answer.context["form"].errors["title"][0]
    preview = client.post(f"{reverse('integrations:preview')}?kind=event", {"title": "Neu: %event_name%", "description": "%event_places%"})
    assert "Neu: " in preview.content.decode()
    client.post(f"{RULES}?kind=event", {"title": "Neu: %event_name%", "description": "%event_places%"})
    assert Rule.objects.get(kind="event").title == "Neu: %event_name%"
