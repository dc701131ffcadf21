"""How Google signs people in and hands out tokens ("Using OAuth 2.0 for Web Server Applications", "OpenID Connect")."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlencode

from integrations.testing.servers import keys, pages
from integrations.testing.servers.oauth import App, Blocked, Code, Grant, Refused, SentBack, Service, Wish, as_json, form_of
from integrations.testing.servers.wire import Answer

ROOT = "https://www.googleapis.com/auth/"
EMAIL, PROFILE, OPENID = f"{ROOT}userinfo.email", f"{ROOT}userinfo.profile", "openid"
ALIASES = {"email": EMAIL, "profile": PROFILE}
IDENTITY = {
    OPENID: "Associate you with your personal info on Google",
    EMAIL: "See your primary Google Account email address",
    PROFILE: "See your personal info",
}
ENDPOINTS = {
    "/o/oauth2/v2/auth": "authorize",
    "/token": "token",
    "/revoke": "revoke",
    "/oauth2/v2/userinfo": "userinfo",
    "/oauth2/v1/certs": "certs",
    "/oauth2/v3/certs": "jwks",
    "/signin/oauth/error": "error page",
}
REASONS = {
    "unknown": "Malformed auth code.",
    "used": "Bad Request",
    "late": "Bad Request",
    "no verifier": "Missing code verifier.",
    "verifier": "Invalid code verifier.",
    "no refresh": "Bad Request",
    "withdrawn": "Token has been expired or revoked.",
}


class GoogleConsent(Service):
    """`scopes`: what may be asked for beside who she is -> in plain words; each of these the person may leave out."""

    brand, prefix = "Google (local)", "ya29."
    issuer = "https://accounts.google.com"

    def __init__(self, scopes: Mapping[str, str]) -> None:
        super().__init__()
        self.scopes = dict(scopes)

    def endpoint(self, path: str) -> str:
        return ENDPOINTS.get(path, "")

    def wish(self, given: dict[str, str], path: str) -> Wish:
        app = self.apps.get(given.get("client_id", ""))
        if app is None:
            raise Blocked("invalid_client", "The OAuth client was not found.", 401)
        redirect = given.get("redirect_uri", "")
        if redirect not in app.redirects:
            raise Blocked(
                "redirect_uri_mismatch", f"If you're the app developer, register the redirect URI in the Google Cloud Console. redirect_uri={redirect}"
            )
        for name, allowed in (("response_type", {"code"}), ("access_type", {"online", "offline", ""}), ("code_challenge_method", {"S256", "plain", ""})):
            if given.get(name, "") not in allowed:
                raise Blocked("invalid_request", f"Invalid parameter value for {name}: {given.get(name, '')!r}")
        prompt = set(given.get("prompt", "").split())
        if not prompt <= {"none", "consent", "select_account"} or ("none" in prompt and len(prompt) > 1):
            raise Blocked("invalid_request", "Invalid parameter value for prompt")
        asked = given.get("scope", "").split()
        if not asked:
            raise Blocked("invalid_request", "Missing required parameter: scope")
        if invalid := [one for one in asked if ALIASES.get(one, one) not in IDENTITY | self.scopes]:
            raise Blocked("invalid_scope", f"Some requested scopes were invalid. {{invalid={invalid}}}")
        wish = Wish(app, redirect, list(dict.fromkeys(ALIASES.get(one, one) for one in asked)), given)
        if "none" in prompt:
            raise SentBack(wish.back(error="interaction_required"))
        if not {EMAIL, PROFILE}.isdisjoint(wish.scopes) and OPENID not in wish.scopes:
            wish.scopes.append(OPENID)  # Google adds it and says so in `scope`
        return wish

    def described(self, scope: str) -> tuple[str, bool]:
        return (IDENTITY[scope], False) if scope in IDENTITY else (self.scopes[scope], True)

    def denied(self, wish: Wish) -> str:
        return wish.back(error="access_denied")

    def blocked(self, error: Blocked) -> Answer:
        """Google leads the browser to a page of its own, whose address says what is wrong in a coded form."""
        told = base64.urlsafe_b64encode(f"{error.error}\n{error.text}\n{error.status}".encode()).decode()
        return 302, {"Location": f"/signin/oauth/error?{urlencode({'authError': told})}"}, b""

    def agreed(self, wish: Wish, email: str, scopes: set[str]) -> str:
        """ "Refresh tokens are only returned on the first authorization", unless consent is prompted for; "include_granted_scopes" adds what was granted before."""
        before = self.grants.get((wish.app.id, email))
        offline = wish.given.get("access_type") == "offline" and (before is None or not before.refresh or "consent" in wish.given.get("prompt", "").split())
        if wish.given.get("include_granted_scopes") == "true" and before:
            scopes |= before.scopes
        name = self.code(wish, email, scopes, offline=offline)
        return wish.back(code=name, scope=" ".join(sorted(scopes)), authuser="0", prompt="consent")

    def application(self, name: str, secret: str) -> App:
        app = self.apps.get(name)
        if app is None or app.expired or secret != app.secret:
            raise Refused(401, "invalid_client", "The OAuth client was not found." if app is None else "The provided client secret is invalid.")
        return app

    def bad(self, why: str) -> Refused:
        if why in ("redirect", "redirect differs"):
            return Refused(400, "redirect_uri_mismatch", "Bad Request")
        if why == "grant type":
            return Refused(400, "unsupported_grant_type", "Invalid grant_type")
        if why == "request":
            return Refused(400, "invalid_request", "Required parameter is missing: grant_type")
        return Refused(400, "invalid_grant", REASONS[why])

    def redeemed(self, app: App, code: Code) -> dict[str, Any]:
        told: dict[str, Any] = {"scope": " ".join(sorted(code.scopes))}
        if code.offline:
            told["refresh_token"] = f"1//{secrets.token_urlsafe(40)}"
            self.grants[app.id, code.email].refresh[told["refresh_token"]] = set(code.scopes)
        if OPENID in code.scopes:
            now = int(self.now())
            claims = {"iss": self.issuer, "aud": app.id, "azp": app.id, "iat": now, "exp": now + 3600} | self._about(code.email, code.scopes, token=True)
            told["id_token"] = keys.sign(claims | ({"nonce": code.wish.given["nonce"]} if "nonce" in code.wish.given else {}))
        return told

    def renewed(self, email: str, app: App, grant: Grant, token: str) -> dict[str, Any]:
        return {"scope": " ".join(sorted(grant.refresh[token]))}

    def _about(self, email: str, scopes: set[str] | None, *, token: bool = False) -> dict[str, Any]:
        person = self.people[email]
        first, _, last = person.name.partition(" ")
        told: dict[str, Any] = {"sub" if token else "id": person.id}
        if scopes is None or EMAIL in scopes:
            told |= {"email": email, "email_verified" if token else "verified_email": True}
        if scopes is None or PROFILE in scopes:
            told |= {"name": person.name, "given_name": first, "family_name": last}
        return told

    def further(self, name: str, query: str, headers: Mapping[str, str], content: bytes) -> Answer:
        self.calls[name] += 1
        if name == "revoke":
            return self._revoke(parse_qs(query).get("token", [""])[0] or (form_of(headers, content) or {}).get("token", ""))
        if name == "userinfo":
            found = self.bearer(headers)
            if found is None or not found.covers(OPENID, EMAIL, PROFILE):
                return as_json(401, {"error": {"code": 401, "message": "Request is missing required authentication credential.", "status": "UNAUTHENTICATED"}})
            return as_json(200, self._about(found.email, found.scopes))
        if name == "error page":
            return self._error_page(parse_qs(query).get("authError", [""])[0])
        return as_json(200, keys.as_certificates() if name == "certs" else keys.as_jwks())

    def _error_page(self, coded: str) -> Answer:
        try:
            error, text, status = base64.urlsafe_b64decode(coded).decode().split("\n")
            code = int(status)
        except ValueError:
            error, text, code = "invalid_request", "", 400
        body = pages.problem(self.brand, "Access blocked: this app's request is invalid", [text, f"Error {code}: {error}"])
        return pages.answer("Error", body, status=code)

    def _revoke(self, token: str) -> Answer:
        """Revoking either token of a pair ends both, and with them what was granted."""
        access = self.bearer({"authorization": f"Bearer {token}"})
        owner = (access.app, access.email) if access else next((pair for pair, grant in self.grants.items() if token in grant.refresh), None)
        if owner is None:
            return as_json(400, {"error": "invalid_token", "error_description": "Token expired or revoked"})
        self.access.pop(token, None)
        if owner[0]:  # not a token that was issued without asking
            self.end(*owner, "withdrawn")
        return as_json(200, {})
