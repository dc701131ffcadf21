"""Tests what an admin has set up, without any person: tells an unknown client ID, a wrong secret and a wrong redirect URI apart."""

from __future__ import annotations

import base64
import binascii
import logging
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

from django.utils import timezone
from django.utils.translation import gettext_noop as _

from integrations.contract import NeedsPerson, OAuth, Step
from integrations.models import OAuthClient
from integrations.oauth import tokens
from integrations.oauth.clients import FAULTS, oauth_of, redirect_uri
from integrations.wire.diagnosis import step
from integrations.wire.http import client_to

logger = logging.getLogger(__name__)

HOPS = 5


def check(client_id: int) -> None:
    """Tests the set-up without any person, saving each step as it is known."""
    client = OAuthClient.objects.filter(pk=client_id).first()
    if client is None:
        return
    rows: list[dict[str, object]] = []
    known = OAuthClient.objects.filter(pk=client_id)
    try:
        for step in _steps(client):
            rows.append({"name": step.name, "ok": step.ok, "detail": step.detail, "hint": step.hint})
            known.update(steps=rows)
    except Exception:  # whoever waits for the result must not wait for ever
        logger.exception("The test of the sign-in at %s broke", client.provider)
        hint = _("Please look into the log.")
        rows.append({"name": _("Test"), "ok": False, "detail": _("Something went wrong on our side."), "hint": hint})
    wrong = next((str(row["detail"]) for row in rows if not row["ok"]), "")
    known.update(steps=rows, checking=False, checked_at=timezone.now(), problem=wrong[:500])


def _steps(client: OAuthClient) -> Iterator[Step]:
    """First the token endpoint, with a code that can't be right: the answer blames what is wrong before the code. Then the consent page, asked to show
    nothing: it sends the browser back with an error, and only to an address that is registered (RFC 6749 §4.1.2.1; OpenID Connect Core §3.1.2.1)."""
    oauth = oauth_of(client.provider)

    def credentials() -> str:
        form = {"grant_type": "authorization_code", "code": "this-is-a-test", "redirect_uri": redirect_uri(oauth), "code_verifier": "a" * 43}
        try:
            tokens.ask(oauth, client, form)
        except tokens.Refusal as error:
            if fault := tokens.blamed(oauth, error):
                raise _problem(fault) from error
            if error.error not in ("invalid_grant", "invalid_request"):
                raise NeedsPerson(_("The provider refuses the set-up."), f"{error.error}", code="rejected") from error
        return ""

    def address() -> str:
        return "" if _sends_back(oauth, client) else _("It could not be tested from here. Connect an account to be sure.")

    for name, test in ((_("Client ID and client secret"), credentials), (_("Redirect URI"), address)):
        found = step(name, test, otherwise=_("Try again later."))
        yield found
        if not found.ok:
            return


def _problem(fault: str) -> NeedsPerson:
    text, hint = FAULTS[fault]
    return NeedsPerson(text, hint, code="rejected")


def _sends_back(oauth: OAuth, client: OAuthClient) -> bool:
    """Raises NeedsPerson when the page names a fault of ours."""
    home = redirect_uri(oauth)
    query = {"client_id": client.client_id, "redirect_uri": home, "response_type": "code", "scope": "openid", "prompt": "none", "state": "test"}
    url = f"{oauth.consent_url(client.tenant)}?{urlencode(query)}"
    seen = ""
    with client_to(url, total=20.0, read=10.0, size=2 * 1024 * 1024) as out:
        for _hop in range(HOPS):
            answer = out.request("GET", url, follow=False)
            place = urljoin(url, answer.headers.get("location", "")) if 300 <= answer.status < 400 else ""
            if place.partition("?")[0] == home:
                return True
            seen += _told(place) + ("" if place else answer.body.decode(errors="replace"))
            if not place or urlsplit(place).netloc != urlsplit(url).netloc:
                break
            url = place
    if fault := next((fault for needle, fault in oauth.faults.items() if fault and needle in seen), ""):
        raise _problem(fault)
    return False


def _told(place: str) -> str:
    """What an error page's address says; Google codes it."""
    said = ""
    for _name, value in parse_qsl(urlsplit(place).query):
        try:
            said += base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)).decode(errors="replace")
        except (binascii.Error, ValueError):
            said += value
    return said
