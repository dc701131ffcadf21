"""PURE: an event's text as we know it, out of what Outlook keeps: HTML, with the block of an online meeting that must not be touched."""

from __future__ import annotations

import re
from html import escape
from html.parser import HTMLParser
from typing import Any

# The block that Teams puts below the text begins with a rule of underscores ("Enable … online meetings": removing it ends the meeting).
_RULE = "_" * 30
_BREAKS = frozenset({"br", "p", "div", "tr", "li"})
_SILENT = frozenset({"head", "style", "script", "title"})


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.silent += tag in _SILENT
        if tag == "br":
            self.words.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self.silent -= tag in _SILENT and self.silent > 0
        if tag in _BREAKS:
            self.words.append("\n")

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.words.append(data)


def plain(row: dict[str, Any]) -> str:
    """What the person wrote, without the block of an online meeting."""
    body = row.get("body") or {}
    words = str(body.get("content") or "")
    if str(body.get("contentType") or "text").lower() == "html":
        parser = _Words()
        parser.feed(words)
        parser.close()
        words = "".join(parser.words).strip()
    return words.partition(_RULE)[0].rstrip() if row.get("isOnlineMeeting") else words


def body(description: str, row: dict[str, Any] | None = None) -> dict[str, str] | None:
    """What to write for a description. `row`: the event as it is, its body as HTML; the block of its online meeting is kept as it stands.
    None: there is a meeting whose block can't be told from the text, so nothing may be written."""
    kept = str((row.get("body") or {}).get("content") or "") if row and row.get("isOnlineMeeting") else ""
    found = re.search(rf"(?:<(?:div|span|p|br)\b[^<>]*>\s*)*{_RULE}", kept, re.IGNORECASE)
    if found:
        ours = "<br>\r\n".join(escape(line, quote=False) for line in description.splitlines())
        return {"contentType": "html", "content": f"<html><body><div>{ours}</div>\r\n{kept[found.start() :]}"}
    return {"contentType": "text", "content": description} if "http" not in kept else None
