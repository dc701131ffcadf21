"""The booking pages in a real browser: with htmx, by keyboard only, without JavaScript, in other zones, light and dark."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from booking.actions import appointments
from booking.actions.customers import Guest
from booking.links import manage_token
from booking.models import Appointment, Attendance
from booking.pages.stamp import LEAST
from booking.tests.salon import make_employee, make_service, soon

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def salon(transactional_db):
    eve, adam = make_employee("Eve"), make_employee("Adam")
    return make_service(eve, adam), make_service(eve, name="Colour", needs_approval=True)


@pytest.fixture
def opened(browser, live_server) -> Iterator[Any]:
    """Opens pages in contexts of any kind; afterwards none of them may have met an error, least of all one of the CSP."""
    contexts, problems = [], []

    def open_page(path: str = "/", **options: Any) -> Any:
        context = browser.new_context(**{"base_url": live_server.url, "timezone_id": "Europe/Berlin", "locale": "en-GB", **options})
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: problems.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert [text for text in problems if "status of 4" not in text and "Code 429" not in text] == []


def fill_in(page: Any) -> None:
    page.get_by_label("First name").fill("Clara")
    page.get_by_label("Last name").fill("Kunde")
    page.get_by_label("E-mail").fill("clara@example.org")


def wait_like_a_person(page: Any) -> None:
    """Forms that come back at once count as sent by a machine."""
    page.wait_for_timeout(LEAST.total_seconds() * 1000 + 1100)


@pytest.mark.feature("P1")
def test_it_books_with_htmx_and_the_back_button_works(opened, salon):
    """Red when `hx-boost` is taken out of _slots.html, or the whole page is sent to htmx."""
    page = opened("/")
    page.get_by_role("link", name="Haircut").click()
    page.get_by_role("link", name="Anyone who is free").click()
    page.evaluate("window.sameDocument = true")
    day = soon().date()
    if page.locator(f"#day-{day}").count() == 0:
        page.get_by_label("Next month").click()
    page.locator(f"#day-{day}").click()
    page.wait_for_selector(f"#day-{day}[aria-current=date]")
    assert page.evaluate("window.sameDocument") is True
    assert f"date={day}" in page.url
    # The keyboard stays where it was, and what changed is said aloud.
    assert page.evaluate("document.activeElement.id") == f"day-{day}"
    assert "free times" in page.locator("#announcer").text_content()

    page.locator(".time").nth(2).click()
    page.go_back()
    assert page.locator("h1").text_content() == "Choose a time"
    assert page.locator(f"#day-{day}").get_attribute("aria-current") == "date"
    page.go_forward()
    fill_in(page)
    wait_like_a_person(page)
    page.get_by_role("button", name="Book now").dblclick()
    page.wait_for_url("**/booked/")
    assert "Your appointment is booked" in page.locator("main").inner_text()
    assert Appointment.objects.count() == 1


@pytest.mark.feature("P1")
def test_it_books_without_javascript_on_a_phone(opened, salon):
    """Red when the links of _slots.html lose their href, or the form its action."""
    page = opened("/", java_script_enabled=False, viewport={"width": 390, "height": 844}, has_touch=True)
    page.get_by_role("link", name="Colour").click()  # one employee: that step is skipped
    assert page.locator("h1").text_content() == "Choose a time"
    page.get_by_label("Next month").click()
    page.locator("a.day").nth(3).click()
    page.locator(".time").first.click()
    page.get_by_role("button", name="Ask for this appointment").click()
    assert "Please enter your e-mail address." in page.locator("main").inner_text()
    fill_in(page)
    wait_like_a_person(page)
    page.get_by_role("button", name="Ask for this appointment").click()
    assert "We have received your request" in page.locator("main").inner_text()
    page.get_by_role("link", name="See, change or cancel").click()
    page.get_by_role("link", name="Cancel the appointment").click()
    page.get_by_role("button", name="Yes, cancel it").click()
    assert "Your appointment has been cancelled." in page.locator("main").inner_text()
    assert Appointment.objects.get().status == "cancelled"


@pytest.mark.feature("B13")
def test_it_books_by_keyboard_only(opened, salon):
    """Red when a step is made of elements that Tab doesn't reach, and without the first button of details.html. Each stop has a visible outline."""
    service, _other = salon
    page = opened("/")

    def tab_to(selector: str, limit: int = 60) -> None:
        for _ in range(limit):
            page.keyboard.press("Tab")
            if page.evaluate("selector => document.activeElement.matches(selector)", selector):
                outline = page.evaluate(
                    "() => { const one = document.activeElement, style = getComputedStyle(one), card = getComputedStyle(one.closest('.choice') || one);"
                    " return style.outlineStyle !== 'none' || card.outlineStyle !== 'none' || style.boxShadow !== 'none' }"
                )
                assert outline, f"no visible focus on {selector}"
                return
        raise AssertionError(f"Tab never reached {selector}")

    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip-link"
    page.keyboard.press("Enter")
    tab_to(f"a[href^='/service/{service.pk}/']")
    page.keyboard.press("Enter")
    page.wait_for_url("**/service/**")
    tab_to("main .choice a")
    page.keyboard.press("Enter")
    page.wait_for_url("**/time/**")
    if page.locator("a.day:not(.chosen)").count() == 0:  # a month ends today
        tab_to("#month-next")
        page.keyboard.press("Enter")
        page.wait_for_selector("a.day:not(.chosen)")
    tab_to("a.day:not(.chosen)")
    chosen = page.evaluate("document.activeElement.id")
    page.keyboard.press("Enter")
    page.wait_for_selector(f"#{chosen}[aria-current=date]")
    tab_to("a.time")
    page.keyboard.press("Enter")
    page.wait_for_url("**/details/**")
    for name, text in (("first_name", "Clara"), ("last_name", "Kunde"), ("email", "nonsense")):
        tab_to(f"#id_{name}")
        page.keyboard.type(text)
    wait_like_a_person(page)
    page.keyboard.press("Enter")
    # The first wrong field has the focus, and its error belongs to it.
    page.wait_for_selector("#id_email_error")
    assert page.evaluate("document.activeElement.id") == "id_email"
    assert "id_email_error" in page.locator("#id_email").get_attribute("aria-describedby")
    page.keyboard.press("Control+A")
    page.keyboard.type("clara@example.org")
    page.keyboard.press("Enter")
    page.wait_for_url("**/booked/")
    assert Attendance.objects.get().customer.email == "clara@example.org"


