"""Processes that answer requests never load the SDK, and nobody is offered what can't be connected yet."""

from __future__ import annotations

import subprocess
import sys

import pytest
from django.urls import reverse

from integrations import registry
from integrations.pages.accounts import by_password

LOADED = """
import sys, django
django.setup()
import config.urls, config.wsgi
from integrations import registry
provider = registry.config("google").provider(None)
print(sorted({name.split(".")[0] for name in sys.modules} & {"googleapiclient", "google", "httplib2", "google_auth_httplib2"}))
"""


@pytest.mark.pure
def test_a_web_process_does_not_load_the_sdk() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED], capture_output=True, text=True, check=False, env={"DJANGO_SETTINGS_MODULE": "config.testing", "PATH": ""}
    )
    assert (done.stdout.strip(), done.returncode) == ("[]", 0), done.stderr


@pytest.mark.django_db
def test_what_connects_by_oauth_is_not_offered_as_a_form(client, employee) -> None:
    assert registry.config("google").connects_by == "oauth"
    assert "google" not in by_password()
    client.force_login(employee.user)
    assert client.get(reverse("integrations:connect_with", args=["google"])).status_code == 404
