"""The key by which a sign-in service signs its id_tokens (OpenID Connect Core §2), and where it publishes it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

KID = "key-of-this-server"


@cache
def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def sign(claims: dict[str, Any]) -> str:
    return jwt.encode(claims, _key(), "RS256", {"kid": KID})


def as_jwks() -> dict[str, Any]:
    """RFC 7517."""
    return {"keys": [json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(_key().public_key())) | {"kid": KID, "use": "sig", "alg": "RS256"}]}


def as_certificates() -> dict[str, str]:
    """Key ids and certificates in PEM, as Google lists them too."""
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")]), datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, _key().public_key(), x509.random_serial_number(), now, now + timedelta(days=7)).sign(_key(), hashes.SHA256())
    return {KID: made.public_bytes(serialization.Encoding.PEM).decode()}
