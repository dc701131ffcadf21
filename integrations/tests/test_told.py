"""What went wrong is told in the language of whoever reads it, not of whoever was served when it happened."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.urls import reverse
from django.utils import translation

from booking.models import Employee
from integrations.models import Account, Link
from integrations.told import TEXTS, told
from integrations.wire.dav import Refused
from integrations.wire.http import Answer

ROOT = Path(settings.BASE_DIR)
RAISED = {"Retry", "NeedsPerson", "Changed", "IcalError", "Step"}
FOLDERS = ("integrations/wire", "integrations/caldav", "integrations/google", "integrations/engine", "booking/ical")


def raised() -> Iterator[str]:
    """Every text that an error or a problem is made of; of one with a value the part before it."""
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*.py"):
            if "tests" in path.parts:
                continue
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") in RAISED:
                    yield from (text for argument in node.args for text in texts(argument))
                elif isinstance(node, ast.keyword) and node.arg == "problem":
                    yield from texts(node.value)


def texts(node: ast.expr) -> list[str]:
    if isinstance(node, ast.JoinedStr):
        node = node.values[0]
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
        return [node.value.rstrip("(").rstrip()]
    return []


@pytest.mark.pure
def test_every_text_that_can_reach_a_person_is_known_in_german():
    """Seen red with a text left out of `told.TEXTS` and of the translation."""
    found = sorted(set(raised()))
    assert len(found) > 40
    assert sorted(set(found) - set(TEXTS)) == [], "not collected for the translators"
    with translation.override("de"):
        assert [text for text in TEXTS if told(text) == text] == []


@pytest.mark.pure
def test_a_value_stays_as_it_is():
    with translation.override("de"):
        assert told("The provider is not installed. (acme)") == "Der Anbieter ist nicht installiert. (acme)"
        assert told("Something else (acme)") == "Something else (acme)"
        assert told("") == told(None) == told("()") == ""


def test_what_went_wrong_is_shown_in_the_readers_language(employee: Employee, client):
    """Seen red with templates that show what is stored."""
    error = Refused(Answer(401, {}, b"", "")).error
    step = {"name": "Sign-in and account found", "ok": False, "detail": str(error), "hint": getattr(error, "hint", "")}
    account = Account.objects.create(user=employee.user, provider="memory", state="needs_person", problem=str(error), hint=step["hint"], steps=[step])
    link = {"account": account, "calendar": employee.calendar, "remote_name": "Calendars", "state": Link.State.LOST}
    Link.objects.create(**link, remote_id="a", problem="This does not exist on the server any more.", quarantine={"x": "The event ends before it starts."})
    client.force_login(employee.user)
    for language, words in (
        ("de", ("Der Server nimmt Benutzername oder Passwort nicht an.", "Geben Sie beides neu ein.", "nicht mehr", "endet, bevor")),
        ("en", ("The server does not accept", "Enter them again", "does not exist", "ends before")),
    ):
        Employee.objects.update(language=language)
        page = client.get(reverse("integrations:calendars"), headers={"accept-language": language}).content.decode()
        assert [word for word in words if word not in page] == []
        assert words[0] in client.get(reverse("integrations:check", args=[account.pk]), headers={"accept-language": language}).content.decode()
