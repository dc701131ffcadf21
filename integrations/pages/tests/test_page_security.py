"""Who may see and do what, and that no secret is seen anywhere. Routes are taken from the URL conf: a new one is tested by itself."""

from __future__ import annotations

import logging

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.urls import get_resolver, reverse
from django.utils import timezone

from booking.actions import busy
from booking.models import BusySource
from integrations.models import Account, FieldChange, Link, Outgoing, Pair, Plan, Rule, Run
from integrations.models.encrypted import EncryptedJSONField, WrongKey
from integrations.pages import urls
from integrations.rules import max_age

pytestmark = pytest.mark.django_db

CANARY = "canary-7f3a-secret"
# Routes that only change something.
POST_ONLY = {"check_again", "gone", "settle", "try_again", "send_link", "preview"}


@pytest.fixture
def rows(employee) -> dict[str, int]:
    """One of everything that belongs to the employee, by the name of the route that takes its id."""
    account = Account.objects.create(
        user=employee.user, provider="memory", server="https://x.example.org", username="emma", secrets={"password": CANARY}, state="connected"
    )
    source = busy.add_source(calendar=employee.calendar, label="Work", max_age=max_age())
    busy.replace(source, "k", [busy.Span(timezone.now(), timezone.now() + max_age(), "Foreign title")])
    link = Link.objects.create(account=account, calendar=employee.calendar, remote_id="r", remote_name="Work", source=source, writes=True)
    Rule.objects.create(scope="link", link=link)
    pair = Pair.objects.create(link=link, kind="appointment", item_id=1, key="k.appointment.1", state="conflict", base={"own": None}, theirs={"when": None})
    run = Run.objects.create(link=link, calendar=link.calendar, remote_name="Work", direction="in", started_at=timezone.now())
    values = {"direction": "in", "kind": "update", "field": "title", "old": "a", "new": "b", "at": timezone.now()}
    change = FieldChange.objects.create(run=run, pair=pair, item_kind="appointment", item_id=1, **values)
    outgoing = Outgoing.objects.create(link=link, kind="appointment", item_id=1, not_before=timezone.now(), state="failed")
    result = {"items": [], "busy": {"added": [], "removed": []}, "unreadable": 0, "left_out": 0}
    Plan.objects.create(account=account, calendar=employee.calendar, state="ready", result=result)
    by_account = dict.fromkeys(["check", "check_again", "choose", "plan", "password", "disconnect"], account.pk)
    return by_account | {"link": link.pk, "reading": link.pk, "gone": link.pk, "settle": pair.pk, "try_again": outgoing.pk, "undo": run.pk, "revert": change.pk}


def addresses(rows) -> dict[str, str]:
    """Every route of these pages by name."""
    found = {}
    for pattern in urls.urlpatterns:
        name = str(pattern.name)
        if name == "connect_with":
            found[name] = reverse("integrations:connect_with", args=["memory"])
        elif "<int:pk>" in str(pattern.pattern):
            found[name] = reverse(f"integrations:{name}", args=[rows[name]])
        else:
            found[name] = reverse(f"integrations:{name}")
    return found


def test_without_signing_in_there_is_nothing(client_of_nobody, rows):
    for name, url in addresses(rows).items():
        for method in ("get", "post"):
            answer = getattr(client_of_nobody, method)(url)
            assert answer.status_code in (302, 405), name
            if answer.status_code == 302:
                assert reverse("account_login") in answer.url, name


@pytest.fixture
def client_of_nobody() -> Client:
    return Client()


def test_an_outsider_and_a_colleague_find_nothing_of_somebody_elses(rows, employee, colleague, outsider):
    for user in (colleague.user, outsider):
        client = Client()
        client.force_login(user)
        for name, url in addresses(rows).items():
            about_one = name in rows
            for method in ("get", "post"):
                answer = getattr(client, method)(url if about_one else f"{url}?employee={employee.pk}")
                assert answer.status_code in (404, 405, 403), (user, name, method, answer.status_code)
    assert Account.objects.get().state == "connected"


def test_a_manager_opens_them_all(rows, employee, manager):
    client = Client()
    client.force_login(manager)
    for name, url in addresses(rows).items():
        if name not in POST_ONLY:
            assert client.get(f"{url}?employee={employee.pk}").status_code == 200, name
    assert "Emma Weber" in client.get(reverse("integrations:calendars")).content.decode()  # whose?


def test_looking_twice_at_everything_changes_nothing(client, rows):
    def state():
        return [list(model.objects.order_by("pk").values()) for model in (Account, Link, Pair, FieldChange, Outgoing, Rule, Run, BusySource)]

    before = state()
    for name, url in addresses(rows).items():
        for _again in range(2):
            assert client.get(url).status_code == (405 if name in POST_ONLY else 200), name
    assert state() == before