@pytest.mark.feature("P21")
def test_it_shows_the_zone_of_the_browser_at_once_and_speaks_german(opened, salon):
    """Red when rememberZone() is taken out of kalends.js."""
    service, _other = salon
    path = f"/service/{service.pk}/time/?employee=any&date={soon().date()}"
    page = opened(path, timezone_id="America/New_York", locale="de-DE")
    page.wait_for_url("**timezone=America**")
    assert page.locator(".time").first.inner_text() == "03:00"
    assert page.locator("html").get_attribute("lang") == "de"
    assert page.locator(".days th").first.inner_text().strip(".") == "Mo"
    page.get_by_role("button", name="English").click()
    page.wait_for_selector("html[lang=en]")
    assert page.locator(".time").first.inner_text() == "3 a.m."


@pytest.mark.feature("P7")
def test_it_moves_an_appointment_by_link(opened, salon):
    """Red when `details` in pages/manage.py doesn't lead back to the question."""
    service, _other = salon
    attendance = appointments.book(service=service, start=soon(), guest=Guest("Clara", "clara@example.org", "Kunde"), now=timezone.now())
    page = opened(f"/booking/{manage_token(attendance)}/")
    page.get_by_role("link", name="Choose another time").click()
    day = soon(days=8).date()
    if page.locator(f"#day-{day}").count() == 0:
        page.get_by_label("Next month").click()
    page.locator(f"#day-{day}").click()
    page.wait_for_selector(f"#day-{day}[aria-current=date]")
    page.locator(".time").first.click()
    page.get_by_role("button", name="Yes, move it").dblclick()
    page.wait_for_selector(".alert-success")
    assert "Your appointment has been moved." in page.locator("main").inner_text()
    moved = Appointment.objects.get().start
    assert moved == soon(9, days=8)
    assert moved - attendance.appointment.start == timedelta(hours=23)


def test_it_says_so_when_the_server_cannot_be_reached(opened, salon):
    service, _other = salon
    page = opened(f"/service/{service.pk}/time/?employee=any")
    page.route("**/time/**", lambda route: route.fulfill(status=429, body="slow down"))
    page.get_by_label("Next month").click()
    page.wait_for_selector("#problem:not([hidden])")
    assert "a little too fast" in page.locator("#problem").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_fit_and_follow_the_systems_colours(opened, salon, scheme):
    """No page scrolls sideways, and text stands out from what is behind it (WCAG 2.2, 1.4.3)."""
    service, _other = salon
    page = opened("/", color_scheme=scheme)
    for width in (390, 768, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        for path in ("/", f"/service/{service.pk}/", f"/service/{service.pk}/time/?employee=any", "/account/login/", "/nowhere/"):
            page.goto(path)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
            assert page.evaluate(CONTRAST) == [], path
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(21, 25, 26)"
    assert dark == (scheme == "dark")


# Texts whose contrast to the nearest painted background is below 4.5 : 1.
CONTRAST = """() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgb = color => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1); return [...canvas.getImageData(0, 0, 1, 1).data]; };
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255).map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = one => { for (; one; one = one.parentElement) { const found = rgb(getComputedStyle(one).backgroundColor); if (found[3] === 255) return found; } return [255, 255, 255]; };
  const bad = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const one = walk.currentNode.parentElement, style = getComputedStyle(one);
    if (!walk.currentNode.data.trim() || !one.checkVisibility() || one.closest('.visually-hidden, .skip-link, .disabled, .trap, .day.none, script, style')) continue;
    const a = light(rgb(style.color)), b = light(behind(one));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) bad.push(walk.currentNode.data.trim().slice(0, 40) + ': ' + ratio.toFixed(2));
  }
  return bad;
}"""
