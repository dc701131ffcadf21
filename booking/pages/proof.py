"""Proof of work (ALTCHA), where PROOF_OF_WORK asks for it: a browser computes for a moment before a form is taken, so that flooding us costs something.

It asks nobody anything and no third party is involved. Who has no JavaScript shows patience instead: such a form is taken half a minute after it was shown.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import altcha
from django.conf import settings
from django.http import QueryDict
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from booking.pages import stamp

FIELD = "altcha"
ALGORITHM = "PBKDF2/SHA-256"
PATIENCE = timedelta(seconds=30)


def challenge(sent: str) -> str:
    """What the browser is to solve, as JSON, for the form with that stamp; empty where none is asked for."""
    if not settings.PROOF_OF_WORK:
        return ""
    made = altcha.create_challenge(
        ALGORITHM, settings.PROOF_OF_WORK, data={"form": _form(sent)}, expires_at=datetime.now(UTC) + stamp.LIFETIME, hmac_secret=_secret()
    )
    return json.dumps(made.to_dict())


def lacking(data: QueryDict) -> str:
    """Why the form can't be taken yet, in words; empty if it can. One solution is worth one form, and a form books once."""
    sent = data.get("stamp", "")
    if not settings.PROOF_OF_WORK or _is_solved(data.get(FIELD, ""), sent) or not stamp.is_younger(sent, PATIENCE):
        return ""
    return _("A check against machines has not finished. Please wait half a minute and send the form again; nothing you typed is lost.")


def _is_solved(answer: str, sent: str) -> bool:
    try:
        payload = altcha.Payload.from_base64(answer)
        asked_for = (payload.challenge.parameters.data or {}).get("form")
        return asked_for == _form(sent) and bool(altcha.verify_solution(payload, _secret()).verified)
    except (ValueError, KeyError, TypeError, AttributeError):  # whatever somebody sends in its place
        return False


def _form(sent: str) -> str:
    """The form's one-time key, without the signature that lets it be sent."""
    return sent.partition(":")[0]


def _secret() -> str:
    return salted_hmac("kalends.proof", "", algorithm="sha256").hexdigest()
