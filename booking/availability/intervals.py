"""Arithmetic on half-open spans of whole seconds since the epoch. Pure: standard library only."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

Span = tuple[int, int]


def merge(spans: Iterable[Span]) -> list[Span]:
    """The same time as sorted spans with gaps between them: overlapping and touching ones become one, empty ones vanish."""
    merged: list[Span] = []
    for start, end in sorted(spans):
        if end <= start:
            continue
        if merged and start <= merged[-1][1]:
            if end > merged[-1][1]:
                merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return merged


def covering(spans: Sequence[Span], instant: int) -> Span | None:
    """The one of merged `spans` that contains `instant`."""
    at = bisect_right(spans, instant, key=_start) - 1
    return spans[at] if at >= 0 and instant < spans[at][1] else None


def free_starts(starts: Sequence[int], blocks: Iterable[Span], *, before: int, after: int) -> list[int]:
    """Those of the sorted `starts` whose time [start - before, start + after) meets none of `blocks`.

    `blocks` are sorted by their start; they may overlap each other. Touching is free.
    """
    free: list[int] = []
    count = len(starts)
    at = 0
    for block_start, block_end in blocks:
        if at == count:
            return free
        # Everything up to the next start is decided already: most blocks end here.
        if block_end + before <= starts[at]:
            continue
        clear = bisect_right(starts, block_start - after, at)
        if clear > at:
            free += starts[at:clear]
        at = bisect_left(starts, block_end + before, clear)
    free += starts[at:]
    return free


def _start(span: Span) -> int:
    return span[0]
