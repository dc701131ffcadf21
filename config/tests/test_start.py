"""Production refuses to start with missing, weak or public keys, and says how to make good ones."""

from __future__ import annotations

import subprocess
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.keys import make_keys
from config.production_check import production_environment
from config.settings import environment
from config.settings.background import transport_options
from config.settings.security import DEBUG_ENCRYPTION_KEY, DEBUG_SECRET_KEY, encryption_keys, secret_key, site_url
from config.settings.storage import cache, database
from config.settings.sync import push_address

pytestmark = pytest.mark.pure


def start(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "manage.py", "diffsettings"], env=environment, capture_output=True, text=True, check=False)


def test_it_starts_with_production_keys(tmp_path):
    answer = start(production_environment(str(tmp_path)))
    assert answer.returncode == 0, answer.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", ""),
        ("SECRET_KEY", DEBUG_SECRET_KEY),
        ("SECRET_KEY", "changeme"),
        ("KALENDS_ENCRYPTION_KEYS", ""),
        ("KALENDS_ENCRYPTION_KEYS", DEBUG_ENCRYPTION_KEY),
        ("SITE_URL", ""),
    ],
)
def test_it_refuses_to_start_and_says_how_to_go_on(tmp_path, name, value):
    """Seen red with the checks of secret_key, encryption_keys and site_url returning the value unchecked."""
    answer = start({**production_environment(str(tmp_path)), name: value})
    assert answer.returncode == 1
    assert f"Kalends can't start: {name}" in answer.stderr
    assert "config.keys" in answer.stderr or "https://booking.example.org" in answer.stderr
    assert not value or value not in answer.stderr


def test_the_demo_needs_keys_of_its_own(tmp_path):
    answer = start({**production_environment(str(tmp_path)), "KALENDS_DEMO": "1", "SECRET_KEY": ""})
    assert answer.returncode == 1
    assert "SECRET_KEY is not set" in answer.stderr


def test_keys_made_by_the_command_are_accepted():
    keys = make_keys()
    assert secret_key(keys["SECRET_KEY"], relaxed=False) == keys["SECRET_KEY"]
    assert encryption_keys([keys["KALENDS_ENCRYPTION_KEYS"]], relaxed=False)
    assert make_keys() != keys


@pytest.mark.parametrize("weak", ["short", "a" * 80, "django-insecure-" + "abcdefghij" * 6])
def test_weak_secret_keys_are_refused(weak):
    with pytest.raises(ImproperlyConfigured, match=r"config\.keys"):
        secret_key(weak, relaxed=False)


def test_a_broken_encryption_key_is_named_by_its_place_and_never_shown():
    good = make_keys()["KALENDS_ENCRYPTION_KEYS"]
    with pytest.raises(ImproperlyConfigured, match="key 2 is no Fernet key") as caught:
        encryption_keys([good, "half-a-key"], relaxed=False)
    assert "half-a-key" not in str(caught.value)


def test_a_key_of_one_repeated_byte_is_refused():
    with pytest.raises(ImproperlyConfigured, match="too weak"):
        encryption_keys(["A" * 43 + "="], relaxed=False)


def test_debug_and_tests_bring_their_own_keys():
    assert secret_key("", relaxed=True) == DEBUG_SECRET_KEY
    assert encryption_keys([], relaxed=True) == [DEBUG_ENCRYPTION_KEY]


@pytest.mark.parametrize("address", ["booking.example.org", "ftp://example.org", "https://", "https://example.org/?a=1"])
def test_an_address_that_is_none_is_refused(address):
    with pytest.raises(ImproperlyConfigured, match="SITE_URL"):
        site_url(address, relaxed=False)


def test_the_address_loses_its_trailing_slash():
    assert site_url("https://example.org/", relaxed=False) == "https://example.org"


@pytest.mark.parametrize("value", ["maybe", "2"])
def test_a_flag_that_is_neither_yes_nor_no_is_refused(monkeypatch, value):
    monkeypatch.setenv("SOME_FLAG", value)
    with pytest.raises(ImproperlyConfigured, match="SOME_FLAG"):
        environment.flag("SOME_FLAG")


@pytest.mark.parametrize("value", ["many", "-1", "1.5"])
def test_a_number_that_is_none_is_refused(monkeypatch, value):
    monkeypatch.setenv("SOME_NUMBER", value)
    with pytest.raises(ImproperlyConfigured, match="SOME_NUMBER"):
        environment.number("SOME_NUMBER", 1)


