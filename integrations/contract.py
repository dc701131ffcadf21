"""What a provider promises, what the engine may expect, and the four errors between them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Protocol

from django.apps import AppConfig
from django.conf import settings
from django.utils.module_loading import import_string

from integrations.items import Event


class ProviderError(Exception):
    """Base of the four errors. Their texts are shown to people: plain words, never a secret, never the body of a foreign answer.

    In English: they are translated when they are shown (see told.py).
    """


class Retry(ProviderError):
    """The other side is busy, slow or away: the same call may succeed later. `after` in seconds when it said so, else None. `whole`: whatever was
    asked, no call of this account would have succeeded (a limit is reached, the server is away)."""

    def __init__(self, reason: str = "", after: float | None = None, *, whole: bool = False) -> None:
        super().__init__(reason)
        self.after, self.whole = after, whole


class NeedsPerson(ProviderError):
    """Repeating won't help: wrong password, revoked, no permission, rejected content. `code`: auth, revoked (sure at once), permission, gone, rejected, address."""

    def __init__(self, reason: str, hint: str = "", code: str = "auth") -> None:
        super().__init__(reason)
        self.reason, self.hint, self.code = reason, hint, code


class CursorExpired(ProviderError):
    """The cursor is no longer known there: list afresh and diff."""


class Changed(ProviderError):
    """The etag did not match: read again, merge, write again."""


class Credentials(Protocol):
    """What a provider may ask about the account it works for."""

    username: str
    server: str

    def access_token(self, rejected: str = "") -> str:
        """A fresh OAuth access token; refreshes and saves it when it is about to expire, or is the one that the other side has just `rejected`."""

    def secret(self, name: str) -> str:
        """A stored secret by name, e.g. "password". Raises NeedsPerson when there is none."""


@dataclass(frozen=True, slots=True)
class Window:
    """Half-open span of instants [start, end) that is of interest."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class RemoteCalendar:
    id: str
    name: str
    writable: bool = True
    primary: bool = False
    timezone: str = ""
    color: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One remote event as it is now: a single one, or a whole series (its master in `item`, all its exceptions beside it), or gone.

    `item` is None when `gone` (positive proof: tombstone or 404 by id) or when `problem` says in plain words why it can't be
    read; then `closed` is the time it takes as far as that can be told. A series that has lost its master has
    its first exception in `item` with `recurrence_id` set and the others in `exceptions`.
    """

    remote_id: str
    etag: str = ""
    modified: datetime | None = None
    item: Event | None = None
    exceptions: tuple[Event, ...] = ()
    gone: bool = False
    problem: str = ""
    closed: tuple[datetime, datetime] | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Part of an answer. Only the last page has `cursor`. `full`: the pages together list everything (diff against what is known)."""

    changes: tuple[Change, ...]
    cursor: str = ""
    last: bool = False
    full: bool = False


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the other side keeps after a write. `item` as read back, when the server may have rewritten it (None: as sent)."""

    remote_id: str
    uid: str = ""
    etag: str = ""
    modified: datetime | None = None
    item: Event | None = None


@dataclass(frozen=True, slots=True)
class Create:
    """A call of Provider.create, to be made together with others; so are Update and Delete."""

    item: Event
    key: str


@dataclass(frozen=True, slots=True)
class Update:
    remote_id: str
    item: Event
    fields: tuple[str, ...]
    etag: str


@dataclass(frozen=True, slots=True)
class Delete:
    remote_id: str
    etag: str


Op = Create | Update | Delete


@dataclass(frozen=True, slots=True)
class Subscription:
    """The other side's promise to tell us when something changes, until `expires`, as it said. `resource`: what it wants to hear when it is to stop."""

    id: str
    resource: str
    expires: datetime


@dataclass(frozen=True, slots=True)
class Call:
    """A call from the other side as it came in, not yet verified: its headers (looked up in any case), its query and its body."""

    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Notice:
    """What the other side tells by a subscription: that something may have changed, never what. `token` is to be compared with the one we gave, in
    constant time. `changed` False: only a greeting. `renew`: the subscription is about to end or has ended, so it is to be renewed now. `missed`:
    something was left out that a reading from the cursor may not show, so everything is to be read."""

    subscription: str
    token: str
    changed: bool = True
    renew: bool = False
    missed: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a diagnosis. `hint` says what to do next when it is not ok."""

    name: str
    ok: bool
    detail: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a provider can do; declared, never guessed. A caller asks "can you?", never "who are you?". `batch`: how many writes go into one request."""

    kinds: frozenset[str] = frozenset({"event"})
    push: bool = False
    batch: int = 1
    rooms: bool = False
    hides_attendees: bool = False
    silent_attendees: bool = False
    copies_to_attendees: bool = False  # an attendee finds a copy of the event, with its UID, in the own calendar
    organizer_is_calendar: bool = False  # in any but the main calendar the organiser is that calendar, not its owner
    etag: bool = True
    delta: bool = True
    creates_calendars: bool = False


