"""Fills placeholders in a text."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from booking.notifications.placeholders import escaping
from booking.notifications.placeholders.known import Where, allowed_in
from booking.notifications.placeholders.moments import Moment, is_pattern

Value = str | Moment
Escape = Callable[[str], str]

# The shop's own questions and extras: one that nobody answered or chose has nothing to say.
_OWN = re.compile(r"custom_field_\d+|service_extra_\d+_(?:name|quantity|price)")
_TOKEN = re.compile(r"%%|%([a-z][a-z0-9_]*)(?::([^%\r\n]*))?%")


def fill(template: str, values: Mapping[str, Value], escape: Escape = escaping.text, *, around: Escape = str) -> str:
    """The text with `%name%` and `%name:format%` (dates only) in place of their values, each made harmless by `escape`.

    `around` treats what the author wrote between them. One pass from left to right, so that
    - a value that looks like a placeholder is left alone: fill("%a%", {"a": "%b%", "b": "x"}) is "%b%";
    - a doubled sign is one sign: fill("100 %% %a%", …) is "100 % x", fill("%%a%%", …) is "%a%";
    - a question that was not answered and an extra that was not chosen are empty;
    - what isn't known, or a format that isn't one, stays as it was written: "50 %", "%nonsense%", "%a:b%".
    Names are looked up in `values` and nowhere else: no attributes, no format specifications, no code.
    """
    parts, place = [], 0
    for start, end, name, pattern in _tokens(template, values):
        parts.append(around(template[place:start]))
        parts.append(around("%") if name is None else escape(_shown(values.get(name, ""), pattern)))
        place = end
    return "".join([*parts, around(template[place:])])


def unknown(template: str, where: Where) -> list[str]:
    """What looks like a placeholder and will not be filled there, in order and once each: for the form that saves the text."""
    names: dict[str, Value] = {one.name: one.sample for one in allowed_in(where)}
    tokens = [token for token in _tokens(template, names) if token[2] is None or token[2] in names]
    # Neither what is filled nor what only begins with the closing sign of it.
    fine = {start for start, _, _, _ in tokens} | {end - 1 for _, end, _, _ in tokens}
    return list(dict.fromkeys(one[0] for one in _TOKEN.finditer(template) if one[1] and one.start() not in fine))


def _tokens(template: str, values: Mapping[str, Value]) -> list[tuple[int, int, str | None, str]]:
    """(start, end, name or None for a doubled sign, format) of everything that is to be replaced."""
    tokens, place = [], 0
    while (found := _TOKEN.search(template, place)) is not None:
        name, pattern = found[1], found[2] or ""
        if name is None or _fits(values, name, found[2]):
            tokens.append((found.start(), found.end(), name, pattern))
            place = found.end()
        else:
            # The closing sign may open a true one: "50%off%service_name%".
            following = _TOKEN.match(template, found.end() - 1)
            opens = following is not None and following[1] is not None and _fits(values, following[1], following[2])
            place = found.end() - 1 if opens else found.end()
    return tokens


def _fits(values: Mapping[str, Value], name: str, pattern: str | None) -> bool:
    value = values.get(name, "" if is_own(name) else None)
    if value is None or pattern is None:
        return value is not None
    # An empty text may be a date that there isn't, such as the old one of a booking that has not been moved.
    return pattern != "" and is_pattern(pattern) and (isinstance(value, Moment) or value == "")


def _shown(value: Value, pattern: str) -> str:
    return value.show(pattern) if isinstance(value, Moment) else value


def is_own(name: str) -> bool:
    return _OWN.fullmatch(name) is not None
