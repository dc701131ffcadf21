"""The week editor in a real browser: with htmx by keyboard, on a phone without JavaScript, and what a checker of accessibility says."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, time
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from booking.models import Location, SpecialDay, TimeOff, WorkingHours
from booking.tests.salon import make_service

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

AXE = Path(settings.BASE_DIR) / "node_modules" / "axe-core" / "axe.min.js"


@pytest.fixture
def opened(browser, live_server, transactional_db, employee) -> Iterator[Any]:
    """Opens pages signed in as the employee; afterwards none of them may have met an error."""
    client = Client()
    client.force_login(employee.user)
    cookie = {"name": settings.SESSION_COOKIE_NAME, "value": client.cookies[settings.SESSION_COOKIE_NAME].value, "url": live_server.url}
    contexts, problems = [], []

    def open_page(path: str = "/profile/hours/", **options: Any) -> Any:
        context = browser.new_context(**{"base_url": live_server.url, "timezone_id": "Europe/Berlin", "locale": "en-GB", **options})
        context.add_cookies([cookie])
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: problems.append(message.text) if message.type in ("error", "warning") else None)
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert problems == []


@pytest.mark.feature("P3")
def test_a_break_is_put_in_and_the_day_copied_without_leaving_the_page(opened, employee):
    """Red when the buttons lose their hx-post, or the form that comes back its id."""
    page = opened()
    page.evaluate("window.sameDocument = true")
    monday = page.get_by_role("group", name="Monday")
    monday.get_by_label("Monday Until").fill("12:00")
    monday.get_by_role("button", name="More hours after a break").press("Enter")
    page.wait_for_selector("#day-0 .week-row:nth-of-type(2)")
    assert page.evaluate("document.activeElement.id") == "id_row-5-start"
    page.keyboard.type("1300")
    monday.get_by_label("Monday Until").nth(1).fill("18:30")
    page.get_by_label("Copy from").select_option("Monday")
    for day in ("Tuesday", "Sunday"):
        page.get_by_role("group", name="Copy a day to others").get_by_label(day).check()
    page.get_by_role("button", name="Copy", exact=True).click()
    page.wait_for_selector("#day-6 .week-row:nth-of-type(2)")
    assert page.evaluate("window.sameDocument") is True
    assert employee.calendar.working_hours.count() == 5
    page.locator(".week-save").get_by_role("button", name="Save").click()
    page.wait_for_selector(".alert-success")
    rows = [(row.weekday, row.start, row.end) for row in WorkingHours.objects.filter(weekday__in=[0, 1, 6])]
    assert rows == [(day, *span) for day in (0, 1, 6) for span in ((time(9), time(12)), (time(13), time(18, 30)))]


@pytest.mark.feature("P3")
def test_the_week_is_changed_on_a_phone_without_javascript(opened, employee):
    """Red when the buttons are no submit buttons with a name."""
    page = opened(java_script_enabled=False, viewport={"width": 390, "height": 844}, has_touch=True)
    sunday = page.get_by_role("group", name="Sunday")
    sunday.get_by_role("button", name="Add hours").click()
    assert page.url.endswith("#day-6")
    page.get_by_label("Sunday From").fill("10:00")
    page.get_by_label("Sunday Until").fill("14:00")
    page.get_by_role("button", name="Remove: Monday").click()
    assert page.get_by_label("Sunday From").input_value() == "10:00"
    page.locator(".week-save").get_by_role("button", name="Save").click()
    assert "The hours are saved." in page.locator("main").inner_text()
    assert [row.weekday for row in WorkingHours.objects.all()] == [1, 2, 3, 4, 6]
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_checker_of_accessibility_finds_nothing(opened, employee, scheme):
    make_service(employee, name="Cut")
    massage = make_service(employee, name="Massage")
    place = Location.objects.create(name="Mitte")
    employee.calendar.working_hours.filter(weekday=1).update(location=place)
    SpecialDay.objects.create(calendar=employee.calendar, day=date(2031, 1, 2), start=time(9), end=time(10), location=place).services.add(massage)
    TimeOff.objects.create(calendar=employee.calendar, first_day=date(2031, 2, 1), last_day=date(2031, 2, 8), label="Ski", yearly=True)
    employee.calendar.holidays_country = "DE"
    employee.calendar.save()
    massage.locations.set([place, Location.objects.create(name="Zehlendorf")])
    for path in ("/profile/hours/", "/profile/hours/day/?day=2031-01-02", "/profile/hours/clock/", f"/service/{massage.pk}/"):
        page = opened(path, color_scheme=scheme, bypass_csp=True)
        page.add_script_tag(path=str(AXE))
        found = page.evaluate("axe.run()")
        assert [(one["id"], [node["html"] for node in one["nodes"]][:3]) for one in found["violations"]] == [], path
