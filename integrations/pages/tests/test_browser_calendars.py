"""In a real browser: connecting with and without JavaScript, the live preview, and nothing that the content policy forbids."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from integrations.models import Account, Link, Run
from integrations.pages.tests.salon import book, workday
from integrations.testing.stage import stage

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


@pytest.fixture
def open_page(browser, live_server, client) -> Iterator[Callable[..., Any]]:
    """A page of the signed-in employee; at the end its console must be empty of complaints."""
    complaints: list[str] = []

    def opened(name: str, *arguments: Any, **options: Any) -> Any:
        context = browser.new_context(base_url=live_server.url, **options)
        context.add_cookies([{"name": "session", "value": client.cookies["session"].value, "url": live_server.url}])
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None)
        page.goto(reverse(f"integrations:{name}", args=arguments))
        return page

    yield opened
    assert complaints == []


def fill(page: Any, person: Any) -> None:
    for name in ("server", "username", "password"):
        page.fill(f"[name={name}]", person.server.address if name == "server" else getattr(person.server, name))


@pytest.mark.parametrize("script", [True, False])
def test_connecting_works_with_and_without_javascript(open_page, person, background, script):
    page = open_page("connect_with", "caldav", java_script_enabled=script)
    fill(page, person)
    page.click("text=Connect and test")
    page.wait_for_selector("text=Connected as employee")
    page.click("text=Choose calendars")
    assert page.is_checked("[name=writes][value=new]")  # recommended, one click
    page.click("text=See what will happen")
    page.click("text=Confirm")
    page.wait_for_selector("text=Appointments are written there from now on.")
    assert Link.objects.filter(writes=True).count() == 1


def test_the_steps_appear_by_themselves(open_page, person, background):
    """The page polls while the test runs, and stops at its end."""
    page = open_page("connect_with", "caldav")
    fill(page, person)
    page.click("text=Connect and test")
    page.wait_for_selector("text=Connected as employee")
    account = Account.objects.get()
    Account.objects.update(state="checking", steps=[])
    page.goto(reverse("integrations:check", args=[account.pk]))
    page.wait_for_selector("text=Testing the connection …")
    Account.objects.update(state="needs_person", steps=[{"name": "Sign-in", "ok": False, "detail": "Refused.", "hint": "Enter it again."}])
    page.wait_for_selector("text=Enter it again.")
    assert page.get_attribute(f"#steps-{account.pk}", "hx-get") is None


def test_the_preview_follows_the_typing(open_page, service, employee):
    book(service, workday(), name="Zoe")
    page = open_page("rules")
    page.fill("[name=title]", "For %customer_first_name% – %nonsense%")
    page.wait_for_selector("#preview >> text=For Zoe – %nonsense%")
    page.wait_for_selector("#preview >> text=No such placeholder")
    page.fill("[name=title]", "Just %customer_last_name%")
    page.wait_for_selector("#preview >> text=Just Kunde")
    page.click("main button:has-text('Save')")
    page.wait_for_selector("text=Your calendars are being brought up to date")
    assert employee.user.sync_rules.get().title == "Just %customer_last_name%"


def test_the_first_reading_of_a_calendar_counts_up_by_itself_and_the_page_says_when_it_is_over(open_page, employee, service):
    scene = stage(employee, service)
    now = timezone.now()
    Link.objects.update(pulled_at=None, lease="worker", lease_until=now + timedelta(minutes=5))
    run = Run.objects.create(link=scene.link, calendar=employee.calendar, remote_name="Work", direction="in", started_at=now, read=1200)
    page = open_page("calendars")
    page.wait_for_selector("text=1200 events so far")
    Run.objects.filter(pk=run.pk).update(read=1300)
    page.wait_for_selector("text=1300 events so far")
    Link.objects.update(pulled_at=now, lease="", lease_until=None)
    page.wait_for_selector("text=Last read")
    assert page.query_selector("text=for the first time") is None
