"""PURE: makes other people's text harmless for the place it goes to."""

from __future__ import annotations

import re
from html import escape

_BREAKS = re.compile("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
# Controls, lone surrogates, and the marks that turn the direction of writing and so can show a text as another one.
_UNSEEN = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")
_LINKISH = re.compile(r"(://|@|(?<=\w)[.\u3002\uff0e\uff61](?=\w))")
ZERO_WIDTH_SPACE = "\u200b"
LONGEST_HEADER = 300


def text(value: str) -> str:
    """For plain text of several lines, and for booking.ical, which escapes by RFC 5545 itself."""
    return _UNSEEN.sub("", _BREAKS.sub("\n", value))


def header(value: str) -> str:
    """For one line: a header of a mail, a title in a calendar. Nothing in it can begin another header (RFC 5322 §2.2)."""
    return " ".join(text(value).split())[:LONGEST_HEADER]


def html(value: str) -> str:
    """For HTML text and quoted attributes."""
    return escape(text(value)).replace("\n", "<br>")


def unlinked(value: str) -> str:
    """Reads the same, but no mail program takes an address in it for a link: what a stranger typed must not become one."""
    return _LINKISH.sub(lambda found: found[0] + ZERO_WIDTH_SPACE, value)
