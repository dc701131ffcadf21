"""Access tokens: asked for, kept, renewed by one worker at a time, and given up when the person has taken the access back (RFC 6749 §5, §6)."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_noop as _

from integrations.contract import NeedsPerson, OAuth, Retry
from integrations.models import Account, OAuthClient
from integrations.oauth import clients
from integrations.wire import http

MARGIN = timedelta(minutes=5)  # before its end a token is renewed
SPARE = timedelta(seconds=30)  # until then it may still be used while another worker renews it
LEASE = timedelta(seconds=30)  # longer than one call to the token endpoint may take
FOREVER = 10 * 365 * 86_400  # seconds; what lasts longer is not worth a date
LIFE = 3600  # seconds, where the answer doesn't say
FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
ENDED = ("invalid_grant", "interaction_required")  # only the person can help: taken back, password changed, second factor wanted


class Refusal(Exception):
    """The token endpoint's error (RFC 6749 §5.2). `said`: its description and numbers, to be looked into and never shown."""

    def __init__(self, error: str, said: str = "") -> None:
        super().__init__(error)
        self.error, self.said = error, said


@dataclass(frozen=True, slots=True, repr=False)
class Tokens:
    """A good answer. `scopes` as granted; empty when the answer says nothing, which means all that were asked for (RFC 6749 §5.1). `ends_on`: the last
    day of what was granted, where the person limited it (Google: "Time-based access")."""

    access: str
    refresh: str
    expires_at: datetime
    scopes: frozenset[str]
    ends_on: date | None = None

    @classmethod
    def read(cls, answer: Mapping[str, Any], now: datetime) -> Tokens:
        try:
            life = int(answer.get("expires_in") or LIFE)
        except (TypeError, ValueError):
            life = LIFE
        scopes = frozenset(str(answer.get("scope") or "").split())
        lasts = answer.get("refresh_token_expires_in")
        ends_on = (now + timedelta(seconds=lasts)).date() if isinstance(lasts, int) and 0 < lasts < FOREVER else None
        return cls(str(answer["access_token"]), str(answer.get("refresh_token") or ""), now + timedelta(seconds=life), scopes, ends_on)

    @property
    def secrets(self) -> dict[str, str]:
        return {"access_token": self.access} | ({"refresh_token": self.refresh} if self.refresh else {})

    def lacks(self, oauth: OAuth) -> list[str]:
        """The needed scopes that were not granted. Microsoft may write them with their resource before them."""
        granted = {name for one in self.scopes for name in (one, one.rpartition("/")[2])}
        return [one for one in oauth.needed if self.scopes and one not in granted]


def ask(oauth: OAuth, client: OAuthClient, form: Mapping[str, str]) -> dict[str, Any]:
    """One call to the token endpoint. Raises Refusal for an error it names, Retry when there is no usable answer."""
    url = oauth.token_url(client.tenant)
    given = {**form, "client_id": client.client_id, "client_secret": client.secrets.get("client_secret", "")}
    with http.client_to(url, total=20.0, read=10.0, size=256 * 1024) as out:
        answer = out.request("POST", url, headers=FORM, content=urlencode(given).encode(), follow=False)
    try:
        told = json.loads(answer.body)
    except ValueError:
        told = None
    if answer.status == 429 or answer.status >= 500 or not isinstance(told, dict):
        raise Retry(_("The server is busy or out of order."), http.retry_after(answer.headers.get("retry-after", ""), datetime.now(UTC)))
    if isinstance(told.get("error"), str):
        raise Refusal(told["error"], f"{told.get('error_codes', '')} {told.get('error_description', '')}")
    if answer.status != 200 or not isinstance(told.get("access_token"), str) or not told["access_token"]:
        raise Retry(_("The server's answer can't be read."))
    return told


def blamed(oauth: OAuth, refusal: Refusal) -> str:
    """What of the admin's set-up a refusal is about: a key of clients.FAULTS, or ""."""
    whole = f"{refusal.error} {refusal.said}"
    return next((fault for needle, fault in oauth.faults.items() if needle in whole), "")


def fresh(account_id: int, rejected: str = "") -> Tokens:
    """A token that lasts a while and isn't the `rejected` one. Of any number of workers one renews it, and the others take what it has got.

    Raises NeedsPerson(code="revoked") when the access was taken back; Retry for everything that may pass. No transaction may be open: durable asks that.
    """
    until = time.monotonic() + LEASE.total_seconds()
    while True:
        account = Account.objects.filter(pk=account_id).first()
        if account is None or not account.secrets.get("refresh_token"):
            raise NeedsPerson(_("There is no stored access."), _("Connect the account again."), code="revoked")
        clients.client_of(account.provider)  # what is switched off rests, whatever is still valid
        now, token, ends = timezone.now(), account.secrets.get("access_token", ""), account.token_expires_at
        left = ends - now if ends and token and token != rejected else timedelta(0)
        if left > MARGIN:
            return _stored(account)
        if lease := _claim(account, now):
            if found := _renew(account, lease):
                return found
        elif left > SPARE:
            return _stored(account)
        elif time.monotonic() > until:
            raise Retry(_("The access is being renewed."), 5)
        else:
            time.sleep(0.1)


def _stored(account: Account) -> Tokens:
    return Tokens(account.secrets["access_token"], "", account.token_expires_at or timezone.now(), frozenset())


def _claim(account: Account, now: datetime) -> datetime | None:
    """Until when this worker alone may renew it; None when another one does, or did meanwhile."""
    free = Q(refreshing_until=None) | Q(refreshing_until__lte=now)
    with transaction.atomic(durable=True):
        taken = Account.objects.filter(free, pk=account.pk, token_version=account.token_version).update(refreshing_until=now + LEASE)
    return now + LEASE if taken else None


def _renew(account: Account, lease: datetime) -> Tokens | None:
    """None: somebody else has saved another one meanwhile, so look again."""
    mine = Account.objects.filter(pk=account.pk, refreshing_until=lease)
    same = Account.objects.filter(pk=account.pk, token_version=account.token_version)
    try:
        answer = _ask_anew(account)
    except Exception:
        mine.update(refreshing_until=None)
        raise
    if answer is None:
        mine.update(refreshing_until=None)
        return None
    tokens = Tokens.read(answer, timezone.now())
    values = {"secrets": account.secrets | tokens.secrets, "token_expires_at": tokens.expires_at, "refreshing_until": None}
    return tokens if same.update(**values, token_version=F("token_version") + 1) else None


def _ask_anew(account: Account) -> dict[str, Any] | None:
    """None: what was refused is not what is stored any more."""
    oauth, client = clients.oauth_of(account.provider), clients.client_of(account.provider)
    try:
        answer = ask(oauth, client, {"grant_type": "refresh_token", "refresh_token": account.secrets["refresh_token"]})
    except Refusal as error:
        fault = blamed(oauth, error)
        if error.error not in ENDED or fault:
            clients.refused(client, fault)
            raise Retry(_("The provider does not accept our registration. Your admin can see why."), 60) from error
        if not Account.objects.filter(pk=account.pk, token_version=account.token_version).exists():
            return None
        raise NeedsPerson(_("The access to this account was taken back or has expired."), _("Connect the account again."), code="revoked") from error
    clients.accepted(client)
    return answer
