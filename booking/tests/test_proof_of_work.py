"""Where proof of work is asked for, a form without it is not taken; a person notices nothing, with JavaScript or without."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import altcha
import pytest
import time_machine
from django.test import Client
from playwright.sync_api import expect

from booking.models import Attendance, Registration
from booking.pages import proof, stamp
from booking.tests.happening import make_event
from booking.tests.pages import WHO, details_url, send, text_of
from booking.tests.salon import make_employee, make_service, soon

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _asked_for(settings) -> None:
    settings.PROOF_OF_WORK = 5


def shown(seconds: int) -> str:
    """The stamp of a form that was shown so long ago."""
    with time_machine.travel(datetime.now(UTC) - timedelta(seconds=seconds), tick=False):
        return stamp.new()


def solved(sent: str) -> str:
    challenge = altcha.Challenge.from_dict(json.loads(proof.challenge(sent)))
    solution = altcha.solve_challenge(challenge)
    assert solution is not None
    return altcha.Payload(challenge=challenge, solution=solution).to_base64()


@pytest.fixture
def service():
    return make_service(make_employee("Eve"))


@pytest.mark.feature("P19")
def test_a_form_with_the_work_done_books_and_one_without_is_told_to_wait(client, service):
    """Red when `lacking` is not asked in pages/book.py."""
    sent = shown(5)
    refused = send(client, service, soon(), sent=sent)
    assert refused.status_code == 400
    assert "A check against machines has not finished." in text_of(refused)
    assert refused.context["form"].data["first_name"] == "Clara", "nothing typed is lost"
    assert not Attendance.objects.exists()
    assert send(client, service, soon(), sent=sent, altcha=solved(sent)).status_code == 302
    assert Attendance.objects.count() == 1


@pytest.mark.feature("P19")
def test_one_piece_of_work_is_worth_one_form(client, service):
    """Red when the challenge isn't bound to the form."""
    first, second = shown(5), shown(6)
    done = solved(first)
    assert send(client, service, soon(), sent=first, altcha=done).status_code == 302
    assert send(client, service, soon(12), sent=second, altcha=done).status_code == 400
    again = send(Client(), service, soon(), sent=first, altcha=done)
    assert again.status_code == 302
    assert Attendance.objects.count() == 1


@pytest.mark.parametrize("answer", ["", "nonsense", "e30=", "eyJjaGFsbGVuZ2UiOiAxfQ==", "\x00", "W10=", "bnVsbA=="])
def test_whatever_is_sent_in_its_place_is_no_work(client, service, answer):
    assert send(client, service, soon(), sent=shown(5), altcha=answer).status_code == 400


def test_work_for_an_easier_challenge_of_ones_own_does_not_count(client, service):
    sent = shown(5)
    mine = altcha.create_challenge("PBKDF2/SHA-256", 1, data={"form": sent.partition(":")[0]}, hmac_secret="mine")
    solution = altcha.solve_challenge(mine)
    assert solution is not None
    assert send(client, service, soon(), sent=sent, altcha=altcha.Payload(challenge=mine, solution=solution).to_base64()).status_code == 400


@pytest.mark.feature("P19")
def test_without_javascript_patience_is_enough(client, service):
    """Red when PATIENCE is not looked at. The page says so to whoever has no JavaScript."""
    page = client.get(details_url(service, soon()))
    assert "half a minute" in text_of(page)
    assert send(client, service, soon(), sent=shown(31)).status_code == 302


@pytest.mark.feature("P19")
def test_registering_for_an_event_asks_for_it_too(client):
    """Red when `lacking` is not asked in pages/events.py."""
    event = make_event(make_employee("Eve"))
    sent = shown(5)
    form = {**WHO, "places": "1", "stamp": sent}
    assert client.post(f"/event/{event.slug}/", form).status_code == 400
    assert client.post(f"/event/{event.slug}/", {**form, "altcha": solved(sent)}).status_code == 302
    assert Registration.objects.count() == 1


def test_nothing_is_asked_where_it_is_off(client, service, settings):
    settings.PROOF_OF_WORK = 0
    assert "altcha" not in client.get(details_url(service, soon())).content.decode()
    assert send(client, service, soon(), sent=shown(5)).status_code == 302


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
@pytest.mark.feature("P19")
def test_a_browser_does_the_work_by_itself_under_our_content_security_policy(browser, live_server, settings):
    """Red when the worker's address is wrong. Nobody is asked anything."""
    settings.PROOF_OF_WORK = 50
    service = make_service(make_employee("Eve"))
    context = browser.new_context(base_url=live_server.url, timezone_id="Europe/Berlin", locale="en-GB", viewport={"width": 390, "height": 844})
    problems: list[Any] = []
    page = context.new_page()
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.goto(details_url(service, soon()))
    expect(page.locator("altcha-widget input[name=altcha]")).not_to_have_value("", timeout=20_000)
    for label, text in (("First name", "Clara"), ("Last name", "Kunde"), ("E-mail", "clara@example.org")):
        page.get_by_label(label).fill(text)
    page.wait_for_timeout(stamp.LEAST.total_seconds() * 1000 + 1100)
    page.get_by_role("button", name="Book now").last.click()
    page.wait_for_url("**/booked/")
    context.close()
    assert problems == []
    assert Attendance.objects.count() == 1
