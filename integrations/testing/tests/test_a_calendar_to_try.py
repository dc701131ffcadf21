"""The local servers run by themselves: people see and change their calendar on pages, and nothing is forgotten at the end."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest

from integrations.testing.consent import decide, told
from integrations.testing.servers import free_port
from integrations.testing.servers.google import GoogleServer
from integrations.testing.servers.standalone import Memory

pytestmark = pytest.mark.once

HTTP = httpx.Client(timeout=30, trust_env=False)
WHO, BACK = "emma@example.org", "http://127.0.0.1:1/back"
SCOPES = {"google": "openid https://www.googleapis.com/auth/calendar", "outlook": "openid offline_access Calendars.ReadWrite"}
AUTHORIZE = {"google": "/o/oauth2/v2/auth", "outlook": "/common/oauth2/v2.0/authorize"}
TOKEN = {"google": "/token", "outlook": "/common/oauth2/v2.0/token"}
LIST = {"google": f"/calendar/v3/calendars/{WHO}/events", "outlook": "/v1.0/me/calendars"}


@contextmanager
def running(kind: str, folder: Path, port: int) -> Iterator[str]:
    command = [sys.executable, "-m", "integrations.testing.servers.standalone", kind, "--port", str(port), "--state", str(folder / kind)]
    command += ["--client", "us", "--redirect", BACK, "--home", "http://127.0.0.1:1/", "--person", f"Emma Weber <{WHO}>", "--person", "Carl <carl@example.org>"]
    process = subprocess.Popen(command, env=os.environ | {"TRYOUT_CLIENT_SECRET": "hush"}, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    assert "Listening" in process.stderr.readline()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        process.stderr.close()


@pytest.fixture(scope="module", params=["google", "outlook"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def address(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running(kind, tmp_path_factory.mktemp("state"), free_port()) as found:
        yield found


def events(address: str, day: str, who: str = WHO) -> dict[str, dict[str, str]]:
    """What the week of that day shows: title -> the fields of its form."""
    week = HTTP.get(f"{address}/", params={"who": who, "day": day}).text
    found = {}
    for link, title in re.findall(r'href="(/event\?[^"]*)">([^<]*)</a>', week):
        form = HTTP.get(address + unescape(link)).text
        found[unescape(title)] = {name: unescape(value) for name, value in re.findall(r'name="(\w+)"[^>]*? value="([^"]*)"', form)}
    return found


def calendar(address: str) -> str:
    return unescape(re.findall(r'<option value="([^"]*)"', HTTP.get(address).text)[-1])


def send(address: str, path: str = "/event", /, headers: dict[str, str] | None = None, **form: str) -> httpx.Response:
    return HTTP.post(address + path, data={"who": WHO} | form, headers=headers)


def test_a_person_adds_moves_renames_and_deletes(address: str) -> None:
    place = calendar(address)
    assert send(address, calendar=place, title="Dentist <b>", start="2031-03-03T10:00", length="45").status_code == 303
    made = events(address, "2031-03-05")["Dentist <b>"]
    assert (made["start"], made["length"]) == ("2031-03-03T10:00", "45")
    assert send(address, "/event", None, **made | {"title": "Eyes", "start": "2031-03-12T08:30", "length": "60"}).status_code == 303
    assert events(address, "2031-03-05") == {}
    moved = events(address, "2031-03-12")["Eyes"]
    assert (moved["start"], moved["length"], moved["id"]) == ("2031-03-12T08:30", "60", made["id"])
    assert events(address, "2031-03-12", "carl@example.org") == {}
    assert send(address, "/remove", calendar=place, id=made["id"]).status_code == 303
    assert events(address, "2031-03-12") == {}
    assert send(address, "/event", None, **moved).status_code == 404


def test_nonsense_is_refused_and_what_was_typed_is_kept(address: str) -> None:
    place = calendar(address)
    for wrong in ({"length": "0"}, {"length": "many"}, {"start": "soon"}, {"title": " "}):
        form = {"calendar": place, "title": "Long text of mine", "start": "2031-04-03T10:00", "length": "45"}
        answer = send(address, "/event", None, **form | wrong)
        assert (answer.status_code, 'role="alert"' in answer.text) == (400, True)
        assert ("Long text of mine" in answer.text) is ("title" not in wrong)
    assert send(address, calendar="elsewhere", title="x", start="2031-04-03T10:00", length="45").status_code == 400
    assert events(address, "2031-04-03") == {}


def test_only_its_own_pages_and_this_machine_may_change_it(address: str) -> None:
    form = {"calendar": calendar(address), "title": "x", "start": "2031-04-03T10:00", "length": "45"}
    assert send(address, headers={"Sec-Fetch-Site": "cross-site"}, **form).status_code == 403
    assert send(address, headers={"Host": "calendar.example.com"}, **form).status_code == 421
    assert events(address, "2031-04-03") == {}


def test_after_a_second_start_everything_is_as_it_was(kind: str, tmp_path: Path) -> None:
    port = free_port()
    with running(kind, tmp_path, port) as address:
        asked = {"client_id": "us", "redirect_uri": BACK, "response_type": "code", "scope": SCOPES[kind], "access_type": "offline"}
        code = told(decide(f"{address}{AUTHORIZE[kind]}?{urlencode(asked)}", WHO))["code"]
        form = {"client_id": "us", "client_secret": "hush", "redirect_uri": BACK, "grant_type": "authorization_code", "code": code}
        given = HTTP.post(address + TOKEN[kind], data=form).json()
        send(address, calendar=calendar(address), title="Kept", start="2031-03-03T10:00", length="45")
    assert (tmp_path / kind).stat().st_mode & 0o077 == 0
    with running(kind, tmp_path, port) as address:
        assert list(events(address, "2031-03-03")) == ["Kept"]
        assert HTTP.get(address + LIST[kind], headers={"Authorization": f"Bearer {given['access_token']}"}).status_code == 200
        renew = {"client_id": "us", "client_secret": "hush", "grant_type": "refresh_token", "refresh_token": given["refresh_token"]}
        assert HTTP.post(address + TOKEN[kind], data=renew).status_code == 200
        send(address, calendar=calendar(address), title="Later", start="2031-03-03T12:00", length="45")
        assert sorted(events(address, "2031-03-03")) == ["Kept", "Later"]


@pytest.mark.parametrize("found", [b"", b"no pickle", b"\x80\x04\x95"])
def test_a_file_that_can_not_be_read_is_named_and_left_alone(tmp_path: Path, found: bytes) -> None:
    path = tmp_path / "state"
    path.write_bytes(found)
    with pytest.raises(SystemExit, match="damaged or of another version"):
        Memory(GoogleServer(), path).load()
    assert path.read_bytes() == found
