"""How Microsoft signs people in and hands out tokens ("OAuth 2.0 authorization code flow", "Microsoft Entra authentication and authorization error codes")."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from integrations.testing.servers import keys, pages
from integrations.testing.servers.oauth import App, Blocked, Code, Grant, Refused, SentBack, Service, Wish, as_json
from integrations.testing.servers.wire import Answer

RESOURCE = "https://graph.microsoft.com/"
OFFLINE = "offline_access"
PERSONAL = "9188040d-6c67-4c5b-b112-36a304b66dad"  # the tenant of all personal accounts
SCOPES = {
    "openid": "Sign you in",
    "profile": "View your basic profile",
    "email": "View your email address",
    OFFLINE: "Maintain access to data you have given it access to",
    "User.Read": "Sign you in and read your profile",
    "Calendars.Read": "Read your calendars",
    "Calendars.ReadWrite": "Have full access to your calendars",
    "Calendars.ReadWrite.Shared": "Read and write to your and shared calendars",
    "MailboxSettings.Read": "Read your mailbox settings",
    "Place.Read.All": "Read all company places",
    "Tasks.ReadWrite": "Create, read, update and delete your tasks and task lists",
    "Contacts.ReadWrite": "Have full access to your contacts",
    "Presence.ReadWrite": "Read and write your presence information",
}
PATH = re.compile(r"/([^/]+)/(?:oauth2/v2\.0/(authorize|token)|(discovery/v2\.0/keys))")
# why -> status, error, number, text
REASONS = {
    "unknown": (400, "invalid_grant", 70000, "The provided value for the 'code' parameter is not valid."),
    "used": (400, "invalid_grant", 54005, "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token."),
    "late": (400, "invalid_grant", 70008, "The provided authorization code or refresh token has expired due to inactivity. Send a new interactive authorization request."),
    "redirect": (400, "invalid_request", 50011, "The redirect URI specified in the request does not match the redirect URIs configured for the application."),
    "redirect differs": (401, "invalid_client", 500112, "The reply address does not match the reply address provided when requesting Authorization code."),
    "no verifier": (400, "invalid_grant", 501481, "The Code_Verifier does not match the code_challenge supplied in the authorization request."),
    "verifier": (400, "invalid_grant", 501481, "The Code_Verifier does not match the code_challenge supplied in the authorization request."),
    "no refresh": (400, "invalid_grant", 9002313, "Invalid request. Request is malformed or invalid."),
    "withdrawn": (400, "invalid_grant", 65001, "The user or administrator has not consented to use the application. Send an interactive authorization request."),
    "inactive": (400, "invalid_grant", 700082, "The refresh token has expired due to inactivity."),
    "password": (400, "invalid_grant", 50173, "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have changed their password."),
    "second factor": (400, "interaction_required", 50076, "You must use multi-factor authentication to access the resource."),
    "request": (400, "invalid_request", 900144, "The request body must contain the following parameter: 'grant_type'."),
    "grant type": (400, "unsupported_grant_type", 70003, "The app requested an unsupported grant type."),
}  # fmt: skip


class MicrosoftConsent(Service):
    """All or nothing: no scope can be left out. `rotates`: a renewal ends the refresh token it was asked with, which Microsoft leaves open."""

    brand, prefix = "Microsoft (local)", "EwB"

    def __init__(self) -> None:
        super().__init__()
        self.rotates = False
        self.issuer = "https://login.microsoftonline.com"

    def endpoint(self, path: str) -> str:
        found = PATH.fullmatch(path)
        return (found[2] or "keys") if found else ""

    def wish(self, given: dict[str, str], path: str) -> Wish:
        tenant = path.split("/")[1]
        if tenant not in self._tenants() | {"common", "organizations", "consumers"}:
            raise Blocked("AADSTS90002", f"Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID.")
        name, redirect = given.get("client_id", ""), given.get("redirect_uri", "")
        app = self.apps.get(name)
        if app is None:
            raise Blocked("AADSTS700016", f"Application with identifier '{name}' was not found in the directory.")
        if redirect not in app.redirects:
            raise Blocked(
                "AADSTS50011",
                f"The redirect URI '{redirect}' specified in the request does not match the redirect URIs configured for the application '{name}'.",
            )
        if given.get("response_type") != "code" or given.get("response_mode", "query") != "query":
            raise Blocked("AADSTS900144", "The request must ask for a code in the query.")
        if given.get("prompt", "select_account") not in ("login", "none", "consent", "select_account"):
            raise Blocked("AADSTS90023", "Unsupported 'prompt' value.")
        if given.get("code_challenge") and given.get("code_challenge_method", "plain") not in ("plain", "S256"):
            raise Blocked("AADSTS50149", "Invalid Code_Challenge_method parameter.")
        scopes = list(dict.fromkeys(one.removeprefix(RESOURCE) for one in given.get("scope", "").split()))
        wish = Wish(app, redirect, scopes, given | {"tenant": tenant})
        if not scopes:
            raise SentBack(
                wish.back(error="invalid_request", error_description="AADSTS900144: The request body must contain the following parameter: 'scope'.")
            )
        if unknown := [one for one in scopes if one not in SCOPES]:
            text = f"AADSTS650053: The application asked for scope '{unknown[0]}' that doesn't exist on the resource."
            raise SentBack(wish.back(error="invalid_client", error_description=text))
        if given.get("prompt") == "none":
            raise SentBack(wish.back(error="login_required", error_description="AADSTS50058: A silent sign-in request was sent but no user is signed in."))
        return wish

    def _tenants(self) -> set[str]:
        return {one.tenant or PERSONAL for one in self.people.values()}

    def described(self, scope: str) -> tuple[str, bool]:
        return SCOPES[scope], False

    def denied(self, wish: Wish) -> str:
        return wish.back(error="access_denied", error_subcode="cancel", error_description="AADSTS65004: User declined to consent to access the app.")

    def blocked(self, error: Blocked) -> Answer:
        """The sign-in page itself, which says what is wrong."""
        lines = [f"{error.error}: {error.text}"]
        return pages.answer("Sign in to your account", pages.problem(self.brand, "Sorry, but we're having trouble signing you in.", lines))

    def agreed(self, wish: Wish, email: str, scopes: set[str]) -> str:
        tenant, own = wish.given["tenant"], self.people[email].tenant
        if tenant not in ("common", own or "consumers", own or PERSONAL, "organizations" if own else "consumers"):
            raise Blocked(
                "AADSTS50020", f"User account '{email}' from identity provider does not exist in tenant '{tenant}' and cannot access the application."
            )
        return wish.back(code=self.code(wish, email, scopes, offline=OFFLINE in scopes), session_state=str(uuid4()))

    def application(self, name: str, secret: str) -> App:
        app = self.apps.get(name)
        if app is None:
            raise Refused(400, "unauthorized_client", f"Application with identifier '{name}' was not found in the directory.", 700016)
        if not secret:
            raise Refused(401, "invalid_client", "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.", 7000218)
        if secret != app.secret:
            raise Refused(
                401,
                "invalid_client",
                f"Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '{name}'.",
                7000215,
            )
        if app.expired:
            raise Refused(
                401,
                "invalid_client",
                f"The provided client secret keys for app '{name}' are expired. Visit the Azure portal to create new keys for your app.",
                7000222,
            )
        return app

    def bad(self, why: str) -> Refused:
        status, error, number, text = REASONS[why]
        return Refused(status, error, text, number)

    def wrong(self, error: Refused) -> dict[str, Any]:
        now, trace, correlation = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%SZ}", str(uuid4()), str(uuid4())
        text = f"AADSTS{error.number}: {error.text} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {now}"
        told = {
            "error": error.error,
            "error_description": text,
            "error_codes": [error.number],
            "timestamp": now,
            "trace_id": trace,
            "correlation_id": correlation,
        }
        return told | {"error_uri": f"https://login.microsoftonline.com/error?code={error.number}"}

    def redeemed(self, app: App, code: Code) -> dict[str, Any]:
        grant = self.grants[app.id, code.email]
        return self._told(code.email, app.id, code.scopes, grant if code.offline else None, code.wish.given.get("nonce", ""))

    def renewed(self, email: str, app: App, grant: Grant, token: str) -> dict[str, Any]:
        """ "Refresh the access token": a new refresh token each time; the client is to forget the old one."""
        scopes = grant.refresh[token]
        if self.rotates:
            del grant.refresh[token]
            self.ended[token] = "late"
        return self._told(email, app.id, scopes, grant, "")

    def _told(self, email: str, app: str, scopes: set[str], grant: Grant | None, nonce: str) -> dict[str, Any]:
        told: dict[str, Any] = {"scope": " ".join(sorted(scopes - {OFFLINE})), "ext_expires_in": self.life}
        if grant:
            told["refresh_token"] = f"M.C5{secrets.token_urlsafe(48)}"
            grant.refresh[told["refresh_token"]] = set(scopes)
        if "openid" in scopes:
            person, now = self.people[email], int(self.now())
            tenant = person.tenant or PERSONAL
            claims = {
                "ver": "2.0",
                "iss": f"{self.issuer}/{tenant}/v2.0",
                "aud": app,
                "iat": now,
                "nbf": now,
                "exp": now + 3600,
                "tid": tenant,
                "oid": person.id,
            }
            claims |= {"sub": f"pairwise-{app}-{person.id}"} | ({"nonce": nonce} if nonce else {})
            claims |= {"name": person.name, "preferred_username": email} if "profile" in scopes else {}
            told["id_token"] = keys.sign(claims | ({"email": email} if "email" in scopes else {}))
        return told

    def further(self, name: str, query: str, headers: Mapping[str, str], content: bytes) -> Answer:
        self.calls[name] += 1
        return as_json(200, keys.as_jwks())
