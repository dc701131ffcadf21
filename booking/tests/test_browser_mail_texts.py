"""Writing a mail's text in a real browser: placeholders by click and search, and the preview that follows what is typed."""

from __future__ import annotations

import pytest

from booking.models import MailText
from conftest import PASSWORD, make_user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.feature("P11")
def test_a_click_puts_a_placeholder_where_one_is_writing_and_the_preview_follows(browser, live_server, transactional_db):
    """Red when the click doesn't write, or the page's policy keeps the mail's own style out of the preview."""
    make_user("admin", "admin", is_staff=True, is_superuser=True)
    page = browser.new_context(base_url=live_server.url, locale="en-GB").new_page()
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type in ("error", "warning") else None)
    page.goto("/account/login/?next=/admin/booking/mailtext/add/?of=customer/booked/en")
    page.fill("[name=login]", "admin")
    page.fill("[name=password]", PASSWORD)
    page.locator("main button[type=submit]").first.click()
    page.goto("/admin/booking/mailtext/add/?of=customer/booked/en")
    page.fill("#placeholder-search", "PHONE customer")
    assert page.locator(".mail-text-list li:visible code").all_text_contents() == [
        "%customer_phone%",
        "%customer_phone_local%",
        "%customer_phone_country%",
        "%booked_customer%",
    ]
    page.fill("#id_body", "Call  please")
    page.locator("#id_body").evaluate("one => one.setSelectionRange(5, 5)")
    page.get_by_role("button", name="%customer_phone%", exact=False).first.click()
    assert page.input_value("#id_body") == "Call %customer_phone% please"
    page.locator("#mail-preview pre", has_text="Call +49 30 901820 please").wait_for()
    # A nested document of an opaque origin: what it looks like is asked inside it.
    inside = next(frame for frame in page.frames if frame != page.main_frame)
    inside.wait_for_selector("text=Call +49 30 901820 please")
    assert inside.evaluate("getComputedStyle(document.querySelector('.card')).borderTopWidth") == "1px"
    assert inside.evaluate("document.scripts.length") == 0
    page.locator("summary", has_text="Our text").click()
    page.get_by_role("button", name="Start again from our text").click()
    assert page.input_value("#id_body").startswith("# Your appointment is booked")
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_load_state()
    assert MailText.objects.get().body.startswith("# Your appointment is booked")
    assert [text for text in problems if "status of 404" not in text] == []
