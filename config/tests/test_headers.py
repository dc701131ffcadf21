"""Every answer carries the headers that keep a browser safe; production's cookies are locked to https."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from django.test import Client

from config.production_check import production_environment

# Pages, API, admin, and what does not exist.
ADDRESSES = ["/account/login/", "/admin/login/", "/api/v1/services/", "/no/such/page/"]


@pytest.mark.django_db
@pytest.mark.parametrize("address", ADDRESSES)
def test_each_answer_carries_the_safe_headers(client: Client, address):
    """Seen red with CSPMiddleware taken out of MIDDLEWARE."""
    headers = client.get(address, follow=True).headers
    rules = dict(rule.strip().split(" ", 1) for rule in headers["Content-Security-Policy"].split(";"))
    assert rules["default-src"] == "'self'"
    assert rules["object-src"] == rules["base-uri"] == rules["frame-ancestors"] == "'none'"
    assert rules["form-action"] == "'self'"
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"


SHOW = """
import json, sys
from config import settings
print(json.dumps({name: getattr(settings, name) for name in sys.argv[1:]}))
"""


def test_production_cookies_are_bound_to_host_and_https(tmp_path):
    names = [
        "SESSION_COOKIE_NAME",
        "CSRF_COOKIE_NAME",
        "SESSION_COOKIE_SECURE",
        "CSRF_COOKIE_SECURE",
        "SESSION_COOKIE_HTTPONLY",
        "SECURE_HSTS_SECONDS",
        "ALLOWED_HOSTS",
        "DEBUG",
    ]
    output = subprocess.run([sys.executable, "-c", SHOW, *names], env=production_environment(str(tmp_path)), capture_output=True, text=True, check=True).stdout
    values = json.loads(output)
    assert values["SESSION_COOKIE_NAME"] == "__Host-session"
    assert values["CSRF_COOKIE_NAME"] == "__Host-csrf"
    assert values["SESSION_COOKIE_SECURE"]
    assert values["CSRF_COOKIE_SECURE"]
    assert values["SESSION_COOKIE_HTTPONLY"]
    assert values["SECURE_HSTS_SECONDS"] >= 31_536_000
    assert values["ALLOWED_HOSTS"] == ["booking.example.org"]
    assert values["DEBUG"] is False
