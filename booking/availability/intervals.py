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


def gaps(starts: Iterable[int], ends: Iterable[int], *, within: Span, least: int = 1) -> list[Span]:
    """The time in `within` that no span takes, in pieces of `least` or longer, sorted.

    The spans come as their starts and their ends, each in any order: with both sorted, nothing is taken between the k-th end and the
    start after it exactly if that start is later, whichever ends belong to which starts. So no span is ever built. They may overlap each other.
    """
    first, last = within
    return [(end, start) for end, start in zip(sorted([first, *ends]), sorted([*starts, last]), strict=True) if start - end >= least]


def starts_inside(starts: Sequence[int], free: Iterable[Span], *, before: int, after: int) -> list[int]:
    """Those of the sorted `starts` whose time [start - before, start + after) lies inside one of the sorted, disjoint spans of `free`."""
    found: list[int] = []
    at = 0
    for begin, end in free:
        at = bisect_left(starts, begin + before, at)
        until = bisect_right(starts, end - after, at)
        found += starts[at:until]
        at = until
    return found


def _start(span: Span) -> int:
    return span[0]
