"""Credentials for tests, and accounts of people who have agreed at a consent page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from integrations.contract import NeedsPerson
from integrations.models import Account, OAuthClient

NEVER = datetime(2100, 1, 1, tzinfo=UTC)


@dataclass
class Login:
    """Credentials that are what they say."""

    server: str = ""
    username: str = "employee"
    password: str = ""

    def access_token(self, rejected: str = "") -> str:
        raise NeedsPerson("There is no token.", "Connect the account again.")

    def secret(self, name: str) -> str:
        if name != "password":
            raise NeedsPerson("There is no such secret.", "Connect the account again.")
        return self.password


def granted(user: Any, provider: str, token: str, **values: Any) -> Account:
    """An account with an access token that lasts; the provider is set up. A token that is refused all the same is not renewed by any server here."""
    OAuthClient.objects.get_or_create(provider=provider, defaults={"client_id": "kalends", "secrets": {"client_secret": "shop's own"}})
    secrets = {"access_token": token, "refresh_token": "unknown there"}
    return Account.objects.create(user=user, provider=provider, secrets=secrets, token_expires_at=NEVER, **values)
