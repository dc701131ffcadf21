"""In a real browser: the button, the service's own page, and back to the open settings; the admin's set-up."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from integrations.models import Account, Link, OAuthClient
from integrations.oauth.tests.desk import WHO

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser, pytest.mark.once]


@pytest.fixture
def window(browser, live_server, settings) -> Any:
    """A page of whoever's client is given; nothing may be complained of in its console."""
    settings.SITE_URL = live_server.url
    complaints: list[str] = []

    def opened(client: Any, path: str, **options: Any) -> Any:
        context = browser.new_context(base_url=live_server.url, **options)
        context.add_cookies([{"name": "session", "value": client.cookies["session"].value, "url": live_server.url}])
        page = context.new_page()
        page.set_default_timeout(9000)
        page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") and "favicon" not in str(said.location) else None)
        page.goto(path)
        return page

    yield opened
    assert complaints == []


@pytest.mark.feature("A12", "C2", "C10")
@pytest.mark.parametrize("script", [True, False])
def test_a_person_connects_and_disconnects(window, client, desk, background, script):
    """Also past the content policy: browsers look at form-action where a form is redirected to."""
    if not script and desk.provider == "outlook":
        pytest.skip("the same pages of ours")
    desk.set_up()
    page = window(client, reverse("integrations:calendars"), java_script_enabled=script, viewport={"width": 390, "height": 844})
    page.click(f"li:has-text('{desk.provider.title()}') button")
    page.click("button:has-text('Continue')")  # the service's own page
    page.wait_for_selector(f"h2:has-text('{WHO}')")
    page.wait_for_selector("text=Choose now what is used of it")
    assert Account.objects.get().state == Account.State.CONNECTED
    page.click("button:has-text('See what will happen')")
    page.wait_for_selector("main form button.btn-primary")
    while page.url.endswith("/plan/"):
        page.click("main form button.btn-primary")
        page.wait_for_load_state()
    page.goto(reverse("integrations:calendars"))
    assert Link.objects.filter(writes=True).count() == 1
    page.click("text=Disconnect")
    page.click("main button:has-text('Disconnect')")
    page.wait_for_selector("text=is disconnected")
    assert not Account.objects.exists()


def test_an_admin_sets_it_up_copies_the_redirect_uri_and_tests(window, admin, desk, background):
    from django.test import Client

    from integrations.oauth import clients
    from integrations.testing.servers.oauth import CLIENT, SECRET

    office = Client()
    office.force_login(admin)
    page = window(office, reverse("admin:integrations_oauthclient_add"))
    page.select_option("[name=provider]", desk.provider)
    desk.oauth.register("https://elsewhere.example.org/")
    page.fill("[name=client_id]", CLIENT)
    page.fill("[name=client_secret]", "wrong")
    page.click("[name=_continue]")
    page.wait_for_selector("text=The client secret is not right.")
    address = page.input_value(f"#redirect-{desk.provider}")
    assert address == clients.redirect_uri(clients.oauth_of(desk.provider))
    page.click(f"[data-copy=redirect-{desk.provider}]")
    desk.oauth.register(address)
    page.fill("[name=client_secret]", SECRET)
    page.click("[name=_continue]")
    page.wait_for_selector("#client-steps li >> nth=1")
    assert page.locator("#client-steps img[alt='Worked:']").count() == 2
    # It asks by itself while the test runs.
    OAuthClient.objects.update(checking=True, steps=[])
    page.reload()
    page.wait_for_selector("text=It is being tested")
    OAuthClient.objects.update(checking=False, problem="The client secret has expired.")
    page.wait_for_selector("text=The client secret has expired.")
