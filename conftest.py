"""The cast, shared by every test: employee, colleague, outsider, customer, manager, admin."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from datetime import time
from typing import TYPE_CHECKING, Any
from unittest import mock

import hypothesis
import pytest

from config.schedule import ensure_schedule
from config.suite import Services

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from pytest_django import DjangoDbBlocker

    from booking.models import Customer, Employee

PASSWORD = "correct horse battery staple"
WRITTEN_BY_MIGRATE = ("django_content_type", "auth_permission", "auth_group")

hypothesis.settings.register_profile("default", deadline=None, max_examples=100)
hypothesis.settings.register_profile("long", deadline=None, max_examples=2000)
hypothesis.settings.load_profile("long" if os.environ.get("KALENDS_LONG") else "default")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out what this pass is not for, and skips what the machine lacks (`config.suite` says it loudly)."""
    from django.conf import settings

    services = Services.from_environment()
    on_postgres = settings.DATABASES["default"]["ENGINE"].endswith("postgresql")
    kept, left_out = [], []
    for item in items:
        if (item.get_closest_marker("long") and not os.environ.get("KALENDS_LONG")) or (item.get_closest_marker("postgres") and not on_postgres):
            left_out.append(item)
            continue
        if item.get_closest_marker("browser") and not services.chromium:
            item.add_marker(pytest.mark.skip(reason="no chromium found (set CHROMIUM)"))
        if item.get_closest_marker("redis") and not services.redis:
            item.add_marker(pytest.mark.skip(reason="no Redis answers (set TEST_REDIS_URL)"))
        kept.append(item)
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = kept


@pytest.fixture(scope="session")
def services() -> Services:
    """The services of this machine that tests may use: their addresses, empty where there is none."""
    return Services.from_environment()


if "MIGRATED" in os.environ:

    @pytest.fixture(scope="session")
    def django_db_setup(django_test_environment: None, django_db_blocker: DjangoDbBlocker, worker_id: str) -> Iterator[None]:
        """A copy of the database that `config.suite` has migrated for all workers."""
        from django.db import connection

        with django_db_blocker.unblock():
            connection.settings_dict["NAME"] = os.environ["MIGRATED"]
            connection.creation.clone_test_db(worker_id, verbosity=0)
            connection.settings_dict |= connection.creation.get_test_db_clone_settings(worker_id)  # in place, as other threads see it
        yield
        with django_db_blocker.unblock():
            connection.creation.destroy_test_db(verbosity=0)


@pytest.fixture(scope="session", autouse=True)
def _empty_tables_quickly() -> Iterator[None]:
    """After a test with transactions of its own. Django does it by TRUNCATE, a new file for each table on PostgreSQL, and then has `migrate` write
    permissions, groups and the schedule anew, up to 0.7 s in all. Here rows are deleted, permissions and groups stay, and the schedule is as at first."""
    from django.apps import apps
    from django.db import connection, transaction
    from django.test import TransactionTestCase

    tables: list[str] = []

    def delete(case: TransactionTestCase) -> None:
        tables[:] = tables or [one for one in connection.introspection.django_table_names(only_existing=True) if not one.startswith(WRITTEN_BY_MIGRATE)]
        with transaction.atomic(), connection.cursor() as cursor:
            for table in tables:
                cursor.execute(f"DELETE FROM {connection.ops.quote_name(table)}")
            ensure_schedule(apps.get_app_config("config"), using="default")

    with mock.patch.object(TransactionTestCase, "_fixture_teardown", delete):
        yield


@pytest.fixture(scope="session")
def _chromium(services: Services) -> Iterator[tuple[Any, asyncio.AbstractEventLoop]]:
    """A headless Chromium (playwright) for all tests of a worker, since starting one takes a second; and the event loop that runs in this thread for it."""
    from playwright.sync_api import sync_playwright

    quiet = [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    ]
    with sync_playwright() as playwright:
        loop = asyncio.get_running_loop()
        chromium = playwright.chromium.launch(executable_path=services.chromium, args=quiet)
        asyncio._set_running_loop(None)
        yield chromium, loop
        asyncio._set_running_loop(loop)
        chromium.close()


@pytest.fixture
def browser(_chromium: tuple[Any, asyncio.AbstractEventLoop], monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A headless Chromium; what the test opens in it is closed afterwards."""
    chromium, loop = _chromium
    # Where an event loop runs Django refuses its ordinary database calls, and nobody else can run one: tests without a browser must not notice it.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    asyncio._set_running_loop(loop)
    yield chromium
    for context in chromium.contexts:
        context.close()
    asyncio._set_running_loop(None)


@pytest.fixture
def background() -> Iterator[None]:
    """Tasks run at once, as soon as the change that starts them is committed. Needs a test with real transactions."""
    from config.celery import app

    before, app.conf.task_always_eager = app.conf.task_always_eager, True
    yield
    app.conf.task_always_eager = before


@pytest.fixture(autouse=True)
def _empty_cache() -> None:
    """Throttles and rate limits count in the cache: each test starts at zero."""
    from django.core.cache import cache

    cache.clear()


def make_user(username: str, group: str = "", **extra: bool) -> User:
    from django.contrib.auth.models import Group, User

    user = User.objects.create_user(username, f"{username}@example.org", PASSWORD, **extra)
    if group:
        user.groups.add(Group.objects.get(name=group))
    return user


def make_employee(username: str, first_name: str, last_name: str) -> Employee:
    """An employee with a sign-in, who works Monday to Friday from 9 to 17 in Berlin."""
    from booking.models import Calendar, Employee, WorkingHours

    user = make_user(username, "employee")
    calendar = Calendar.objects.create(name=f"{first_name} {last_name}", timezone="Europe/Berlin")
    WorkingHours.objects.bulk_create(WorkingHours(calendar=calendar, weekday=weekday, start=time(9), end=time(17)) for weekday in range(5))
    return Employee.objects.create(user=user, calendar=calendar, first_name=first_name, last_name=last_name, email=user.email)


@pytest.fixture
def employee(db: None) -> Employee:
    return make_employee("employee", "Emma", "Weber")


@pytest.fixture
def colleague(db: None) -> Employee:
    return make_employee("colleague", "Carl", "Vogel")


@pytest.fixture
def outsider(db: None) -> User:
    """Somebody who may sign in and must see nothing of the others."""
    return make_user("outsider")


@pytest.fixture
def customer(db: None) -> Customer:
    from booking.models import Customer

    return Customer.objects.create(first_name="Clara", last_name="Kunde", email="clara@example.org", phone="+49 30 901820")


@pytest.fixture
def manager(db: None) -> User:
    return make_user("manager", "manager", is_staff=True)


@pytest.fixture
def admin(db: None) -> User:
    return make_user("admin", "admin", is_staff=True, is_superuser=True)
