"""What changed in a WebDAV collection: by sync-collection (RFC 6578) where the server has it, else by comparing entity tags."""

from __future__ import annotations

import base64
import json
import zlib
from dataclasses import dataclass

from integrations.contract import CursorExpired, Retry
from integrations.wire.dav import Dav, Refused, Row, canonical, element, etag, wanted

MAX_ROUNDS = 1_000  # of a listing the server gives out in parts


@dataclass(frozen=True, slots=True)
class Listing:
    """`present`: path to entity tag, of all there is (`full`) or of what changed. `missing`: paths that are surely gone. `cursor`: where to go on."""

    present: dict[str, str]
    missing: tuple[str, ...]
    cursor: str
    full: bool


def listing(dav: Dav, calendar: str, cursor: str) -> Listing:
    """Raises CursorExpired, Refused and Retry; never returns a part as the whole."""
    if cursor.startswith("t:"):
        try:
            return _tokens(dav, calendar, cursor[2:], canonical(calendar))
        except Refused as error:  # RFC 3253 §3.6: it knows that report no longer, so it is asked what it can do now
            if error.condition != "supported-report" and error.answer.status not in (400, 405):
                raise
    rows = dav.propfind(calendar, "d:supported-report-set", "s:getctag", "d:resourcetype")
    here = next(iter(rows), Row("", 0))
    if here.has("d:supported-report-set", "d:sync-collection"):
        if cursor and not cursor.startswith("t:"):
            raise CursorExpired
        return _tokens(dav, calendar, cursor[2:], here.path)
    if cursor and not cursor.startswith("e:"):
        raise CursorExpired
    return _tags(dav, calendar, cursor[2:], here)


def _tokens(dav: Dav, calendar: str, token: str, here: str) -> Listing:
    present: dict[str, str] = {}
    missing: dict[str, None] = {}
    full = not token
    for _ in range(MAX_ROUNDS):
        # Never a limit: some servers cut the rows and yet hand out the final token.
        body = element("d:sync-collection", element("d:sync-token", text=token), element("d:sync-level", text="1"), wanted("d:getetag"))
        try:
            found = dav.multistatus("REPORT", calendar, body, depth="0")
        except Refused as error:
            if error.condition == "valid-sync-token":
                raise CursorExpired from error
            raise
        if not found.token:
            raise Retry("The server's answer can't be read.")
        cut = any(row.status == 507 for row in found.rows)
        for row in found.rows:
            if row.status == 404:
                present.pop(row.path, None)
                missing[row.path] = None
            elif row.status == 200 and row.path.rstrip("/") != here.rstrip("/") and not row.path.endswith("/"):
                missing.pop(row.path, None)
                present[row.path] = etag(row.text("d:getetag"))
        if not cut:
            return Listing(present, () if full else tuple(missing), f"t:{found.token}", full)
        if found.token == token:
            break
        token = found.token
    raise Retry("The server gives its list out in parts without end.")


def _tags(dav: Dav, calendar: str, packed: str, here: Row) -> Listing:
    known = _unpack(packed) if packed else None
    ctag = here.text("s:getctag")
    # A ctag may count whole seconds: it is trusted only after a second listing has confirmed it.
    if known and ctag and known["ctag"] == ctag and known["settled"]:
        return Listing({}, (), f"e:{packed}", False)
    rows = dav.propfind(calendar, "d:getetag", "d:resourcetype", depth="1")
    if not any(row.path.rstrip("/") == here.path.rstrip("/") for row in rows):
        raise Retry("The server's answer can't be read.")
    tags = {row.path: etag(row.text("d:getetag")) for row in rows if row.status == 200 and not row.path.endswith("/")}
    tags.pop(here.path, None)
    cursor = _pack({"ctag": ctag, "settled": bool(known and known["ctag"] == ctag), "tags": tags})
    if known is None:
        return Listing(tags, (), cursor, True)
    before = known["tags"]
    fresh = {path: tag for path, tag in tags.items() if not tag or before.get(path) != tag}
    return Listing(fresh, tuple(path for path in before if path not in tags), cursor, False)


def _pack(value: dict[str, object]) -> str:
    return "e:" + base64.b64encode(zlib.compress(json.dumps(value).encode(), 9)).decode()


def _unpack(text: str) -> dict:
    try:
        value: dict = json.loads(zlib.decompress(base64.b64decode(text)))
    except (ValueError, zlib.error) as error:
        raise CursorExpired from error
    return value
