"""Arithmetic on spans, against sets of single seconds."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.availability.intervals import Span, covering, gaps, merge, starts_inside

pytestmark = pytest.mark.pure

span = st.tuples(st.integers(-5, 60), st.integers(1, 25)).map(lambda pair: (pair[0], pair[0] + pair[1]))
spans = st.lists(span, max_size=12)


def seconds(of: list[Span]) -> set[int]:
    return {each for start, end in of for each in range(start, end)}


@given(spans)
def test_merged_spans_hold_the_same_time_sorted_and_apart(given_spans: list[Span]) -> None:
    merged = merge(given_spans)
    assert seconds(merged) == seconds(given_spans)
    assert all(left[1] < right[0] for left, right in pairwise(merged))


@given(spans, st.integers(-10, 90))
def test_the_covering_span_is_the_one_that_holds_the_instant(given_spans: list[Span], instant: int) -> None:
    merged = merge(given_spans)
    found = [each for each in merged if each[0] <= instant < each[1]]
    assert covering(merged, instant) == (found[0] if found else None)


@given(spans, st.integers(1, 9), st.randoms())
def test_gaps_are_what_no_span_takes_however_the_ends_are_ordered(given_spans: list[Span], least: int, rng) -> None:
    starts, ends = [each[0] for each in given_spans], [each[1] for each in given_spans]
    rng.shuffle(starts)
    rng.shuffle(ends)
    pieces: list[Span] = []
    for second in range(51):
        if second not in seconds(given_spans) and second < 50:
            pieces = [*pieces[:-1], (pieces[-1][0], second + 1)] if pieces and pieces[-1][1] == second else [*pieces, (second, second + 1)]
    assert gaps(starts, ends, within=(0, 50), least=least) == [piece for piece in pieces if piece[1] - piece[0] >= least]


@given(spans, st.sets(st.integers(0, 60)), st.integers(0, 9), st.integers(1, 20))
def test_a_start_fits_if_all_it_needs_is_free(given_spans: list[Span], starts: set[int], before: int, after: int) -> None:
    free = merge(given_spans)
    expected = [start for start in sorted(starts) if set(range(start - before, start + after)) <= seconds(free)]
    assert starts_inside(sorted(starts), free, before=before, after=after) == expected


def test_touching_is_free_and_a_short_event_inside_a_long_slot_is_not() -> None:
    free = gaps([600], [601], within=(0, 2000))
    assert starts_inside([0, 1, 100, 600, 601], free, before=0, after=600) == [0, 601]
