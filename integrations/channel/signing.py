"""PURE: the signature of a webhook as the specification "Standard Webhooks" 1.0 has it, so that receivers have libraries for it."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets

PREFIX = "whsec_"
SHORTEST = 24  # bytes of a secret


def new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def key_of(secret: str) -> bytes:
    """Base64 after the prefix, else the text itself. Raises ValueError for one that is too short or can't be read."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True) if secret.startswith(PREFIX) else secret.encode()
    except binascii.Error as error:
        raise ValueError("not base64") from error
    if len(key) < SHORTEST:
        raise ValueError("too short")
    return key


def headers(secret: str, *, key: str, timestamp: int, body: bytes) -> dict[str, str]:
    """`key` is the same however often this is delivered; the receiver drops what it has seen, and what is old."""
    signed = hmac.new(key_of(secret), f"{key}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return {"webhook-id": key, "webhook-timestamp": str(timestamp), "webhook-signature": f"v1,{base64.b64encode(signed).decode()}"}