class Provider:
    """Base of all providers. One instance serves one account for one task; calls have time-outs and may be repeated without harm."""

    def __init__(self, credentials: Credentials, settings: Mapping[str, Any] | None = None) -> None:
        self.credentials = credentials
        self.settings = dict(settings or {})

    def identity(self) -> str:
        """The e-mail address (or user name where there is none) of the account."""
        raise NotImplementedError

    def calendars(self) -> list[RemoteCalendar]:
        raise NotImplementedError

    def create_calendar(self, name: str) -> RemoteCalendar:
        """A new calendar of that name; only where capabilities.creates_calendars."""
        raise NotImplementedError

    def changes(self, calendar: str, cursor: str, window: Window) -> Iterator[Page]:
        """What changed since `cursor` ("" lists all that overlaps `window`). Raises CursorExpired. A failed listing raises, it is never empty."""
        raise NotImplementedError

    def get(self, calendar: str, remote_id: str) -> Change:
        """One event now; `gone` only on positive proof: the calendar answers and says this id does not exist."""
        raise NotImplementedError

    def find(self, calendar: str, key: str, uid: str) -> Change | None:
        """The event that carries our marker `key` (or, where markers can't be searched, `uid` and the marker), or None."""
        raise NotImplementedError

    def copy_of(self, calendar: str, uid: str) -> Change | None:
        """The event with that iCalendar UID, marked or not, or None: the copy that the organiser's event has in an attendee's calendar."""
        raise NotImplementedError

    def create(self, calendar: str, item: Event, key: str) -> Receipt:
        """Writes `item` marked with `key`. Called again with the same key it adopts what the first call made, whatever became of its answer."""
        raise NotImplementedError

    def update(self, calendar: str, remote_id: str, item: Event, fields: Collection[str], etag: str) -> Receipt:
        """Writes only the named groups (see items.GROUPS) if the etag still matches, else raises Changed. What we don't own survives."""
        raise NotImplementedError

    def delete(self, calendar: str, remote_id: str, etag: str) -> None:
        """Deletes if the etag still matches ("" deletes anyway), else raises Changed. Already gone is success."""
        raise NotImplementedError

    def many(self, calendar: str, ops: Sequence[Op]) -> Sequence[Receipt | Exception | None]:
        """Writes to different events, in as few requests as capabilities.batch promises: in the same order what create, update or delete would have
        returned, or raised, for each. They may be carried out in any order. Default: one after the other."""
        return [self._one(calendar, op) for op in ops]

    def _one(self, calendar: str, op: Op) -> Receipt | Exception | None:
        try:
            match op:
                case Create(item, key):
                    return self.create(calendar, item, key)
                case Update(remote_id, item, fields, etag):
                    return self.update(calendar, remote_id, item, fields, etag)
                case Delete(remote_id, etag):
                    self.delete(calendar, remote_id, etag)
        except ProviderError as error:
            return error
        return None

    def busy(self, calendars: Sequence[str], window: Window) -> list[tuple[datetime, datetime]]:
        """Busy times over all the calendars, sorted, merged: as the server reckons them where it does, else from `changes`. What the engine made of the
        changes must agree with it."""
        raise NotImplementedError

    def subscribe(self, calendar: str, address: str, token: str, life: timedelta) -> Subscription:
        """From now on `address` is told of changes in the calendar, with `token`; for `life` or as long as the other side allows. Only where
        capabilities.push. A new one is made before the old one is ended: nothing is missed between them, and a notice too many does no harm.
        `address` is this calendar's alone: where the other side allows one subscription only, one that has it already is of an earlier attempt."""
        raise NotImplementedError

    def renew(self, calendar: str, subscription: Subscription, address: str, token: str, life: timedelta) -> Subscription:
        """The same one for another `life`, with the token it has; or, where it can't be prolonged or is no longer there, a new one with `token`: then the
        id is another one, and the caller ends the old one."""
        return self.subscribe(calendar, address, token, life)

    def unsubscribe(self, subscription: Subscription) -> None:
        """Ends it. One that has expired or is unknown there is a success."""
        raise NotImplementedError

    def revoke(self) -> None:
        """Ends our access at the other side, where it knows such a thing."""

    def check(self) -> Iterator[Step]:
        """Tests the connection step by step and says in plain words what is wrong; ends after the first step that failed."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class OAuth:
    """How people grant us access (RFC 6749, codes with PKCE). `login`: django-allauth's name of the service. Addresses are the setting that holds the
    root and the official path below it. `needed`: scopes without which nothing works. `asks`: further parameters of the consent page.

    `faults`: what is wrong with the admin's set-up, by a piece of the token endpoint's error: client, secret, expired, redirect, tenant, or "" for nothing.
    `tenants`: whether there are authorities to choose from. `guide`: a template for the admin. `farewell`: what disconnecting can't do there, in words.
    """

    login: str
    consent: tuple[str, str]
    tokens: tuple[str, str]
    scopes: tuple[str, ...]
    needed: tuple[str, ...]
    asks: Mapping[str, str]
    faults: Mapping[str, str]
    guide: str
    tenants: bool = False
    farewell: Any = ""

    def consent_url(self, tenant: str) -> str:
        return _address(self.consent, tenant)

    def token_url(self, tenant: str) -> str:
        return _address(self.tokens, tenant)


def _address(place: tuple[str, str], tenant: str) -> str:
    root, path = place
    return str(getattr(settings, root)).rstrip("/") + path.format(tenant=tenant)


class ProviderConfig(AppConfig):
    """A provider announces itself by its app: INSTALLED_APPS is the one place where a provider is named."""

    provider_id: ClassVar[str]
    provider_class: ClassVar[str]  # dotted path, imported on first use
    provider_label: ClassVar[Any]  # translatable
    logo: ClassVar[str] = ""  # static path
    connects_by: ClassVar[str] = "password"  # oauth | password | service
    oauth: ClassVar[OAuth | None] = None
    webhook: ClassVar[str] = ""  # dotted path of hear(), where capabilities.push; imported by web processes, so it loads no SDK
    capabilities: ClassVar[Capabilities] = Capabilities()

    def provider(self, credentials: Credentials, settings: Mapping[str, Any] | None = None) -> Provider:
        made: Provider = import_string(self.provider_class)(credentials, settings)
        return made

    def hear(self, call: Call) -> str | list[Notice]:
        """What a call says; or the text to be sent back, where the other side asks first whether the address is ours."""
        said: str | list[Notice] = import_string(self.webhook)(call)
        return said
