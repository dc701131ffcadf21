"""A newcomer tries Google and Outlook on one machine: connects, agrees, and sees bookings go there and come back."""

from __future__ import annotations

import re
import subprocess
from functools import partial
from typing import Any

import pytest

from config.demo.ground import PASSWORD, Ground
from config.tests.test_demo import book, demo, ground, read_until, wait_for

pytestmark = [pytest.mark.once, pytest.mark.browser]
__all__ = ["demo", "ground"]  # fixtures


def sign_in(browser: Any, ground: Ground, name: str) -> Any:
    page = browser.new_context(base_url=ground.site_url, locale="en-GB").new_page()
    page.goto("/account/login/?next=/profile/calendars/")
    page.fill("input[name=login]", name)
    page.fill("input[name=password]", PASSWORD)
    page.click("main form button[type=submit]")
    return page


def connect(page: Any, provider: str, who: str) -> None:
    """From the profile to the consent page and back, then what is suggested to be used of the account."""
    page.click(f"form[action='/profile/calendars/connect/{provider}/'] button")
    page.get_by_label(who).check()
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url("**/profile/calendars/#account-*")
    card = page.locator(f"#{page.url.partition('#')[2]}")
    card.get_by_role("link", name="Choose calendars").click(timeout=60_000)  # comes when the account has been looked at
    page.get_by_role("button", name="See what will happen").click()
    page.get_by_role("button", name="Confirm").click(timeout=60_000)
    page.wait_for_load_state()


def came_back(page: Any, ground: Ground, time: str) -> int:
    """How often the sync history has a change to this time that comes from the calendar."""
    page.goto(f"{ground.site_url}/profile/history/")
    return int(page.locator("main li", has_text="from the calendar").filter(has_text=time).count())


def heard(ground: Ground) -> int:
    """How many calls that tell of changes the web server has taken."""
    return len(re.findall(r"POST /hooks/\S+ 20[02] ", (ground.log_folder / "web.log").read_text()))


@pytest.mark.feature("B11")
def test_what_is_booked_is_in_google_and_outlook_and_what_is_moved_there_comes_back(browser: Any, ground: Ground, demo: subprocess.Popen[str]) -> None:
    """Seen red with GOOGLE_ACCOUNTS_ROOT taken out of the demo's environment."""
    printed = read_until(demo, "Logs")
    for name, provider, person, service, address in (
        ("employee", "google", "Emma Weber", "Color & Gloss", ground.google_url),
        ("colleague", "outlook", "Carl Vogel", "Beard Trim", ground.outlook_url),
    ):
        assert address in printed
        before = heard(ground)
        page = sign_in(browser, ground, name)
        connect(page, provider, person)
        _guest, start = book(ground, service)
        page.goto(f"{address}/?day={start[:10]}")
        page.get_by_label("Calendar of").select_option(label=person)
        page.get_by_role("button", name="Show").click()
        page.get_by_role("link", name=f"{service} – Clara Kunde").click(timeout=60_000)  # the page shows by itself what has come
        assert page.get_by_label("Begins").input_value() == start[:16]
        page.get_by_label("Begins").fill(f"{start[:10]}T07:15")
        page.get_by_role("button", name="Save").click()
        assert wait_for(partial(came_back, page, ground, "7:15")) == 1
        wait_for(lambda before=before: heard(ground) > before)  # type: ignore[misc]  # it was told, not only asked
        page.context.close()
