"""Health, throttles and the page that describes the API."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from rest_framework.settings import api_settings

from booking import health
from booking.actions import appointments
from booking.actions.customers import Guest
from booking.api.throttles import network
from booking.models import Message
from booking.tests.salon import make_employee, make_service, soon, wish

HEALTH = "/api/v1/health/"

pytestmark = pytest.mark.django_db


def test_it_is_well_when_the_worker_has_beaten(client):
    health.beat(timezone.now())
    answer = client.get(HEALTH)
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize("silent", [None, timedelta(minutes=5)])
def test_it_is_degraded_without_a_worker(client, silent):
    """Red when the heartbeat's age is not looked at."""
    if silent:
        health.beat(timezone.now() - silent)
    answer = client.get(HEALTH)
    assert (answer.status_code, answer.json()) == (503, {"status": "degraded"})


def test_a_message_that_waits_too_long_degrades_it(client):
    health.beat(timezone.now())
    service = make_service(make_employee())
    appointments.book(service=service, start=soon(10), guest=Guest(first_name="C", email="c@example.org"), now=timezone.now())
    assert client.get(HEALTH).status_code == 200
    Message.objects.update(not_before=timezone.now() - timedelta(minutes=11))
    assert client.get(HEALTH).status_code == 503


def test_only_staff_see_the_details(client, admin, outsider):
    health.beat(timezone.now())
    client.force_login(outsider)
    assert client.get(HEALTH).json() == {"status": "ok"}
    client.force_login(admin)
    checks = client.get(HEALTH).json()["checks"]
    assert {"database", "broker", "worker", "messages"} <= set(checks)
    assert all(check["ok"] for check in checks.values())


def test_a_check_that_raises_is_a_finding(client, admin, monkeypatch):
    health.beat(timezone.now())

    def broken(now: object) -> health.Finding:
        raise OSError("/var/secret/place")

    monkeypatch.setitem(health.checks, "outbox", broken)
    client.force_login(admin)
    answer = client.get(HEALTH)
    assert answer.status_code == 503
    assert answer.json()["checks"]["outbox"] == {"ok": False, "detail": "OSError", "since": None}


@pytest.fixture
def rates(monkeypatch):
    """Rates of this test; they are read from the settings for each request."""

    def set_rates(**wanted: str) -> None:
        monkeypatch.setattr(api_settings, "DEFAULT_THROTTLE_RATES", api_settings.DEFAULT_THROTTLE_RATES | wanted)

    return set_rates


def test_a_forged_address_does_not_help(client, rates):
    """Red when the throttle reads X-Forwarded-For."""
    rates(book="3/hour")
    codes = [
        client.post("/api/v1/appointments/", "{}", content_type="application/json", headers={"X-Forwarded-For": f"203.0.113.{number}"}).status_code
        for number in range(6)
    ]
    assert codes == [400, 400, 400, 429, 429, 429]


def test_it_says_how_long_to_wait_and_books_nothing(client, rates):
    rates(book="1/hour")
    service = make_service(make_employee())
    first, second = (client.post("/api/v1/appointments/", json.dumps(wish(service, soon(hour))), content_type="application/json") for hour in (10, 11))
    assert (first.status_code, second.status_code) == (201, 429)
    assert 0 < int(second["Retry-After"]) <= 3600


def test_behind_a_proxy_each_client_has_its_own_count(client, rates):
    rates(book="1/hour")

    def code(address: str) -> int:
        answer = client.post("/api/v1/appointments/", "{}", content_type="application/json", headers={"X-Forwarded-For": address})
        return int(answer.status_code)

    settings.TRUSTED_PROXY_COUNT, before = 1, settings.TRUSTED_PROXY_COUNT
    try:
        assert [code("1.2.3.4"), code("1.2.3.4"), code("9.9.9.9, 1.2.3.4"), code("5.6.7.8")] == [400, 429, 429, 400]
    finally:
        settings.TRUSTED_PROXY_COUNT = before


def test_scopes_count_apart_and_off_is_off(client, rates):
    rates(book="1/hour", read="off")
    for _ in range(3):
        assert client.get("/api/v1/services/").status_code == 200
    assert client.post("/api/v1/appointments/", "{}", content_type="application/json").status_code == 400


def test_every_view_has_a_rate():
    from booking.api.urls import urlpatterns

    for pattern in urlpatterns:
        view = getattr(pattern.callback, "cls", None)
        if view is not None and hasattr(view, "throttle_scope"):
            assert view.throttle_scope in api_settings.DEFAULT_THROTTLE_RATES


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("", "unknown"),
        ("x" * 500, "unknown"),
    ],
)
def test_one_household_counts_once(address, counted):
    assert network(address) == counted


def test_the_description_names_every_address(client):
    answer = client.get("/api/schema/", headers={"Accept": "application/vnd.oai.openapi+json"})
    assert answer.status_code == 200
    paths = json.loads(answer.content)["paths"]
    assert {"/api/v1/services/", "/api/v1/slots/", "/api/v1/slots/next/", "/api/v1/appointments/", "/api/v1/events/", "/api/v1/health/"} <= set(paths)
    assert {parameter["name"] for parameter in paths["/api/v1/slots/"]["get"]["parameters"]} == {"service", "employee", "location", "from", "to", "timezone"}


def test_the_page_holds_no_script_of_its_own(client):
    """What the Content-Security-Policy would refuse: a script or style in the page, or an asset from elsewhere."""
    page = client.get("/api/docs/")
    text = page.content.decode()
    assert page.status_code == 200
    assert "<script>" not in text
    assert "<style" not in text
    assert "style=" not in text
    assert "http" not in text
    for asset in text.split('"')[1::2]:
        if asset.startswith("/static/"):
            assert client.get(asset).status_code == 200, asset
    script = client.get("/api/docs/?script=")
    assert "javascript" in script["Content-Type"]
    assert "/api/schema/" in script.content.decode()


@pytest.mark.browser
def test_a_browser_shows_the_page_under_the_policy(live_server, browser):
    page = browser.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.goto(f"{live_server.url}/api/docs/")
    page.get_by_text("/api/v1/appointments/").first.wait_for()
    assert said == []


def test_health_needs_no_account(client):
    cache.clear()
    assert User.objects.count() == 0
    assert Client().get(HEALTH).status_code in (200, 503)
