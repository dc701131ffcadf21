"""The local sign-in services give a token only to who may have one, and say what is wrong as the vendors do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import httpx
import jwt
import pytest

from integrations.testing.consent import decide, told
from integrations.testing.servers.google import GoogleServer, google
from integrations.testing.servers.graph import GraphServer, graph
from integrations.testing.servers.oauth import CLIENT, SECRET, challenge

pytestmark = pytest.mark.once

HTTP = httpx.Client(timeout=30, trust_env=False)

BACK, OTHER = "http://127.0.0.1:1/back", "http://127.0.0.1:1/other"
WHO, VERIFIER = "employee@example.com", "v" * 43
CALENDAR = "https://www.googleapis.com/auth/calendar"


@dataclass
class Desk:
    """What an application does, by hand."""

    server: Any
    authorize: str
    token: str
    scope: str
    api: str

    def address(self, **changes: str) -> str:
        given = {"client_id": CLIENT, "redirect_uri": BACK, "response_type": "code", "scope": self.scope, "state": "st&te", "access_type": "offline"}
        given |= {"code_challenge": challenge(VERIFIER), "code_challenge_method": "S256"} | changes
        return f"{self.server.address}{self.authorize}?{urlencode({name: value for name, value in given.items() if value})}"

    def code(self, **changes: str) -> str:
        return told(decide(self.address(**changes), WHO))["code"]

    def redeem(self, code: str, /, **changes: str) -> httpx.Response:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "code_verifier": VERIFIER, "client_id": CLIENT, "client_secret": SECRET}
        return HTTP.post(self.server.address + self.token, data={name: value for name, value in (form | changes).items() if value})

    def renew(self, refresh: str, **changes: str) -> httpx.Response:
        form = {"grant_type": "refresh_token", "refresh_token": refresh, "client_id": CLIENT, "client_secret": SECRET} | changes
        return HTTP.post(self.server.address + self.token, data=form)

    def ask(self, token: str) -> int:
        return HTTP.get(self.server.address + self.api, headers={"Authorization": f"Bearer {token}"}).status_code


@pytest.fixture
def googles() -> Iterator[Desk]:
    with google() as server:
        server.oauth.register(BACK, OTHER)
        yield Desk(server, "/o/oauth2/v2/auth", "/token", f"openid email {CALENDAR}", "/calendar/v3/users/me/calendarList")


@pytest.fixture
def microsofts() -> Iterator[Desk]:
    with graph() as server:
        server.oauth.register(BACK, OTHER)
        scope = "openid email profile offline_access User.Read Calendars.ReadWrite"
        yield Desk(server, "/common/oauth2/v2.0/authorize", "/common/oauth2/v2.0/token", scope, "/v1.0/me/calendars")


@pytest.fixture(params=["googles", "microsofts"])
def desk(request: pytest.FixtureRequest) -> Desk:
    found: Desk = request.getfixturevalue(request.param)
    return found


def error(answer: httpx.Response) -> tuple[int, str, list[int]]:
    return answer.status_code, answer.json()["error"], answer.json().get("error_codes", [])


def test_a_code_becomes_tokens_once_and_they_open_the_calendar_until_they_expire(desk: Desk) -> None:
    back = told(decide(desk.address(), WHO))
    assert back["state"] == "st&te"
    given = desk.redeem(back["code"]).json()
    assert desk.ask(given["access_token"]) == 200
    assert desk.redeem(back["code"]).status_code == 400
    desk.server.oauth.expire()
    assert desk.ask(given["access_token"]) == 401
    assert desk.ask(desk.renew(given["refresh_token"]).json()["access_token"]) == 200
    assert desk.ask("invented") == 401
    assert dict(desk.server.oauth.calls) == {"authorize": 1, "agree": 1, "token authorization_code": 2, "token refresh_token": 1}


def test_the_life_of_a_token_is_set(desk: Desk) -> None:
    desk.server.oauth.life = 60
    given = desk.redeem(desk.code()).json()
    assert given["expires_in"] == 60
    now = desk.server.oauth.now()
    desk.server.oauth.now = lambda: now + 61
    assert desk.ask(given["access_token"]) == 401


def test_who_cancels_gives_nothing(desk: Desk) -> None:
    back = told(decide(desk.address(), WHO, cancel=True))
    assert (back["error"], back["state"]) == ("access_denied", "st&te")
    assert "code" not in back
    assert desk.server.oauth.codes == {}


def test_a_code_is_good_for_ten_minutes(desk: Desk) -> None:
    code, now = desk.code(), desk.server.oauth.now()
    desk.server.oauth.now = lambda: now + 601
    assert error(desk.redeem(code))[:2] == (400, "invalid_grant")


GOOGLE: dict[str, tuple[int, str, list[int]]] = {
    "client_secret": (401, "invalid_client", []), "client_id": (401, "invalid_client", []), "code_verifier": (400, "invalid_grant", []), "code": (400, "invalid_grant", []),
    "redirect_uri": (400, "redirect_uri_mismatch", []), "other": (400, "redirect_uri_mismatch", []), "grant_type": (400, "unsupported_grant_type", []),
}  # fmt: skip
MICROSOFT = {
    "client_secret": (401, "invalid_client", [7000215]), "client_id": (400, "unauthorized_client", [700016]), "code_verifier": (400, "invalid_grant", [501481]),
    "code": (400, "invalid_grant", [70000]), "redirect_uri": (400, "invalid_request", [50011]), "other": (401, "invalid_client", [500112]),
    "grant_type": (400, "unsupported_grant_type", [70003]),
}  # fmt: skip


@pytest.mark.parametrize("field", list(GOOGLE))
def test_what_does_not_fit_is_told_as_the_vendor_tells_it(desk: Desk, field: str) -> None:
    wanted = (GOOGLE if isinstance(desk.server, GoogleServer) else MICROSOFT)[field]
    changed = {"redirect_uri": OTHER} if field == "other" else {field: "w" * 43}
    code = desk.code()
    assert error(desk.redeem(code, **changed)) == wanted
    assert desk.redeem(code).status_code == 200  # only success uses it up


def test_without_the_verifier_there_is_no_token(desk: Desk) -> None:
    assert error(desk.redeem(desk.code(), code_verifier=""))[1] == "invalid_grant"


def test_a_form_that_is_none_or_says_something_twice_is_refused(desk: Desk) -> None:
    where = desk.server.address + desk.token
    twice = f"grant_type=refresh_token&grant_type=refresh_token&client_id={CLIENT}&client_secret={SECRET}"
    for answer in (
        HTTP.post(where, json={"grant_type": "refresh_token"}),
        HTTP.post(where, content=twice, headers={"Content-Type": "application/x-www-form-urlencoded"}),
        HTTP.get(where),
    ):
        assert error(answer)[:2] == (400, "invalid_request")


def test_the_client_may_name_itself_in_the_header(desk: Desk) -> None:
    code = desk.code()
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "code_verifier": VERIFIER}
    assert HTTP.post(desk.server.address + desk.token, data=form, auth=(CLIENT, "wrong")).status_code == 401
    assert HTTP.post(desk.server.address + desk.token, data=form, auth=(CLIENT, SECRET)).status_code == 200


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"redirect_uri": "http://127.0.0.1:1/back/"}, "redirect_uri_mismatch"),
        ({"client_id": "unknown"}, "invalid_client"),
        ({"scope": ""}, "Missing required parameter: scope"),
        ({"scope": "openid https://www.googleapis.com/auth/nonsense"}, "invalid_scope"),
        ({"response_type": "token"}, "response_type"),
        ({"access_type": "sometimes"}, "access_type"),
        ({"prompt": "none consent"}, "prompt"),
        ({"code_challenge_method": "S512"}, "code_challenge_method"),
    ],
)
def test_google_shows_its_own_page_when_the_application_asks_wrongly(googles: Desk, changes: dict[str, str], words: str) -> None:
    answer = HTTP.get(googles.address(**changes), follow_redirects=True)
    assert answer.status_code == (401 if "client_id" in changes else 400)
    assert words in answer.text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"redirect_uri": "http://127.0.0.1:1/back/"}, "AADSTS50011"),
        ({"client_id": "unknown"}, "AADSTS700016"),
        ({"response_type": "token"}, "AADSTS900144"),
        ({"prompt": "login consent"}, "AADSTS90023"),
        ({"code_challenge_method": "S512"}, "AADSTS50149"),
    ],
)
def test_microsoft_shows_its_own_page_when_the_application_asks_wrongly(microsofts: Desk, changes: dict[str, str], words: str) -> None:
    answer = HTTP.get(microsofts.address(**changes))
    assert (answer.status_code, words in answer.text) == (200, True)


def test_microsoft_sends_back_with_an_error_what_it_can(microsofts: Desk) -> None:
    for changes, words in (({"scope": "Calendars.Nonsense"}, "AADSTS650053"), ({"scope": ""}, "AADSTS900144"), ({"prompt": "none"}, "AADSTS50058")):
        back = told(HTTP.get(microsofts.address(**changes)).headers["Location"])
        assert back["error_description"].startswith(words)


def test_google_lets_a_person_leave_out_a_scope_and_says_so(googles: Desk) -> None:
    back = told(decide(googles.address(), WHO, without=["/auth/calendar"]))
    given = googles.redeem(back["code"]).json()
    assert CALENDAR not in back["scope"].split() + given["scope"].split()
    answer = HTTP.get(googles.server.address + googles.api, headers={"Authorization": f"Bearer {given['access_token']}"})
    assert (answer.status_code, answer.json()["error"]["errors"][0]["reason"]) == (403, "insufficientPermissions")
    more = googles.redeem(googles.code(scope=CALENDAR, include_granted_scopes="true")).json()
    assert {CALENDAR, "openid"} <= set(more["scope"].split())


def test_google_gives_a_refresh_token_the_first_time_only_unless_consent_is_prompted_for(googles: Desk) -> None:
    assert "refresh_token" not in googles.redeem(googles.code(access_type="online")).json()
    assert "refresh_token" in googles.redeem(googles.code()).json()
    assert "refresh_token" not in googles.redeem(googles.code()).json()
    assert "refresh_token" in googles.redeem(googles.code(prompt="select_account consent")).json()


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_revoking_either_token_at_google_ends_both(googles: Desk, kind: str) -> None:
    given = googles.redeem(googles.code()).json()
    assert HTTP.post(googles.server.address + "/revoke", data={"token": given[kind]}).status_code == 200
    assert googles.ask(given["access_token"]) == 401
    assert error(googles.renew(given["refresh_token"])) == (400, "invalid_grant", [])
    assert HTTP.post(googles.server.address + "/revoke", data={"token": given[kind]}).status_code == 400


def test_google_says_who_she_is_in_a_signed_token_and_when_asked(googles: Desk) -> None:
    given = googles.redeem(googles.code(scope="email profile", nonce="n")).json()
    keys = HTTP.get(googles.server.address + "/oauth2/v3/certs").json()["keys"]
    claims = jwt.decode(given["id_token"], jwt.PyJWK(keys[0]).key, ["RS256"], audience=CLIENT, issuer="https://accounts.google.com")
    about = HTTP.get(googles.server.address + "/oauth2/v2/userinfo", headers={"Authorization": f"Bearer {given['access_token']}"}).json()
    assert (claims["email"], claims["sub"], claims["nonce"]) == (WHO, about["id"], "n")
    assert HTTP.get(googles.server.address + "/oauth2/v2/userinfo").status_code == 401
    assert "BEGIN CERTIFICATE" in next(iter(HTTP.get(googles.server.address + "/oauth2/v1/certs").json().values()))


def test_microsoft_gives_a_new_refresh_token_each_time_and_may_end_the_old_one(microsofts: Desk) -> None:
    first = microsofts.redeem(microsofts.code()).json()["refresh_token"]
    second = microsofts.renew(first).json()["refresh_token"]
    assert second != first
    assert microsofts.renew(first).status_code == 200
    microsofts.server.oauth.rotates = True
    assert microsofts.renew(second).status_code == 200
    assert error(microsofts.renew(second)) == (400, "invalid_grant", [70008])


def test_microsoft_gives_none_to_who_does_not_ask_for_offline_access(microsofts: Desk) -> None:
    given = microsofts.redeem(microsofts.code(scope="https://graph.microsoft.com/User.Read")).json()
    assert (given["scope"], "refresh_token" in given, "id_token" in given) == ("User.Read", False, False)
    assert microsofts.ask(given["access_token"]) == 403
    me = HTTP.get(microsofts.server.address + "/v1.0/me?$select=id,mail", headers={"Authorization": f"Bearer {given['access_token']}"})
    assert me.json() == {"id": microsofts.server.oauth.people[WHO].id, "mail": WHO}


@pytest.mark.parametrize(("why", "number"), [("withdrawn", 65001), ("inactive", 700082), ("password", 50173), ("second factor", 50076)])
def test_microsoft_says_why_a_refresh_token_has_ended(microsofts: Desk, why: str, number: int) -> None:
    given = microsofts.redeem(microsofts.code()).json()
    microsofts.server.oauth.withdraw(WHO, why)
    assert error(microsofts.renew(given["refresh_token"]))[2] == [number]
    assert microsofts.ask(given["access_token"]) == 401


def test_microsoft_knows_a_secret_that_has_expired(microsofts: Desk) -> None:
    code = microsofts.code()
    microsofts.server.oauth.apps[CLIENT].expired = True
    assert error(microsofts.redeem(code)) == (401, "invalid_client", [7000222])


def test_a_tenant_lets_in_its_own_people_only(microsofts: Desk) -> None:
    server: GraphServer = microsofts.server
    server.add_person("home@example.com", "Hanna Home", tenant="")
    own = server.oauth.people[WHO].tenant
    for tenant, who, enters in (
        ("common", "home@example.com", True), ("consumers", "home@example.com", True), ("organizations", "home@example.com", False), (own, "home@example.com", False),
        ("organizations", WHO, True), (own, WHO, True), ("consumers", WHO, False), ("nowhere", WHO, False),
    ):  # fmt: skip
        microsofts.authorize = f"/{tenant}/oauth2/v2.0/authorize"
        if enters:
            assert "code" in told(decide(microsofts.address(), who))
        else:
            with pytest.raises(AssertionError, match="AADSTS"):
                decide(microsofts.address(), who)


def test_each_person_has_her_own_calendars(desk: Desk) -> None:
    desk.server.add_person("other@example.com", "Ora Other")
    mine, hers = (desk.redeem(told(decide(desk.address(), who))["code"]).json()["access_token"] for who in (WHO, "other@example.com"))
    rows = [HTTP.get(desk.server.address + desk.api, headers={"Authorization": f"Bearer {token}"}).json() for token in (mine, hers)]
    assert rows[0] != rows[1]


def test_consent_is_given_on_the_services_own_page_only(desk: Desk) -> None:
    form = {"query": desk.address().partition("?")[2], "account": WHO, "answer": "allow"}
    answer = HTTP.post(desk.server.address + desk.authorize, data=form, headers={"Sec-Fetch-Site": "cross-site"}, follow_redirects=True)
    assert desk.server.oauth.codes == {}
    assert "only" in answer.text


def test_tokens_meet_the_fault_plan_too(desk: Desk) -> None:
    cut = "cut-after" if isinstance(desk.server, GoogleServer) else "lose-after"
    given = desk.redeem(desk.code()).json()
    desk.server.faults.then(cut, "token")
    with pytest.raises(httpx.RemoteProtocolError):
        desk.renew(given["refresh_token"])
    assert desk.server.oauth.calls["token refresh_token"] == 1
    assert desk.renew(given["refresh_token"]).status_code == 200
