"""Every address of the house: who may open it, which headers it sends, that writing needs the CSRF token. Made from the URL conf."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from config.tests.route_policy import CALLER, LINK, POLICY, PUBLIC, SIGNED_IN, STAFF

pytestmark = [pytest.mark.django_db, pytest.mark.once]

# An argument of each kind that names nothing.
ARGUMENTS = {
    "pk": 4242,
    "token": "no-such-token",
    "key": "nokey",
    "uidb36": "1",
    "object_id": "4242",
    "content_type_id": 1,
    "app_label": "booking",
    "url": "x",
    "original": "2031-03-10",
}


@dataclass(frozen=True)
class Route:
    name: str
    url: str
    callback: Any

    @property
    def policy(self) -> str | None:
        return POLICY.get(self.name) or POLICY.get(self.name.split(":")[0])


def routes(resolver: URLResolver | None = None, names: tuple[str, ...] = ()) -> Iterator[Route]:
    for one in (resolver or get_resolver()).url_patterns:
        if isinstance(one, URLResolver):
            yield from routes(one, (*names, one.namespace) if one.namespace else names)
        elif isinstance(one, URLPattern):
            name = ":".join([*names, one.name or f"(without a name: {one.pattern})"])
            yield Route(name, _url(name, one.pattern.regex) if one.name else "", one.callback)


def _url(name: str, regex: re.Pattern[str]) -> str:
    if regex.groups > len(regex.groupindex):
        return reverse(name, args=["1"] * regex.groups)
    return reverse(name, kwargs={argument: ARGUMENTS.get(argument, "1") for argument in regex.groupindex})


ROUTES = {route.name: route for route in routes() if route.url}


def test_every_route_has_a_name_and_a_policy():
    """Red when an entry is taken out of route_policy.py, or a route is added without one."""
    without_name = [route.name for route in routes() if not route.url and not route.name.startswith("admin:")]
    assert without_name == []
    assert sorted(name for name, route in ROUTES.items() if route.policy is None) == []
    assert len(ROUTES) > 30


def by_policy(*policies: str) -> list[Route]:
    return [route for name, route in sorted(ROUTES.items()) if route.policy in policies]


def test_strangers_and_outsiders_get_what_the_policy_allows(client, outsider):
    guilty = []
    for route in by_policy(SIGNED_IN):
        answer = client.get(route.url)
        if answer.status_code not in (302, 401, 403, 404, 405) or (answer.status_code == 302 and "/account/login/" not in answer.url):
            guilty.append(f"{route.name}: {answer.status_code} to a stranger")
    for route in by_policy(PUBLIC, LINK, CALLER):
        expected = {LINK: {404}, CALLER: {405}}.get(route.policy or "", {200, 302, 400, 404, 405, 503})
        if (code := client.get(route.url).status_code) not in expected:
            guilty.append(f"{route.name}: {code} to a stranger")
    for route in by_policy(SIGNED_IN, LINK):
        client.force_login(outsider)
        expected = {404} if route.policy == LINK else {200, 302, 400, 403, 404, 405}
        if (code := client.get(route.url).status_code) not in expected:
            guilty.append(f"{route.name}: {code} to an outsider")
    assert guilty == []


def test_the_admin_is_closed_to_whoever_is_not_staff(client, employee):
    client.force_login(employee.user)
    assert [route.name for route in by_policy(STAFF) if client.get(route.url).status_code not in (302, 403, 404)] == []


def test_every_answer_carries_the_security_headers(client, admin):
    """ASVS 5.0, 3.4: CSP with nonces, no framing, no sniffing, referrer policy. For strangers and for admins."""
    wanted = ("object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "default-src 'self'", "form-action 'self'")
    guilty = []
    for signed_in in (False, True):
        for route in ROUTES.values():
            if signed_in:
                client.force_login(admin)
            headers = client.get(route.url).headers
            policy = headers.get("Content-Security-Policy", "")
            guilty += [f"{route.name}: no {part}" for part in wanted if part not in policy]
            if "unsafe" in policy:
                guilty.append(f"{route.name}: {policy}")
            told = headers.get("X-Content-Type-Options"), headers.get("X-Frame-Options"), headers.get("Referrer-Policy")
            if told not in (("nosniff", "DENY", "same-origin"), ("nosniff", "DENY", "strict-origin")):
                guilty.append(f"{route.name}: {told}")
    assert guilty == []


def test_writing_needs_the_csrf_token(admin):
    """Everything that answers POST and reads the session cookie refuses it without the token; the public API reads no cookie."""
    client, guilty = Client(enforce_csrf_checks=True), []
    client.force_login(admin)
    for route in ROUTES.values():
        for method in ("post", "put", "patch", "delete"):
            code = getattr(client, method)(route.url).status_code
            cookieless = route.policy == CALLER or (route.policy == PUBLIC and route.name.startswith("api"))
            if code not in (403, 405) and not (cookieless and code < 500):
                guilty.append(f"{method} {route.name}: {code}")
    assert guilty == []


def test_personal_pages_are_kept_by_no_cache(client, employee):
    """ASVS 5.0, 14.3.2."""
    client.force_login(employee.user)
    guilty, seen = [], 0
    for route in by_policy(SIGNED_IN, LINK):
        client.force_login(employee.user)
        answer = client.get(route.url)
        seen += answer.status_code == 200
        if "no-store" not in answer.headers.get("Cache-Control", ""):
            guilty.append(f"{route.name}: {answer.status_code}")
    assert seen > 4
    assert guilty == []


def test_cookies_are_closed_to_scripts_and_other_sites(client, employee, settings):
    from conftest import PASSWORD

    page = client.get("/account/login/")
    before = client.cookies["csrf"].value
    assert page.status_code == 200
    client.post("/account/login/", {"login": "employee", "password": PASSWORD})
    for name in (settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME):
        cookie = client.cookies[name]
        assert cookie["httponly"]
        assert cookie["samesite"] == "Lax"
    # Another CSRF secret and another session after signing in (ASVS 5.0, 7.2.4).
    assert client.cookies["csrf"].value != before


def test_the_session_is_another_one_after_signing_in(client, employee):
    from conftest import PASSWORD

    session = client.session
    session["booked"] = {"id": "x", "until": 0}
    session.save()
    planted = client.cookies["session"].value
    client.post("/account/login/", {"login": "employee@example.org", "password": PASSWORD})
    assert client.cookies["session"].value != planted
    client.logout()
    client.cookies["session"] = planted
    assert client.get("/profile/").status_code == 302
