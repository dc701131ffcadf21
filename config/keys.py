"""Makes strong keys: `python -m config.keys` prints them as lines of an environment file."""

from __future__ import annotations

import secrets

from cryptography.fernet import Fernet


def make_keys() -> dict[str, str]:
    return {
        "SECRET_KEY": secrets.token_urlsafe(64),
        "KALENDS_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
    }


if __name__ == "__main__":
    for name, value in make_keys().items():
        print(f"{name}={value}")
