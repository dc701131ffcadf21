"""A field whose content is only readable with the installation's keys (KALENDS_ENCRYPTION_KEYS)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models


class WrongKey(Exception):
    """What is stored was encrypted with a key that is not among the configured ones. Nothing is guessed, nothing is lost."""


def cipher() -> MultiFernet:
    """The first key encrypts, all of them decrypt."""
    return MultiFernet([Fernet(key) for key in settings.KALENDS_ENCRYPTION_KEYS])


if TYPE_CHECKING:
    _Text = models.TextField[dict[str, str], dict[str, str]]
else:
    _Text = models.TextField


class EncryptedJSONField(_Text):
    """A dict of secrets, stored as one Fernet token. Never searched, never shown, kept out of history tables."""

    def from_db_value(self, value: str | None, *args: object) -> dict[str, str]:
        if not value:
            return {}
        try:
            return dict(json.loads(cipher().decrypt(value.encode())))
        except InvalidToken as error:
            raise WrongKey("A stored secret can't be read with the keys in KALENDS_ENCRYPTION_KEYS. Put the key back that wrote it.") from error

    def to_python(self, value: Any) -> Any:
        return value

    def get_prep_value(self, value: dict[str, str] | None) -> str:
        return cipher().encrypt(json.dumps(value).encode()).decode() if value else ""

    def value_to_string(self, obj: models.Model) -> str:
        """Exports (dumpdata) stay encrypted."""
        return self.get_prep_value(getattr(obj, self.attname))
