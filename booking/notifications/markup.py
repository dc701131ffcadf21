"""PURE: the few marks that our mail texts are written with, so that one source gives the HTML and the plain text.

First line: the subject. Then, separated by empty lines, paragraphs; "# " begins the heading, "| name | value" is a row of the
table and "[label] address" a button. Marks are read before anything is filled in, so no value can become one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_ROW = re.compile(r"\| *([^|]+?) *\| *(.+)")
_BUTTON = re.compile(r"\[([^\]]+)\] *(\S+)")


# Where a button may lead: a placeholder that is an address, or an address whose host nobody else decides on.
_ADDRESS = re.compile(r"%[a-z_]+_url%|%company_website%|https?://[^\s%/]+(/\S*)?|mailto:\S+|tel:\S+")


@dataclass(frozen=True, slots=True)
class Block:
    """`kind` is heading, text, rows or buttons; `lines` are (label, value), the label empty in headings and texts."""

    kind: str
    lines: tuple[tuple[str, str], ...]


def parse(source: str) -> tuple[str, list[Block]]:
    """The subject and the blocks. Raises ValueError for a text without a subject."""
    subject, _, body = source.strip().partition("\n")
    if not subject.strip():
        raise ValueError("a mail's text must begin with its subject")
    return subject.strip(), [block for part in re.split(r"\n\s*\n", body.strip()) for block in _blocks(part)]


def mistakes(body: str) -> list[tuple[int, str]]:
    """Lines that begin like a mark and are none: (number from 1, which mark: heading, rows, buttons, or address for a button that leads nowhere)."""
    found = []
    for number, line in enumerate(body.splitlines(), start=1):
        kind, (_, value) = _line(line.strip())
        if kind == "text" and (meant := {"#": "heading", "|": "rows", "[": "buttons"}.get(line.strip()[:1])):
            found.append((number, meant))
        elif kind == "buttons" and not _ADDRESS.fullmatch(value):
            found.append((number, "address"))
    return found


def _blocks(part: str) -> Iterator[Block]:
    """A group of lines may mix rows and buttons: each run of one kind is a block."""
    kind = ""
    lines: list[tuple[str, str]] = []
    for line in part.strip().splitlines():
        this, pair = _line(line.strip())
        if lines and (this != kind or kind == "heading"):
            yield _block(kind, lines)
            lines = []
        kind = this
        lines.append(pair)
    if lines:
        yield _block(kind, lines)


def _line(line: str) -> tuple[str, tuple[str, str]]:
    if line.startswith("# "):
        return "heading", ("", line[2:].strip())
    if row := _ROW.fullmatch(line):
        return "rows", (row[1], row[2])
    if button := _BUTTON.fullmatch(line):
        return "buttons", (button[1], button[2])
    return "text", ("", line)


def _block(kind: str, lines: list[tuple[str, str]]) -> Block:
    return Block(kind, (("", "\n".join(line for _, line in lines)),) if kind == "text" else tuple(lines))
