"""Credentials for tests."""

from __future__ import annotations

from dataclasses import dataclass

from integrations.contract import NeedsPerson


@dataclass
class Login:
    """Credentials that are what they say."""

    server: str = ""
    username: str = "employee"
    password: str = ""

    def access_token(self) -> str:
        raise NeedsPerson("There is no token.", "Connect the account again.")

    def secret(self, name: str) -> str:
        if name != "password":
            raise NeedsPerson("There is no such secret.", "Connect the account again.")
        return self.password
