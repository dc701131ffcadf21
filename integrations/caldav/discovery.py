"""From any address a person may have copied (server, account, home or calendar) to the calendars behind it (RFC 6764, RFC 5397, RFC 4791 §6.2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from integrations.contract import NeedsPerson, ProviderError, RemoteCalendar
from integrations.wire import zones
from integrations.wire.dav import Dav, Refused, Row

ASKED = ("d:resourcetype", "d:current-user-principal", "c:calendar-home-set", "c:calendar-user-address-set")
SHOWN = ("d:resourcetype", "d:displayname", "c:supported-calendar-component-set", "d:current-user-privilege-set", "i:calendar-color", "c:calendar-timezone")


@dataclass(frozen=True, slots=True)
class Account:
    """Where an account's calendars are. `homes`: absolute addresses of the collections they lie in; `email` "" where the server tells none."""

    homes: tuple[str, ...]
    principal: str = ""
    email: str = ""


def account(dav: Dav) -> Account:
    """Raises NeedsPerson when no calendars are found behind the address."""
    refused: ProviderError | None = None
    for start in dict.fromkeys((dav.address, dav.url("/.well-known/caldav"), dav.url("/"))):
        try:
            rows = dav.propfind(start, *ASKED)
        except Refused as error:
            if error.answer.status == 401:
                raise error.error from error
            refused = refused or error.error
            continue
        found = _follow(dav, start, rows[0]) if rows else None
        if found:
            return found
    if isinstance(refused, NeedsPerson) and refused.code != "gone":
        raise refused
    raise NeedsPerson("No calendars were found at this address.", "Copy the CalDAV address from the settings of your calendar server.", code="address")


def _follow(dav: Dav, start: str, row: Row) -> Account | None:
    base = dav.url(row.path, start)
    principal = next((dav.url(href, base) for href in row.hrefs("d:current-user-principal")), "")
    owner = row
    if principal:
        try:
            owner = next(iter(dav.propfind(principal, *ASKED)), row)
        except Refused as error:
            if error.answer.status == 401:
                raise error.error from error
    homes = tuple(dav.url(href, base) for href in owner.hrefs("c:calendar-home-set") or row.hrefs("c:calendar-home-set"))
    if not homes and row.has("d:resourcetype", "c:calendar"):
        homes = (dav.url("../" if base.endswith("/") else "./", base),)
    addresses = [href[7:] for href in owner.hrefs("c:calendar-user-address-set") if href.lower().startswith("mailto:")]
    return Account(homes, principal, addresses[0] if addresses else "") if homes else None


def calendars(dav: Dav, homes: tuple[str, ...]) -> Iterator[RemoteCalendar]:
    """Every collection that can hold events. Raises Refused."""
    for home in homes:
        for row in dav.propfind(home, *SHOWN, depth="1"):
            kinds = row.props.get("{urn:ietf:params:xml:ns:caldav}supported-calendar-component-set")
            names = {part.get("name", "").upper() for part in kinds} if kinds is not None else {"VEVENT"}
            if not row.has("d:resourcetype", "c:calendar") or "VEVENT" not in names:
                continue
            rights = "{DAV:}current-user-privilege-set" not in row.props
            yield RemoteCalendar(
                id=dav.url(row.path, home),
                name=row.text("d:displayname") or row.path.rstrip("/").rpartition("/")[2],
                writable=rights or row.has("d:current-user-privilege-set", "d:write", "d:write-content", "d:all"),
                timezone=zones.name(row.text("c:calendar-timezone")),
                color=row.text("i:calendar-color")[:7],
            )
