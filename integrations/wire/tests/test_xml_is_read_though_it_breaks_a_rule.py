"""F66. Servers put into their answers what clients wrote, whether XML may hold it or not; half an answer is still none."""

from __future__ import annotations

import pytest

from booking.ical import contentline
from integrations.contract import Retry
from integrations.wire import xml

pytestmark = pytest.mark.pure
FORBIDDEN = [b"\xef\xbf\xbf", b"\xef\xbf\xbe", b"\x00", b"\x08", b"\x1b", b"&#0;", b"&#x1F;", b"&#xFFFF;", b"&#55296;", b"&#1114112;", b"&#9999999;"]


@pytest.mark.parametrize("odd", FORBIDDEN)
def test_a_character_that_xml_forbids_is_left_out(odd: bytes) -> None:
    """Seen red with the strict reader alone."""
    found = xml.read(b'<?xml version="1.0" encoding="utf-8"?><a><b>\xc3\xbc&#13;1' + odd + b"2</b><c/></a>")
    assert found.findtext("b") == "ü\r12"
    assert len(found) == 2


def test_bytes_that_are_no_text_do_not_hide_the_rest() -> None:
    assert xml.read(b"<a><b>caf\xe9</b><c>x</c></a>").findtext("c") == "x"


@pytest.mark.parametrize(
    "body", [b"", b"<a><b>\x01</b>", b"<!DOCTYPE a><a>\x01</a>", b"<html><br>\x01</html>", b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;\xef\xbf\xbf</a>']
)
def test_what_is_no_whole_xml_without_a_dtd_is_still_refused(body: bytes) -> None:
    with pytest.raises(Retry):
        xml.read(body)


def test_what_we_write_can_be_carried_by_xml() -> None:
    """Seen red with U+FFFF kept: it would hide the calendar from its owner's own programs."""
    assert contentline.plain("a\ufffeb\uffffc\x01\ud800") == "abc"