def test_nothing_is_kept_by_a_cache_and_nothing_is_done_without_a_token(employee, rows):
    client = Client(enforce_csrf_checks=True)
    client.force_login(employee.user)
    for name, url in addresses(rows).items():
        answer = client.get(url)
        if answer.status_code == 200:
            assert "no-store" in answer["Cache-Control"], name
            assert "form-action" in answer["Content-Security-Policy"], name
        assert client.post(url, {"answer": "ours"}).status_code in (403, 405), name
    assert Account.objects.exists()


def test_no_page_shows_a_secret_or_a_foreign_title_to_anybody(rows, employee, manager, admin):
    """Security 18: a canary, and every page that answers GET, the admin's included, as each role."""
    shown = [*addresses(rows).values(), reverse("booking:profile"), "/api/v1/health/", "/api/docs/", "/api/schema/"]
    for model, pk in (
        (Account, rows["check"]),
        (Link, rows["link"]),
        (Run, rows["undo"]),
        (FieldChange, rows["revert"]),
        (Outgoing, rows["try_again"]),
        (Rule, Rule.objects.get().pk),
    ):
        name = model._meta.model_name
        shown += [reverse(f"admin:integrations_{name}_changelist"), reverse(f"admin:integrations_{name}_change", args=[pk])]
    shown += [
        reverse("admin:booking_employee_change", args=[employee.pk]),
        reverse("admin:booking_employee_changelist"),
        reverse("admin:booking_busy_changelist"),
    ]
    for user in (employee.user, manager, admin):
        client = Client()
        client.force_login(user)
        seen = 0
        for url in shown:
            for address in (url, f"{url}?employee={employee.pk}"):
                answer = client.get(address)
                assert answer.status_code < 500 or "health" in url, (user, address)
                seen += answer.status_code == 200
                text = answer.content.decode(errors="replace") if not answer.streaming else ""
                assert CANARY not in text, (user, address)
                assert "Foreign title" not in text, (user, address)
        assert seen > 10


def test_the_database_holds_no_readable_secret(rows):
    """Security 14, 17: a raw look at every text of every table."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            assert not [row for row in cursor.fetchall() if CANARY in str(row)], table
    assert Account.objects.get().secrets == {"password": CANARY}


def test_no_history_table_has_a_secret_field():
    """Security 17."""
    historical = [model for model in apps.get_models() if hasattr(model, "history_object") or model.__name__.startswith("Historical")]
    assert historical
    for model in historical:
        for field in model._meta.fields:
            assert not isinstance(field, EncryptedJSONField), model
            assert not any(word in field.name for word in ("secret", "password", "token")), (model, field.name)


def test_exports_stay_encrypted(rows, capsys):
    call_command("dumpdata", "integrations.account")
    written = capsys.readouterr().out
    assert "emma" in written
    assert CANARY not in written


def test_tasks_and_logs_get_no_secret(client, rows, caplog, monkeypatch):
    """Security 19: what a broker and a log would keep of connecting and changing a password."""
    from config.celery import app

    sent = []
    monkeypatch.setattr(app, "send_task", lambda *arguments, **options: sent.append((arguments, options)))
    caplog.set_level(logging.DEBUG)
    typed = {"server": "https://x.example.org", "username": "emma", "password": f"{CANARY}-typed"}
    with _committed():
        client.post(reverse("integrations:connect_with", args=["memory"]), typed)
        client.post(reverse("integrations:password", args=[rows["password"]]), {"password": f"{CANARY}-again"})
    assert Account.objects.filter(state="checking").count() == 2
    assert CANARY not in caplog.text
    assert CANARY not in str(sent)


def _committed():
    from django.test import TestCase

    return TestCase.captureOnCommitCallbacks(execute=True)


def test_keys_are_rotated_in_three_steps(rows, settings):
    """Security 15: the new key first, then everything anew, then the old key may go. With the wrong key it is said clearly."""
    from cryptography.fernet import Fernet

    (old,) = settings.KALENDS_ENCRYPTION_KEYS
    new = Fernet.generate_key().decode()
    settings.KALENDS_ENCRYPTION_KEYS = [new, old]
    assert Account.objects.get().secrets["password"] == CANARY
    call_command("rotate_keys")
    settings.KALENDS_ENCRYPTION_KEYS = [new]
    assert Account.objects.get().secrets["password"] == CANARY
    settings.KALENDS_ENCRYPTION_KEYS = [old]
    with pytest.raises(WrongKey, match="KALENDS_ENCRYPTION_KEYS"):
        Account.objects.get()
    with pytest.raises(CommandError, match="Put the key back"):
        call_command("rotate_keys")
    settings.KALENDS_ENCRYPTION_KEYS = [new]
    assert Account.objects.get().secrets["password"] == CANARY  # nothing was lost


def test_every_route_of_these_pages_is_mounted():
    names = {name for name in get_resolver().namespace_dict["integrations"][1].reverse_dict if isinstance(name, str)}
    assert {pattern.name for pattern in urls.urlpatterns} <= names
