"""Events as Graph writes them into an answer: by the Prefer header, $select and $expand."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from integrations.testing.servers.graph_mailbox import Mailbox, Stored
from integrations.testing.servers.graph_rules import PROPERTY, READ_ONLY, WRITABLE, Refusal, moment, zone

BLOB = (
    '<br>\r\n<div style="width:100%"><span style="white-space:nowrap">' + "_" * 80 + '</span></div>\r\n<div class="me-email-text"><a href="{url}">Join the meeting now</a></div>\r\n</body></html>'
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Prefer:
    """What a caller wishes for ("Prefer" of "List events", "Obtain immutable identifiers for Outlook resources")."""

    immutable: bool = False
    timezone: str = "UTC"
    text: bool = False
    page: int = 0

    @classmethod
    def read(cls, header: str) -> Prefer:
        found = dict(part.strip().partition("=")[::2] for part in header.split(",") if part.strip())
        wishes = {name.strip().lower(): value.strip().strip('"') for name, value in found.items()}
        zone(wishes.get("outlook.timezone", "UTC"))
        return cls(
            wishes.get("idtype") == "ImmutableId", wishes.get("outlook.timezone", "UTC"), wishes.get("outlook.body-content-type") == "text",
            int(wishes.get("odata.maxpagesize", "0")),
        )  # fmt: skip


def shown(mailbox: Mailbox, stored: Stored, prefer: Prefer, *, select: str = "", expand: str = "", owner: str = "") -> dict[str, Any]:
    """The whole of an event, or what was selected of it."""
    fields, master = stored.fields, mailbox.events.get(stored.master)
    kind = "seriesMaster" if stored.repeats else "singleInstance"
    if master and stored.day:
        kind = "exception" if stored.day in master.changed else "occurrence"
    names = (WRITABLE.keys() | READ_ONLY) - {
        "singleValueExtendedProperties",
        "multiValueExtendedProperties",
        "attachments",
        "calendar",
        "extensions",
        "instances",
    }
    row: dict[str, Any] = {name: fields.get(name) for name in names - {"cancelledOccurrences", "exceptionOccurrences"}}
    row |= {
        "@odata.etag": stored.etag, "id": named(stored.id, prefer), "changeKey": stored.change_key, "type": kind, "isCancelled": stored.is_cancelled,
        "createdDateTime": "2031-01-01T00:00:00Z", "lastModifiedDateTime": stamp(stored.modified), "iCalUId": stored.uid,
        "seriesMasterId": named(stored.master, prefer) if stored.master else None, "isOrganizer": not stored.organizer, "isDraft": False, "hasAttachments": False,
        "originalStartTimeZone": (master or stored).fields["start"]["timeZone"], "originalEndTimeZone": (master or stored).fields["end"]["timeZone"],
        "start": _time(fields, "start", prefer), "end": _time(fields, "end", prefer), "body": _body(fields["body"], prefer), "bodyPreview": "",
        "organizer": {"emailAddress": {"name": stored.organizer or owner, "address": stored.organizer or owner}}, "responseStatus": fields.get("responseStatus") or {"response": "organizer", "time": "0001-01-01T00:00:00Z"},
        "recurrence": _recurrence(fields) if stored.repeats else None, "webLink": "https://outlook.example/?itemid=1", "onlineMeetingUrl": None,
    }  # fmt: skip
    if original := fields.get("originalStart"):
        row["originalStart"] = stamp(original)
    row["attendees"] = [{"type": "required", "status": {"response": "none", "time": "0001-01-01T00:00:00Z"}} | one for one in fields["attendees"]]
    for part in _split(expand):
        row |= _expanded(mailbox, stored, prefer, part, select, owner)
    if "cancelledOccurrences" in select.split(","):  # "event resource type": returned only on $select, for a series master
        row["cancelledOccurrences"] = [f"OID.{row['id']}.{day}" for day in sorted(stored.cancelled)]
    if select:
        unknown = {name for name in select.split(",") if name not in names and name != "singleValueExtendedProperties"}
        if unknown:
            raise Refusal(400, "RequestBroker--ParseUri", f"Could not find a property named '{min(unknown)}' on type 'microsoft.graph.event'.")
        row = {name: row.get(name) for name in {"@odata.etag", "id", *select.split(",")} | {part.partition("(")[0] for part in _split(expand)} if name in row}
    return row


def thin(stored: Stored, prefer: Prefer) -> dict[str, Any]:
    """A plain occurrence in a delta carries no more than this."""
    times = {name: _time(stored.fields, name, prefer) for name in ("start", "end")}
    ids = {"id": named(stored.id, prefer), "seriesMasterId": named(stored.master, prefer)}
    return {"@odata.type": "#microsoft.graph.event", "@odata.etag": stored.etag, "type": "occurrence", **ids, **times}


def named(remote_id: str, prefer: Prefer) -> str:
    """Who does not ask for immutable ids gets others, which a move changes."""
    return remote_id if prefer.immutable else "AAMkAG" + remote_id.removeprefix("AAkALg")


def lookup(shown_id: str) -> str:
    return "AAkALg" + shown_id.removeprefix("AAMkAG") if shown_id.startswith("AAMkAG") else shown_id


def _expanded(mailbox: Mailbox, stored: Stored, prefer: Prefer, part: str, select: str, owner: str) -> dict[str, Any]:
    if part == "exceptionOccurrences":  # only on $select and $expand, and with no more than was selected
        if "exceptionOccurrences" not in select.split(",") or not stored.repeats:
            return {}
        inner = ",".join(name for name in select.split(",") if name not in ("exceptionOccurrences", "cancelledOccurrences"))
        return {part: [shown(mailbox, one, prefer, select=inner, owner=owner) for _, one in sorted(stored.changed.items())]}
    found = re.fullmatch(r"singleValueExtendedProperties\(\$filter=(.+)\)", part)
    wanted = [re.fullmatch(r"id eq '([^']+)'", one.strip()) for one in found[1].split(" or ")] if found else [None]
    ids = [one[1] for one in wanted if one]
    if len(ids) != len(wanted) or not all(PROPERTY.fullmatch(one) for one in ids):  # "Get singleValueLegacyExtendedProperty"
        raise Refusal(400, "ErrorInvalidUrlQuery", f"The expression '{part}' is not valid.")
    own = [{"id": one, "value": stored.own[one]} for one in ids if one in stored.own]
    return {"singleValueExtendedProperties": own} if own else {}


def _split(expand: str) -> list[str]:
    return [part.strip() for part in re.split(r",(?![^(]*\))", expand) if part.strip()]


def _time(fields: Mapping[str, Any], name: str, prefer: Prefer) -> dict[str, str]:
    """In the zone that was asked for; the days of an all-day event are not converted."""
    if fields["isAllDay"]:
        return {"dateTime": fields[name]["dateTime"][:10] + "T00:00:00.0000000", "timeZone": prefer.timezone}
    local = moment(fields[name]).astimezone(zone(prefer.timezone)).replace(tzinfo=None)
    return {"dateTime": local.isoformat(timespec="seconds") + ".0000000", "timeZone": prefer.timezone}


def stamp(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "7Z")  # seven digits, as .NET writes them


def _body(body: Mapping[str, str], prefer: Prefer) -> dict[str, str]:
    """Exchange keeps HTML: a text comes back as such only to who asks for text."""
    content = (body.get("content") or "").replace("\r\n", "\n").replace("\r", "\n")
    is_html = (body.get("contentType") or "text") == "html"
    if prefer.text:
        words = html.unescape(re.sub(r"<[^<>]*>", "", re.sub(r"(?i)<br>\n?|</div>\n?", "\n", content))) if is_html else content
        return {"contentType": "text", "content": words.strip("\n").replace("\n", "\r\n") + "\r\n" if words else ""}
    return {"contentType": "html", "content": content.replace("\n", "\r\n") if is_html else as_html(content)}


def as_html(text: str) -> str:
    lines = "<br>\r\n".join(html.escape(text, quote=False).split("\n"))
    return f'<html><head>\r\n<meta http-equiv="Content-Type" content="text/html; charset=utf-8">\r\n<!-- converted from text --></head>\r\n<body><div class="PlainText">{lines}</div>\r\n</body></html>'


def meeting(stored: Stored) -> None:
    """ "Enable online meetings": who sets isOnlineMeeting gets a link and a block in the body; who takes the block away ends the meeting."""
    body, url = stored.fields["body"], f"https://teams.example/l/{stored.id.encode().hex()}"
    kept = url in (body.get("content") or "")
    if stored.fields.get("onlineMeeting") and not kept:
        stored.fields |= {"isOnlineMeeting": False, "onlineMeeting": None}
    elif stored.fields["isOnlineMeeting"] and not kept:
        now = body["content"] if body.get("contentType") == "html" and body["content"] else as_html(body.get("content") or "")
        words = {"contentType": "html", "content": now.replace("</body></html>", "") + BLOB.format(url=url)}
        stored.fields |= {"body": words, "onlineMeeting": {"joinUrl": url}}


def _recurrence(fields: Mapping[str, Any]) -> dict[str, Any]:
    """With the values of everything that does not apply, as Graph does."""
    given, reach = fields["recurrence"]["pattern"], fields["recurrence"]["range"]
    pattern = {"interval": 1, "month": 0, "dayOfMonth": 0, "firstDayOfWeek": "sunday", "index": "first"} | {
        name: value for name, value in given.items() if value is not None
    }
    span = {"endDate": "0001-01-01", "numberOfOccurrences": 0, "recurrenceTimeZone": fields["start"]["timeZone"]} | {
        name: value for name, value in reach.items() if value is not None
    }
    return {"pattern": pattern, "range": span}
