"""The admin enters what was registered at Google and Microsoft: the secret goes in and never comes out, and a test tells what is wrong."""

from __future__ import annotations

import logging

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.urls import reverse

from integrations.models import Account, OAuthClient
from integrations.oauth import clients
from integrations.testing.servers.oauth import CLIENT, SECRET

pytestmark = [pytest.mark.once, pytest.mark.django_db(transaction=True)]

ADD = reverse("admin:integrations_oauthclient_add")
CANARY = "canary-9c1e-client-secret"


@pytest.fixture
def office(admin) -> Client:
    client = Client()
    client.force_login(admin)
    return client


def typed(provider: str, **changes: str) -> dict[str, str]:
    return {"provider": provider, "enabled": "on", "client_id": CLIENT, "client_secret": SECRET, "secret_expires_on": "", "tenant": ""} | changes


def change(row: OAuthClient) -> str:
    return reverse("admin:integrations_oauthclient_change", args=[row.pk])


@pytest.mark.feature("A1")
def test_the_secret_is_stored_encrypted_and_never_shown_again(office, caplog):
    """Red with render_value=True in the form. On no page, in no table and no log."""
    caplog.set_level(logging.DEBUG)
    for provider in ("google", "outlook"):
        assert office.post(ADD, typed(provider, client_secret=CANARY, secret_expires_on="2031-01-31")).status_code == 302
        row = OAuthClient.objects.get(provider=provider)
        assert row.secrets == {"client_secret": CANARY}
        for url in (change(row), reverse("admin:integrations_oauthclient_changelist"), reverse("admin:integrations_oauthclient_history", args=[row.pk])):
            page = office.get(url)
            assert page.status_code == 200
            assert CANARY not in page.content.decode()
        # Left empty it stays; typed anew it is another one.
        office.post(change(row), typed(provider, client_secret="", client_id="another-id"))
        row.refresh_from_db()
        assert (row.client_id, row.secrets) == ("another-id", {"client_secret": CANARY})
        office.post(change(row), typed(provider, client_secret=f"{CANARY}-2"))
        row.refresh_from_db()
        assert row.secrets == {"client_secret": f"{CANARY}-2"}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            assert not [values for values in cursor.fetchall() if CANARY in str(values)], table
    assert LogEntry.objects.exists()
    assert CANARY not in caplog.text
    # Not even after a mistake beside it.
    page = office.post(change(row), typed("outlook", client_secret=CANARY, tenant="no tenant"))
    assert page.status_code == 200
    assert CANARY not in page.content.decode()


def test_the_secret_is_wanted_the_first_time_and_each_provider_is_set_up_once(office):
    assert "This field is required" in office.post(ADD, typed("google", client_secret="")).content.decode()
    office.post(ADD, typed("google"))
    page = office.post(ADD, typed("google")).content.decode()
    assert "Select a valid choice" in page
    office.post(ADD, typed("outlook"))
    assert office.get(ADD).status_code == 403


@pytest.mark.feature("A2")
@pytest.mark.parametrize(("provider", "login", "console"), [("google", "google", "console.cloud.google.com"), ("outlook", "microsoft", "entra.microsoft.com")])
@pytest.mark.parametrize(("language", "words"), [("en", "Step by step"), ("de", "Schritt für Schritt")])
def test_the_page_shows_the_redirect_uri_to_copy_and_a_guide(office, settings, provider, login, console, language, words):
    """Red with another beginning than SITE_URL in redirect_uri."""
    settings.SITE_URL = "https://booking.example.org"
    office.post(ADD, typed(provider))
    page = office.get(change(OAuthClient.objects.get()), headers={"accept-language": language}).content.decode()
    assert f'value="https://booking.example.org/account/{login}/login/callback/"' in page
    assert words in page
    assert console in page
    for scope in clients.oauth_of(provider).needed:
        assert scope in page
    # Also before anything is saved.
    assert "/login/callback/" in office.get(ADD, headers={"accept-language": language}).content.decode()


@pytest.mark.feature("A3")
@pytest.mark.parametrize(
    ("tenant", "kept"),
    [
        ("", "common"), ("common", "common"), ("organizations", "organizations"), ("consumers", "consumers"), ("contoso.onmicrosoft.com", "contoso.onmicrosoft.com"),
        ("8eaef023-2b34-4da1-9baa-8bc8c9d6a490", "8eaef023-2b34-4da1-9baa-8bc8c9d6a490"), ("../evil", ""), ("common/x", ""), ("evil.example.org?x", ""), ("no tenant", ""), ("https://x.org", ""),
    ],
)  # fmt: skip
def test_the_authority_is_common_unless_another_is_named(office, tenant, kept):
    """Red without clients.TENANT in ClientForm.clean."""
    answer = office.post(ADD, typed("outlook", tenant=tenant))
    assert (answer.status_code == 302) == bool(kept)
    assert list(OAuthClient.objects.values_list("tenant", flat=True)) == ([kept] if kept else [])