def test_sqlite_takes_the_write_lock_at_once_and_keeps_a_write_ahead_log():
    options = database("sqlite:////tmp/some.sqlite3")["OPTIONS"]
    assert options["transaction_mode"] == "IMMEDIATE"
    assert options["timeout"] == 20
    assert "journal_mode=WAL" in options["init_command"]


def test_postgresql_connections_are_kept_and_checked():
    entry = database("postgres://someone@db.example.org/kalends")
    assert entry["CONN_MAX_AGE"] == 60
    assert entry["CONN_HEALTH_CHECKS"] is True


def test_other_databases_and_caches_are_refused():
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL"):
        database("mysql://someone@db.example.org/kalends")
    with pytest.raises(ImproperlyConfigured, match="CACHE_URL"):
        cache("memcached://127.0.0.1")


def test_the_cache_is_shared_between_processes_by_default(tmp_path):
    assert cache(f"file://{tmp_path}")["LOCATION"] == str(tmp_path)
    assert cache("redis://127.0.0.1:6379/1")["BACKEND"].endswith("RedisCache")


def test_brokers_get_the_options_they_know():
    assert transport_options("redis://127.0.0.1", 3600)["visibility_timeout"] == 3600
    assert transport_options("amqp://127.0.0.1", 3600)["max_retries"] == 1
    embedded = transport_options("filesystem://", 3600)
    assert embedded["data_folder_in"] == embedded["data_folder_out"]
    assert embedded["polling_interval"] == 0.2


def test_a_visibility_timeout_shorter_than_a_task_may_take_stops_the_start(tmp_path):
    """Seen red with the comparison in config/settings/background.py taken out."""
    answer = start({**production_environment(str(tmp_path)), "CELERY_TASK_TIME_LIMIT": "900", "CELERY_VISIBILITY_TIMEOUT": "900"})
    assert answer.returncode == 1
    assert "CELERY_VISIBILITY_TIMEOUT (900 s) must be longer" in answer.stderr


def test_one_visibility_timeout_holds_wherever_celery_asks_for_it(tmp_path):
    """F15. Seen red with the broker's own left at its default."""
    answer = start({**production_environment(str(tmp_path)), "CELERY_BROKER_URL": "redis://127.0.0.1/0", "CELERY_VISIBILITY_TIMEOUT": "1801"})
    told = dict(line.partition(" = ")[::2] for line in answer.stdout.splitlines())
    names = ("CELERY_BROKER_TRANSPORT_OPTIONS", "CELERY_RESULT_BACKEND_TRANSPORT_OPTIONS", "CELERY_VISIBILITY_TIMEOUT")
    assert ["1801" in told[name] for name in names] == [True] * 3


@pytest.mark.parametrize(
    ("value", "site", "local", "expected"),
    [
        ("", "https://booking.example.org", False, "https://booking.example.org"),
        ("https://hooks.example.org/", "https://intranet.example", False, "https://hooks.example.org"),
        ("", "http://booking.example.org", False, ""),
        ("", "http://127.0.0.1:8000", False, ""),
        ("", "http://127.0.0.1:8000", True, "http://127.0.0.1:8000"),
        ("http://localhost:9000", "https://booking.example.org", False, "http://localhost:9000"),
        ("off", "https://booking.example.org", False, ""),
    ],
)
def test_services_on_the_internet_call_us_by_https_or_not_at_all(value, site, local, expected):
    """Seen red when an http site is given to them."""
    assert push_address(value, site, local=local) == expected


@pytest.mark.parametrize("value", ["http://hooks.example.org", "ftp://127.0.0.1", "on"])
def test_an_address_that_nobody_calls_is_refused(value):
    with pytest.raises(ImproperlyConfigured, match="PUSH_ADDRESS"):
        push_address(value, "https://booking.example.org", local=False)


def test_the_safety_poll_can_not_be_put_off_for_long(tmp_path):
    """Seen red without the limit: busy times would be stale between two readings."""
    answer = start(production_environment(str(tmp_path)) | {"SAFETY_POLL_SECONDS": "901"})
    assert answer.returncode != 0
    assert "SAFETY_POLL_SECONDS must be at most 900" in answer.stderr
