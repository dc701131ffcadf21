"""PURE: content lines of iCalendar (RFC 5545 §3.1), their escaping, folding and the values in them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo

_BREAKS = re.compile("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_MOMENT = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)?(Z?))?", re.IGNORECASE)
_DURATION = re.compile(r"([+-]?)P(?:(\d{1,6})W)?(?:(\d{1,6})D)?(?:T(?:(\d{1,7})H)?(?:(\d{1,7})M)?(?:(\d{1,9})S)?)?", re.IGNORECASE)


class IcalError(ValueError):
    """This text, or this one component of it, is not iCalendar that can be understood. The text of the error is for people."""


@dataclass(frozen=True, slots=True)
class Line:
    """A content line, unfolded. `raw` is what stood in the text, with its line ends."""

    name: str
    value: str
    params: Mapping[str, str] = field(default_factory=dict)
    raw: bytes = b""

    def opens(self, component: str) -> bool:
        return self.name == "BEGIN" and self.value.strip().upper() == component

    def closes(self, component: str) -> bool:
        return self.name == "END" and self.value.strip().upper() == component


def parse(data: bytes | str) -> Iterator[Line]:
    """The content lines of a text. In bytes, because a fold may cut a UTF-8 character."""
    if isinstance(data, str):
        data = data.encode("utf-8", "replace")
    pieces: list[bytes] = []
    for piece in [*data.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").split(b"\n"), b""]:
        if piece[:1] in (b" ", b"\t") and pieces:
            pieces.append(piece)
            continue
        if pieces and pieces[0].strip():
            yield _line(pieces)
        pieces = [piece]


def _line(pieces: list[bytes]) -> Line:
    text = (pieces[0] + b"".join(piece[1:] for piece in pieces[1:])).decode("utf-8", "replace").rstrip("\r")
    head, colon, value = text.partition(":")
    if head.count('"') % 2:  # that colon was inside a quoted parameter
        found = re.match(r'((?:[^":]|"[^"]*")*):(.*)', text, re.DOTALL)
        head, value = (found[1], found[2]) if found else (head, value)
    name, *rest = re.findall(r'(?:[^;"]|"[^"]*"?)+', head) or [""]
    params = {key.strip().upper(): text.strip('"') for key, _, text in (part.partition("=") for part in rest)}
    return Line(name.strip().upper(), value if colon else "", params, b"\r\n".join(pieces) + b"\r\n")


def fold(line: str) -> bytes:
    """The line as it is sent: at most 75 octets, never cut inside a character (RFC 5545 §3.1)."""
    parts, current, limit = [], b"", 75
    for character in line:
        octets = character.encode()
        if len(current) + len(octets) > limit:
            parts.append(current)
            current, limit = b"", 74
        current += octets
    return b"\r\n ".join([*parts, current]) + b"\r\n"


def plain(text: str) -> str:
    """Text with one kind of line end and nothing that could end a line early or a file format forbids."""
    return _CONTROLS.sub("", _BREAKS.sub("\n", text))


def escape(text: str) -> str:
    """A TEXT value (RFC 5545 §3.3.11)."""
    return plain(text).replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")


def unescape(text: str) -> str:
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] in "nN" else found[1], text)


def quote(text: str) -> str:
    """A parameter's value, quoted; quotes can't be written in one (RFC 5545 §3.2)."""
    return '"' + " ".join(plain(text).replace('"', "'").split()) + '"'


def stamp(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def moment(line: Line, zone: Callable[[str], tzinfo], floating: tzinfo) -> datetime | date:
    """The date or aware datetime of a line such as DTSTART. Raises IcalError, or what `zone` raises."""
    found = _MOMENT.fullmatch(line.value.strip())
    if not found:
        raise IcalError("The event has a date that can't be read.")
    year, month, day = int(found[1]), int(found[2]), int(found[3])
    try:
        if found[4] is None:
            return date(year, month, day)
        # Second 60 is a leap second: Python knows none.
        wall = datetime(year, month, day, int(found[4]), int(found[5]), min(59, int(found[6] or 0)))  # noqa: DTZ001 - wall time
    except ValueError as error:
        raise IcalError("The event has a date that does not exist.") from error
    if found[7]:
        return wall.replace(tzinfo=UTC)
    tzid = line.params.get("TZID", "")
    return wall.replace(tzinfo=zone(tzid) if tzid.strip() else floating)


def duration(text: str) -> timedelta:
    """A DURATION value. Raises IcalError."""
    found = _DURATION.fullmatch(text.strip())
    if not found:
        raise IcalError("The event has a duration that can't be read.")
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in found.groups()[1:])
    length = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    return -length if found[1] == "-" else length
