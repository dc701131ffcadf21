"""Tokens and client secrets are in no log, history, task argument, page, API answer or address; web processes load no provider's SDK for all this."""

from __future__ import annotations

import logging
import subprocess
import sys

import pytest
from django.core import mail
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse

from integrations import engine
from integrations.models import Account, OAuthClient
from integrations.oauth.tests.desk import WHO
from integrations.oauth.tests.test_tokens_are_renewed import expire
from integrations.pages.tests.salon import book, workday
from integrations.testing.servers.oauth import SECRET

LOADED = """
import sys, django
django.setup()
import config.urls, config.wsgi, integrations.oauth.consent, integrations.oauth.tokens, integrations.pages.consent, integrations.admin
from integrations import registry
from integrations.pages import urls
registry.config("google").provider(None), registry.config("outlook").provider(None)
print(sorted({name.split(".")[0] for name in sys.modules} & {"googleapiclient", "google", "httplib2", "msgraph", "msgraph_core", "kiota_http", "azure", "msal"}))
"""


@pytest.mark.pure
def test_a_web_process_loads_no_sdk_to_connect() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED], capture_output=True, text=True, check=False, env={"DJANGO_SETTINGS_MODULE": "config.testing", "PATH": ""}
    )
    assert (done.stdout.strip(), done.returncode) == ("[]", 0), done.stderr


@pytest.mark.django_db(transaction=True)
def test_no_token_is_seen_anywhere(client, desk, employee, manager, admin, service, background, caplog, monkeypatch, capsys):
    """The whole way: set-up, consent, renewal, writing, revocation, connecting again, disconnecting. Red with an answer of
    the token endpoint put into a log line."""
    from config.celery import app

    caplog.set_level(logging.DEBUG)
    sent: list[str] = []
    apply_async = app.Task.apply_async

    def noted(self, *given, **named):
        sent.append(str((given, named)))
        return apply_async(self, *given, **named)

    monkeypatch.setattr(app.Task, "apply_async", noted)
    secrets: set[str] = {SECRET}
    row = desk.set_up()
    office = Client()
    office.force_login(admin)
    office.post(reverse("admin:integrations_oauthclient_test", args=[row.pk]))
    account = desk.connected(client)
    secrets |= set(Account.objects.get().secrets.values())
    book(service, workday())
    expire(desk, account)
    engine.pull(account.links.get().pk)
    secrets |= set(Account.objects.get().secrets.values())
    desk.oauth.withdraw(WHO)
    expire(desk, account)
    engine.pull(account.links.get().pk)
    desk.consent(client)
    secrets |= set(Account.objects.get().secrets.values())
    secrets |= set(desk.oauth.codes)
    assert len(secrets) >= 8

    seen = [caplog.text, *sent, *(str(letter.message()) for letter in mail.outbox), repr(Account.objects.get()), repr(OAuthClient.objects.get())]
    call_command("dumpdata", "integrations")
    seen.append(capsys.readouterr().out)
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            seen += [str(values) for values in cursor.fetchall()]
    urls = [reverse(f"integrations:{name}", args=[account.pk]) for name in ("check", "choose", "disconnect")]
    urls += [reverse("integrations:calendars"), reverse("integrations:history"), reverse("booking:profile"), "/api/v1/health/", "/api/schema/"]
    urls += [reverse(f"admin:integrations_{name}_change", args=[pk]) for name, pk in (("account", account.pk), ("oauthclient", row.pk))]
    urls += [reverse("admin:booking_employee_change", args=[employee.pk]), reverse("admin:integrations_oauthclient_history", args=[row.pk])]
    for user in (employee.user, manager, admin):
        visitor = Client()
        visitor.force_login(user)
        seen += [visitor.get(url).content.decode(errors="replace") for url in urls]
    client.post(reverse("integrations:disconnect", args=[account.pk]))
    seen.append(caplog.text)
    for secret in secrets:
        assert not [text for text in seen if secret in text]
    assert sent
