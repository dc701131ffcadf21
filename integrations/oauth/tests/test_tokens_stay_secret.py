"""Tokens and client secrets are in no log, history, task argument, page, API answer or address; web processes load no provider's SDK for all this."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import pytest
import redis
from django.contrib.sessions.models import Session
from django.core import mail
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse

from config.suite import Services
from integrations import choosing, connect, engine
from integrations.models import Account, OAuthClient
from integrations.oauth.tests.desk import WHO
from integrations.oauth.tests.test_tokens_are_renewed import expire
from integrations.pages.tests.salon import book, workday
from integrations.testing.servers.oauth import SECRET
from integrations.tests.workers import empty_redis

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


@pytest.mark.redis
@pytest.mark.once
@pytest.mark.django_db(transaction=True)
def test_no_token_lies_in_the_broker_or_in_a_session(client, desk, employee, service, services: Services):
    """What is sent to workers is read by whoever reads the broker, and sessions are rows. Seen red with the account's secrets among a task's arguments,
    and with the access token, or the code it was exchanged for, kept in the session."""
    with empty_redis(services.redis) as broker, sending_to(broker):
        desk.set_up()
        assert desk.consent(client).status_code == 200
        account = Account.objects.get(identity=WHO)
        secrets = {SECRET} | set(account.secrets.values())
        connect.check(account.pk)
        account.refresh_from_db()
        main = next(one["id"] for one in account.calendars if one["primary"])
        choosing.choose(account, employee.calendar, reads={main}, writes=main)
        link = account.links.get()
        engine.pull(link.pk)
        book(service, workday())
        expire(desk, account)
        engine.drain(link.pk)
        secrets |= set(Account.objects.get().secrets.values())
        assert desk.renewals == 1
        sessions = [str(one.get_decoded()) for one in Session.objects.all()]
        client.post(reverse("integrations:disconnect", args=[account.pk]))
        connect.disconnect(Account.objects.get())
        secrets |= set(desk.oauth.codes)
        names, kept = dumped(broker)
        sessions += [str(one.get_decoded()) for one in Session.objects.all()]
    assert len(secrets) >= 5
    assert any("integrations.tasks.disconnect_account" in one for one in kept), "it went there"
    assert any("integrations.tasks.drain" in one for one in kept)
    assert sessions
    for secret in secrets:
        assert not [one for one in [*names, *kept, *sessions] if secret in one]


@contextmanager
def sending_to(broker: str) -> Iterator[None]:
    """Tasks go to that broker, where nobody takes them."""
    from config.celery import app

    send = app.Task.apply_async
    with app.connection_for_write(url=broker) as there:

        def elsewhere(self, *given, **named):
            return send(self, *given, **named | {"connection": there})

        with mock.patch.object(app.Task, "apply_async", elsewhere):
            yield


def dumped(broker: str) -> tuple[list[str], list[str]]:
    """All names and values in a Redis database; the bodies of messages decoded (base64)."""
    store: Any = redis.Redis.from_url(broker, decode_responses=True)
    names, values = list(store.keys("*")), []
    for name in names:
        match store.type(name):
            case "list":
                values += store.lrange(name, 0, -1)
            case "set":
                values += store.smembers(name)
            case "hash":
                values += [one for pair in store.hgetall(name).items() for one in pair]
            case "zset":
                values += store.zrange(name, 0, -1)
            case "string":
                values.append(store.get(name))
            case kind:
                raise AssertionError(f"what is {kind}?")
    bodies = [json.loads(one)["body"] for one in values if one.startswith("{") and '"body"' in one]
    return names, values + [b64decode(one).decode() for one in bodies]
