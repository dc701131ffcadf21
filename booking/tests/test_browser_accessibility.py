"""Every page that customers see, looked at by axe-core (WCAG 2.2 AA and its best practices) on a phone and on a desk, light and dark."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from booking.actions import appointments
from booking.actions.customers import Guest
from booking.links import manage_token, panel_token, registration_token
from booking.models import Attendance, Location
from booking.models.question import Kind
from booking.pages.zone import write_instant
from booking.tests.happening import make_event, register
from booking.tests.options import make_extra, make_field
from booking.tests.salon import make_employee, make_service, soon

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

AXE = Path(settings.BASE_DIR) / "node_modules/axe-core/axe.min.js"
KINDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SCREENS: list[dict[str, Any]] = [
    {"viewport": {"width": 390, "height": 844}, "color_scheme": "light", "locale": "de-DE"},
    {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark", "locale": "en-GB"},
]


@pytest.fixture
def booked() -> Attendance:
    eve, adam = make_employee("Eve"), make_employee("Adam")
    make_service(adam, name="Colour", needs_approval=True, description="Full colour with a gloss finish.")
    service = make_service(eve, adam)
    return appointments.book(service=service, start=soon(), guest=Guest("Clara", "clara@example.org", "Kunde"), now=timezone.now(), notes="Please ring.")


def pages(booked: Attendance) -> dict[str, str]:
    service, link, mine = booked.appointment.service, manage_token(booked), panel_token(booked.customer)
    several = make_service(booked.appointment.employees.get(), name="Class", max_capacity=5, waiting_list=True)
    several.locations.set([Location.objects.create(name="Centre", address="Lindenstraße 1"), Location.objects.create(name="North")])
    make_extra(several, max_quantity=3)
    for kind in Kind:
        make_field(f"Question {kind}", kind, several, choices="one\ntwo", help="Only if you like.")
    event = make_event(booked.appointment.employees.get())
    registration = registration_token(register(event))
    details = f"/service/{service.pk}/details/?employee=any&start={write_instant(soon(12))}"
    return {
        "services": "/",
        "locations": f"/service/{several.pk}/",
        "extras and questions": f"/service/{several.pk}/?location={several.locations.all()[0].pk}",
        "details with questions": f"/service/{several.pk}/details/?location={several.locations.all()[0].pk}&extras=chosen&start={write_instant(soon(12))}",
        "waiting list": f"/service/{several.pk}/waiting/?location={several.locations.all()[0].pk}&extras=chosen",
        "employees": f"/service/{service.pk}/",
        "times": f"/service/{service.pk}/time/?employee=any",
        "zones": f"/service/{service.pk}/time/?employee=any&zones=1",
        "nothing free": f"/service/{service.pk}/time/?employee=any&date=2020-01-01",
        "details": details,
        "link": f"/booking/{link}/",
        "move": f"/booking/{link}/reschedule/",
        "move there": f"/booking/{link}/reschedule/?start={write_instant(soon(14))}",
        "cancel": f"/booking/{link}/cancel/",
        "dead link": "/booking/nonsense/",
        "panel": f"/mine/{mine}/",
        "own data": f"/mine/{mine}/data/",
        "erase": f"/mine/{mine}/erase/",
        "events": "/events/",
        "event": f"/event/{event.slug}/",
        "registration": f"/registration/{registration}/",
        "sign in": "/account/login/",
        "password": "/account/password/reset/",
        "not found": "/nonsense/",
    }


def violations(page: Any) -> list[str]:
    page.evaluate(AXE.read_text())
    found = page.evaluate("kinds => axe.run(document, {runOnly: {type: 'tag', values: kinds}})", KINDS)
    assert len(found["passes"]) > 10, "axe looked at nothing"
    return [f"{one['id']}: {one['help']} – {node['html'][:160]}" for one in found["violations"] for node in one["nodes"]]


@pytest.mark.feature("B13")
@pytest.mark.parametrize("screen", SCREENS, ids=["phone light", "desk dark"])
def test_axe_finds_nothing_on_any_page_that_customers_see(browser, live_server, booked, screen):
    """Red without a label of the time zone's choice, and with a text of too little contrast."""
    context = browser.new_context(base_url=live_server.url, timezone_id="Europe/Berlin", **screen)
    page = context.new_page()
    found: dict[str, list[str]] = {}
    paths = pages(booked)
    for name, path in paths.items():
        page.goto(path)
        if complaints := violations(page):
            found[name] = complaints
    page.goto(paths["details"])
    page.locator("form#details button[type=submit]").last.click()
    assert page.locator("[aria-invalid=true]").count() >= 2
    if complaints := violations(page):
        found["form with errors"] = complaints
    context.close()
    assert not found, "\n".join(f"{name}: {one}" for name, ones in found.items() for one in dict.fromkeys(ones))
