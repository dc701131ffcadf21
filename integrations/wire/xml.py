"""PURE: reads XML from outside: no DTD, no entities, nothing fetched. Characters that XML forbids are left out: servers pass on what clients wrote."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from integrations.contract import Retry

# XML 1.0 §2.2, Char
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NAMED = re.compile(r"&#(?:x([0-9a-f]{1,6})|([0-9]{1,7}));", re.IGNORECASE)


def read(body: bytes) -> Element:
    """The root element. Raises Retry for anything else: an HTML page, half an answer, entities. A bad answer never means "nothing there"."""
    try:
        try:
            root: Element = fromstring(body, forbid_dtd=True)
        except ParseError:
            root = fromstring(_allowed(body), forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise Retry("The server's answer can't be read.") from error
    return root


def _allowed(body: bytes) -> bytes:
    """The same text without what no XML may hold, whether written as it is or by its number. One event with such a title must not hide all the others."""
    text = _NAMED.sub(lambda found: "" if _is_forbidden(int(found[1], 16) if found[1] else int(found[2])) else found[0], body.decode("utf-8", "replace"))
    return _FORBIDDEN.sub("", text).encode()


def _is_forbidden(code: int) -> bool:
    return code > 0x10FFFF or bool(_FORBIDDEN.fullmatch(chr(code)))
