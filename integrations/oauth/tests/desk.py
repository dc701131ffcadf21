"""A sign-in service with our registration at it, and a person who walks through it with her browser: the test client here, plain HTTP there."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.test import Client
from django.urls import reverse

from integrations.models import Account, OAuthClient
from integrations.oauth import clients
from integrations.pages.tests.person import choose
from integrations.testing.consent import decide
from integrations.testing.servers.google import google
from integrations.testing.servers.graph import graph
from integrations.testing.servers.oauth import CLIENT, SECRET

WHO = "employee@example.com"


@dataclass
class Desk:
    """`provider` is our name of it. `cut`: the kind of fault that breaks the connection."""

    server: Any
    provider: str
    scope: str
    fault: str

    @property
    def oauth(self) -> Any:
        return self.server.oauth

    @property
    def renewals(self) -> int:
        return int(self.oauth.calls["token refresh_token"])

    def set_up(self, **changes: Any) -> OAuthClient:
        """What the admin has registered there and entered here."""
        self.oauth.register(clients.redirect_uri(clients.oauth_of(self.provider)))
        values = {"client_id": CLIENT, "secrets": {"client_secret": SECRET}, "tenant": "common" if self.provider == "outlook" else ""}
        return OAuthClient.objects.create(provider=self.provider, **values | changes)

    def begin(self, client: Client, **data: str) -> str:
        """The address of the consent page that the button leads to."""
        answer = client.post(reverse("integrations:connect_with", args=[self.provider]), data)
        assert answer.status_code == 302, answer.status_code
        return str(answer["Location"])

    def consent(self, client: Client, who: str = WHO, *, without: Collection[str] = (), cancel: bool = False, **data: str) -> Any:
        """There and back again: the page the person ends on."""
        return self.come_back(client, decide(self.begin(client, **data), who, without=without, cancel=cancel))

    def come_back(self, client: Client, address: str) -> Any:
        parts = urlsplit(address)
        return client.get(f"{parts.path}?{parts.query}", follow=True)

    def connected(self, client: Client, who: str = WHO) -> Account:
        """Connected, its main calendar is read and written."""
        assert self.consent(client, who).status_code == 200
        account = Account.objects.get(identity=who)
        assert account.state == Account.State.CONNECTED, account.steps
        main = next(one["id"] for one in account.calendars if one["primary"])
        assert choose(client, account, reads=[main], writes=main).status_code == 200
        return account


@contextmanager
def google_desk(settings: Any) -> Iterator[Desk]:
    with google() as server:
        settings.GOOGLE_ACCOUNTS_ROOT = settings.GOOGLE_OAUTH_ROOT = settings.GOOGLE_API_ROOT = server.address
        yield Desk(server, "google", "https://www.googleapis.com/auth/calendar", "cut-before")


@contextmanager
def outlook_desk(settings: Any) -> Iterator[Desk]:
    with graph() as server:
        settings.MICROSOFT_LOGIN_ROOT = settings.GRAPH_ROOT = server.address
        yield Desk(server, "outlook", "Calendars.ReadWrite", "lose-before")
