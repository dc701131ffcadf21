"""The client's true address, limits of a session, second factors for staff, and logs without secrets."""

from __future__ import annotations

import io
import logging
import time

import pytest
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client, RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from config.logs import WithoutSecrets, safe_path
from config.middleware import client_address

PASSWORD = "correct horse battery staple"


@pytest.fixture
def log():
    """What the configured handler would write to standard error."""
    handler = next(handler for handler in logging.getLogger().handlers if handler.name == "stderr")
    assert isinstance(handler, logging.StreamHandler)
    text = io.StringIO()
    before = handler.setStream(text)
    yield text
    handler.setStream(before)


def test_without_proxies_nobody_chooses_the_own_address():
    assert client_address(peer="192.0.2.1", forwarded_for="203.0.113.9", trusted_proxies=0) == "192.0.2.1"


@given(forged=st.lists(st.ip_addresses().map(str)), proxies=st.integers(1, 3))
def test_what_a_client_puts_in_front_changes_nothing(forged, proxies):
    chain = [*forged, "203.0.113.9", *["192.0.2.7"] * (proxies - 1)]
    assert client_address(peer="192.0.2.1", forwarded_for=", ".join(chain), trusted_proxies=proxies) == "203.0.113.9"


def test_a_request_past_the_proxies_counts_as_its_peer():
    assert client_address(peer="192.0.2.1", forwarded_for="203.0.113.9", trusted_proxies=2) == "192.0.2.1"


@pytest.mark.django_db
def test_signing_in_works_by_name_and_by_e_mail(client: Client, employee):
    for login in ("employee", "employee@example.org"):
        client.post("/account/login/", {"login": login, "password": PASSWORD})
        assert client.session["_auth_user_id"] == str(employee.user.pk)
        client.post("/account/logout/")


@pytest.mark.django_db
def test_sign_up_is_closed(client: Client):
    """Seen red with is_open_for_signup returning True."""
    client.post("/account/signup/", {"email": "new@example.org", "password1": PASSWORD, "password2": PASSWORD})
    assert not User.objects.exists()


@pytest.mark.django_db
def test_password_reset_answers_the_same_for_known_and_unknown_addresses(client: Client, employee):
    known = client.post("/account/password/reset/", {"email": "employee@example.org"})
    unknown = client.post("/account/password/reset/", {"email": "nobody@example.org"})
    assert known.status_code == unknown.status_code == 302
    assert known["Location"] == unknown["Location"]


@pytest.mark.django_db
def test_a_session_ends_at_its_absolute_limit_however_much_it_is_used(client: Client, employee, settings):
    """Seen red with the comparison in SessionLimitMiddleware taken out."""
    client.force_login(employee.user)
    client.get("/account/login/")
    session = client.session
    session["begun_at"] = int(time.time()) - settings.SESSION_ABSOLUTE_SECONDS - 1
    session.save()
    client.get("/account/login/")
    assert "_auth_user_id" not in client.session


@pytest.mark.django_db
def test_an_anonymous_visitor_gets_no_session(client: Client):
    client.get("/api/v1/services/")
    assert "session" not in client.cookies


@pytest.mark.django_db
def test_staff_without_a_second_factor_reach_only_its_set_up_where_it_is_required(client: Client, admin, employee, settings):
    """Seen red with StaffMfaMiddleware taken out of MIDDLEWARE."""
    settings.REQUIRE_STAFF_MFA = True
    client.force_login(admin)
    assert client.get("/admin/")["Location"] == "/account/2fa/"
    assert client.get("/account/2fa/").status_code == 200
    TOTP.activate(admin, "JBSWY3DPEHPK3PXP")
    assert client.get("/admin/").status_code == 200
    client.force_login(employee.user)
    assert client.get("/api/v1/services/").status_code == 200


@pytest.mark.django_db
def test_second_factor_secrets_are_unreadable_in_the_database(admin):
    """Seen red with encrypt and decrypt of SecondFactorAdapter taken out."""
    TOTP.activate(admin, "JBSWY3DPEHPK3PXP")
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT data FROM {Authenticator._meta.db_table}")
        assert "JBSWY3DPEHPK3PXP" not in str(cursor.fetchall())
    assert get_adapter().decrypt(Authenticator.objects.get().data["secret"]) == "JBSWY3DPEHPK3PXP"


def test_the_access_log_tells_routes_not_paths():
    path = safe_path(RequestFactory().get("/account/password/reset/key/3-very-secret-token/?next=also-secret"))
    assert path.startswith("/account/password/reset/key/")
    assert "secret" not in path
    assert safe_path(RequestFactory().get("/no/such/secret/")) == "(no such page)"


@pytest.mark.django_db
def test_no_secret_of_a_path_is_written_to_the_log(client: Client, log: io.StringIO):
    """Seen red with the handler's filter taken out of LOGGING."""
    client.get("/no/such/page/canary-7f3a9c/")
    client.get("/account/password/reset/key/1-canary-7f3a9c/")
    assert "GET (no such page) 404" in log.getvalue()
    assert "Not Found: (no such page)" in log.getvalue()
    assert "canary-7f3a9c" not in log.getvalue()


def test_a_line_break_in_foreign_text_makes_no_second_record():
    record = logging.LogRecord("name", logging.INFO, "", 0, "booked by %s", ("Eve\n2026-01-01 forged",), None)
    WithoutSecrets().filter(record)
    assert "\n" not in record.getMessage()
