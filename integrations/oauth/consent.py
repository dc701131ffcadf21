"""Glue to django-allauth: it leads people to the provider's consent page and back (state, PKCE, the exchange of the code); what they grant ends in our
Account. Nobody signs in or up this way, and allauth stores nothing."""

from __future__ import annotations

from typing import Any

import requests
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialApp, SocialLogin, SocialToken
from allauth.socialaccount.providers.base import AuthError, AuthProcess, Provider
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2Adapter, OAuth2CallbackView
from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from integrations import connect
from integrations.contract import OAuth, ProviderError
from integrations.models import Account, OAuthClient
from integrations.oauth import clients, tokens
from integrations.oauth.session import Through


class Unfinished(Exception):
    """Why nothing was connected. `why`: denied, expired, again, scope, lasting, identity, user, setup, away."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Connected(Exception):
    """The end of the way. allauth would go on to sign somebody in, unless it is stopped."""

    def __init__(self, account: Account, wanted: int | None) -> None:
        super().__init__()
        self.account, self.wanted = account, wanted


class Consent(OAuth2Adapter):
    """Over allauth's adapter of a provider: addresses from our settings, the code exchanged by our own way out, the granted scopes looked at."""

    oauth: OAuth
    our_client: OAuthClient

    @property
    def authorize_url(self) -> str:
        return self.oauth.consent_url(self.our_client.tenant)

    @property
    def access_token_url(self) -> str:
        return self.oauth.token_url(self.our_client.tenant)

    def get_callback_url(self, request: HttpRequest, app: SocialApp) -> str:
        return clients.redirect_uri(self.oauth)

    def get_access_token_data(self, request: HttpRequest, app: SocialApp, client: Any, pkce_code_verifier: str | None = None) -> dict[str, Any]:
        form = {"grant_type": "authorization_code", "code": request.GET["code"], "redirect_uri": clients.redirect_uri(self.oauth)}
        try:
            answer = tokens.ask(self.oauth, self.our_client, form | {"code_verifier": pkce_code_verifier or ""})
        except tokens.Refusal as error:
            if error.error == "invalid_grant" and not tokens.blamed(self.oauth, error):
                raise Unfinished("expired") from error
            clients.refused(self.our_client, tokens.blamed(self.oauth, error))
            raise Unfinished("setup") from error
        except ProviderError as error:
            raise Unfinished("away") from error
        self.did_fetch_access_token = True
        return answer

    def parse_token(self, data: dict[str, Any]) -> SocialToken:
        found = tokens.Tokens.read(data, timezone.now())
        token = SocialToken(token=found.access, token_secret=found.refresh, expires_at=found.expires_at)
        token.found = found  # for pre_social_login
        return token

    def complete_login(self, request: HttpRequest, app: SocialApp, token: SocialToken, **options: Any) -> SocialLogin:
        """Who it is, by the ID token (OpenID Connect Core §3.1.3.7) or the provider's own answer."""
        if token.found.lacks(self.oauth):
            raise Unfinished("scope")
        if not token.found.refresh:
            raise Unfinished("lasting")
        try:
            return super().complete_login(request, app, token, **options)
        except (KeyError, ValueError, TypeError, AttributeError, OAuth2Error, requests.RequestException) as error:
            raise Unfinished("identity") from error


class ConnectAdapter(DefaultSocialAccountAdapter):
    """What allauth asks us: with which registration, and what to do when somebody comes back."""

    def list_apps(self, request: HttpRequest, provider: str | None = None, client_id: str | None = None) -> list[SocialApp]:
        """The admin's set-up as apps that are never saved."""
        offered, found = clients.offered(), []
        for name, (config, oauth) in clients.by_oauth().items():
            client = offered.get(name)
            if client and provider in (None, oauth.login) and client_id in (None, client.client_id):
                extra = {"scope": list(oauth.scopes), "auth_params": dict(oauth.asks), "oauth_pkce_enabled": True}
                extra |= {"tenant": client.tenant, "login_url": settings.MICROSOFT_LOGIN_ROOT, "graph_url": settings.GRAPH_ROOT} if oauth.tenants else {}
                secret = client.secrets.get("client_secret", "")
                app = SocialApp(provider=oauth.login, name=str(config.provider_label), client_id=client.client_id, secret=secret, settings=extra)
                app.ours = (oauth, client)
                found.append(app)
        return found

    def get_provider(self, request: HttpRequest, provider: str, client_id: str | None = None) -> Provider:
        found = super().get_provider(request, provider, client_id)
        oauth, client = found.app.ours
        found.oauth2_adapter_class = type("Bound", (Consent, found.oauth2_adapter_class), {"oauth": oauth, "our_client": client})
        return found

    def get_requests_session(self) -> requests.Session:
        return Through()

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """The end of the way: our Account is written, for whoever began it and nobody else."""
        state, found = sociallogin.state, sociallogin.token.found
        begun = state.get("data") or {}
        if state.get("process") != AuthProcess.CONNECT or not isinstance(request.user, User) or begun.get("user") != request.user.pk:
            raise Unfinished("user")
        oauth, _client = sociallogin.provider.app.ours
        name = next(name for name, (_config, known) in clients.by_oauth().items() if known == oauth)
        identity = str(sociallogin.user.email or "") if sociallogin.user else ""
        account = connect.grant_access(user=request.user, provider=name, subject=sociallogin.account.uid, identity=identity, granted=found)
        raise Connected(account, begun.get("account"))

    def on_authentication_error(
        self, request: HttpRequest, provider: Provider, error: Any = None, exception: Exception | None = None, extra_context: dict[str, Any] | None = None
    ) -> None:
        if error == AuthError.CANCELLED:
            raise Unfinished("denied")
        # A state that is unknown, used or over; or an error that the provider sends back.
        raise Unfinished("again" if "state" in (extra_context or {}) else "expired")


def begin(request: HttpRequest, provider: str, account: Account | None = None) -> HttpResponseBase:
    """Sends the signed-in user to the consent page. `account`: one that is to be connected again."""
    oauth = clients.oauth_of(provider)
    asks = dict(oauth.asks) | ({"login_hint": account.identity} if account and account.identity else {})
    data = {"user": request.user.pk, "account": account.pk if account else None}
    found = ConnectAdapter(request).get_provider(request, oauth.login)
    answer: HttpResponseBase = found.redirect(request, process=AuthProcess.CONNECT, data=data, auth_params=asks)
    return answer


def come_back(request: HttpRequest, login: str) -> tuple[Account, Account | None]:
    """Exchanges the code, outside any transaction. What is connected now, and what was to be connected again. Raises Unfinished."""
    try:
        adapter = ConnectAdapter(request).get_provider(request, login).get_oauth2_adapter(request)
        OAuth2CallbackView.adapter_view(adapter)(request)
    except SocialApp.DoesNotExist as error:
        raise Unfinished("setup") from error
    except Connected as done:
        return done.account, Account.objects.filter(user=request.user.pk, pk=done.wanted or 0).defer("secrets").first()
    raise Unfinished("again")