def test_google_has_no_authority(office):
    office.post(ADD, typed("google", tenant="common"))
    assert OAuthClient.objects.get().tenant == ""


def outcome(office: Client, row: OAuthClient) -> list[tuple[str, bool, str]]:
    assert office.post(reverse("admin:integrations_oauthclient_test", args=[row.pk])).status_code == 302
    row.refresh_from_db()
    assert not row.checking
    return [(step["name"], step["ok"], step["detail"]) for step in row.steps]


@pytest.mark.feature("A2")
def test_the_test_tells_a_wrong_secret_from_a_wrong_redirect_from_an_unknown_client(office, desk, background):
    """Red without _sends_back: a wrong redirect URI passes."""
    row = desk.set_up()
    assert [(ok, detail) for _name, ok, detail in outcome(office, row)] == [(True, ""), (True, "")]
    for spoil, mend, said in (
        ({"secrets": {"client_secret": "wrong"}}, {"secrets": {"client_secret": SECRET}}, "The client secret is not right."),
        ({"client_id": "nobody"}, {"client_id": CLIENT}, "The client ID is not known there."),
    ):
        OAuthClient.objects.filter(pk=row.pk).update(**spoil)
        assert outcome(office, row)[-1][1:] == (False, said)
        assert row.problem == said
        assert said in office.get(change(row)).content.decode()
        OAuthClient.objects.filter(pk=row.pk).update(**mend)
    desk.oauth.apps[CLIENT].redirects = {"https://elsewhere.example.org/callback"}
    assert outcome(office, row) == [("Client ID and client secret", True, ""), ("Redirect URI", False, "The redirect URI is not registered there.")]
    page = office.get(change(row)).content.decode()
    assert "The redirect URI is not registered there." in page
    assert "hx-get" not in page
    desk.oauth.apps[CLIENT].redirects = {clients.redirect_uri(clients.oauth_of(desk.provider))}
    outcome(office, row)
    assert row.problem == ""


def test_the_test_tells_an_expired_secret_and_an_unknown_tenant(office, outlook, background):
    row = outlook.set_up()
    outlook.oauth.apps[CLIENT].expired = True
    assert outcome(office, row)[-1][1:] == (False, "The client secret has expired.")
    outlook.oauth.apps[CLIENT].expired = False
    OAuthClient.objects.update(tenant="nowhere.example.org")
    assert outcome(office, row)[-1][2] == "The authority (tenant) is not known there."


def test_a_service_that_does_not_answer_is_said_to_be_so(office, desk, background):
    row = desk.set_up()
    desk.server.faults.then(desk.fault, "token")
    assert outcome(office, row)[-1][1:] == (False, "The server can't be reached.")


def test_the_test_runs_in_the_background_and_the_page_asks_how_far_it_is(office, desk):
    row = desk.set_up()
    office.post(reverse("admin:integrations_oauthclient_test", args=[row.pk]))
    row.refresh_from_db()
    assert row.checking
    assert not desk.oauth.calls["token authorization_code"]  # not in the web request
    steps = reverse("admin:integrations_oauthclient_steps", args=[row.pk])
    assert f'hx-get="{steps}"' in office.get(change(row)).content.decode()
    piece = office.get(steps).content.decode()
    assert "<html" not in piece
    assert "hx-get" in piece
    assert office.get(reverse("admin:integrations_oauthclient_test", args=[row.pk])).status_code == 405


def test_only_who_may_change_it_gets_near_it(office, desk, manager, employee):
    row = desk.set_up()
    for user in (manager, employee.user):
        client = Client()
        client.force_login(user)
        for url in (change(row), ADD, reverse("admin:integrations_oauthclient_steps", args=[row.pk])):
            assert client.get(url).status_code in (302, 403)
        assert client.post(reverse("admin:integrations_oauthclient_test", args=[row.pk])).status_code in (302, 403)
    row.refresh_from_db()
    assert not row.checking


def test_what_is_switched_off_rests_and_goes_on_when_it_is_on_again(office, client, desk, background):
    """It is neither read nor written until then, and does not wait longer than that."""
    from integrations.tasks import pull, sweep

    row = desk.set_up()
    account = desk.connected(client)
    (link,) = account.links.all()
    office.post(change(row), {name: value for name, value in typed(desk.provider, client_secret="").items() if name != "enabled"})
    row.refresh_from_db()
    assert not row.enabled
    before = link.pulled_at
    pull(link.pk)
    account.refresh_from_db()
    assert account.state == Account.State.CONNECTED
    assert account.problem == "An admin has switched this service off."
    assert account.paused_until is not None
    assert account.links.get().pulled_at == before
    office.post(change(row), typed(desk.provider, client_secret=""))
    account.refresh_from_db()
    assert account.paused_until is None
    sweep()
    assert account.links.get().pulled_at > before
