"""In a real browser: a meeting entered with the keyboard alone, on a phone, and nothing that the content policy forbids."""

from __future__ import annotations

import pytest
from django.urls import reverse

from crm import actions
from crm.models import Meeting
from crm.tests.conftest import at

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


@pytest.mark.parametrize("script", [True, False])
def test_a_series_is_entered_by_keyboard_on_a_phone(browser, live_server, mine, employee, script: bool):
    complaints: list[str] = []
    context = browser.new_context(base_url=live_server.url, viewport={"width": 390, "height": 844}, java_script_enabled=script, locale="en-GB")
    context.add_cookies([{"name": "session", "value": mine.cookies["session"].value, "url": live_server.url}])
    page = context.new_page()
    page.on("console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None)
    page.goto(reverse("crm:meetings"))
    page.focus("main a:has-text('New meeting')")
    page.keyboard.press("Enter")
    page.wait_for_selector("[name=title]")
    page.focus("[name=title]")
    page.keyboard.type("Choir")
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.name") == "repeat":
            break
    page.keyboard.type("every week")
    assert page.input_value("[name=repeat]") == "weekly"
    page.keyboard.press("Enter")
    page.focus("main button[type=submit]")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=The meeting has been entered.")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390  # nothing sticks out
    made = Meeting.objects.get()
    assert (made.title, made.recurrence) == ("Choir", ["RRULE:FREQ=WEEKLY"])
    page.click("text=Choir")
    page.fill("[name=title]", "")
    page.click("main button:has-text('Save')")
    page.wait_for_selector("text=Please enter a subject.")
    if script:
        assert page.evaluate("document.activeElement.name") == "title"  # the keyboard starts at what is wrong
    actions.edit(meeting=made, changes={"start": at(10), "end": at(11)})
    context.close()
    assert [one for one in complaints if "400" not in one] == []  # the browser itself notes the refused form
