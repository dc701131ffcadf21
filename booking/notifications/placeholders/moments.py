"""A point in time as people read it: by language, or by a pattern such as "EEE d MMM" (Unicode TR35)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from django.utils import dateformat
from django.utils.translation import override

# Fields of TR35 and the letters Django has for them. Anything else is refused.
FIELDS = (
    {"y": "Y", "yyyy": "Y", "yy": "y"}
    | {"MMMM": "F", "MMM": "M", "MM": "m", "M": "n"}
    | {"dd": "d", "d": "j", "EEEE": "l", "EEE": "D", "EE": "D", "E": "D"}
    | {"HH": "H", "H": "G", "hh": "h", "h": "g", "mm": "i", "ss": "s", "a": "A", "z": "T"}
)
PATTERNS = {
    "de": {"date": "d. MMMM y", "time": "HH:mm", "date_time": "d. MMMM y, HH:mm"},
    "en": {"date": "MMMM d, y", "time": "h:mm a", "date_time": "MMMM d, y, h:mm a"},
}
INTERNATIONAL = {"date": "y-MM-dd", "time": "HH:mm", "date_time": "y-MM-dd HH:mm"}
LONGEST = 60
_TOKEN = re.compile(r"'((?:[^']|'')*)'|(([A-Za-z])\3*)|([^A-Za-z']+)")


@dataclass(frozen=True, slots=True)
class Moment:
    """`at` is aware and in the zone it is to be read in; `kind` is date, time or date_time."""

    at: datetime
    language: str
    kind: str

    def show(self, pattern: str = "") -> str:
        """Raises ValueError for a pattern that can't be understood."""
        default = PATTERNS.get(self.language.partition("-")[0], INTERNATIONAL)[self.kind]
        with override(self.language):
            return "".join(part if literal else dateformat.format(self.at, part) for literal, part in _parts(pattern or default))


def is_pattern(pattern: str) -> bool:
    try:
        _parts(pattern)
    except ValueError:
        return False
    return True


def _parts(pattern: str) -> list[tuple[bool, str]]:
    """Pairs of (is it literal, text or Django letter)."""
    parts, place = [], 0
    while place < len(pattern):
        found = _TOKEN.match(pattern, place)
        if found is None or len(pattern) > LONGEST or (found[2] and found[2] not in FIELDS):
            raise ValueError(f"not a date format: {pattern!r}")
        if found[2]:
            parts.append((False, FIELDS[found[2]]))
        else:
            parts.append((True, found[4] or found[1].replace("''", "'") or "'"))
        place = found.end()
    return parts
