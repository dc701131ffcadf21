"""The hidden field of every form that books: when it was shown, and a key that makes sending it twice the same as once.

Keeps machines out without asking people anything (ASVS 5.0, 2.4.2): a form sent back at once, or with the field filled in that
nobody sees, gets an answer that looks like success, and nothing happens.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta

from django.core import signing
from django.http import QueryDict

# Nobody types a name and an address in less.
LEAST = timedelta(seconds=2)
LIFETIME = timedelta(hours=24)
TRAP = "website"

_signer = signing.TimestampSigner(salt="kalends.form")


class Stale(Exception):
    """The stamp is missing, forged or too old: the form must be shown again with a new one."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """`key` is the form's one-time key; `automatic`: sent by a machine, as far as we can tell."""

    key: str
    automatic: bool


def new() -> str:
    return _signer.sign(secrets.token_urlsafe(18))


def read(data: QueryDict) -> Stamp:
    """The stamp of a form that was sent; raises Stale."""
    text = data.get("stamp", "")
    try:
        key = _signer.unsign(text, max_age=LIFETIME)
    except signing.BadSignature as error:
        raise Stale from error
    return Stamp(key=key, automatic=bool(data.get(TRAP)) or is_younger(text, LEAST))


def is_younger(text: str, age: timedelta) -> bool:
    try:
        _signer.unsign(text, max_age=age)
    except signing.SignatureExpired:
        return False
    return True
