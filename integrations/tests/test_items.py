"""Snapshots and fingerprints of what crosses the border."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.items import FIELD_NAMES, OWNED, Event, Person, fingerprint, snapshot, with_snapshot

pytestmark = pytest.mark.pure

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
START = datetime(2026, 3, 2, 9, tzinfo=UTC)
EVENT = Event(start=START, end=START + timedelta(hours=1), title="Cut", attendees=(Person("a@example.org", "A"), Person("b@example.org", "B")))

moments = st.builds(lambda seconds, zone: (EPOCH + timedelta(seconds=seconds)).astimezone(zone), st.integers(0, 1_900_000_000), st.timezones())
text = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30)


@given(moments, st.integers(1, 10_000), text, text, st.booleans())
def test_a_snapshot_put_over_the_event_gives_the_same_snapshot(start: datetime, minutes: int, title: str, place: str, private: bool) -> None:
    event = Event(start=start, end=start.astimezone(UTC) + timedelta(minutes=minutes), title=title, location=place, private=private)
    assert snapshot(with_snapshot(EVENT, snapshot(event))) == snapshot(event)


def test_an_all_day_event_survives_the_same_way() -> None:
    event = Event(start=date(2026, 3, 29), end=date(2026, 3, 30), all_day=True)
    assert with_snapshot(EVENT, snapshot(event)).start == date(2026, 3, 29)


def test_the_same_instant_in_another_zone_is_no_change() -> None:
    elsewhere = timezone(timedelta(hours=5, minutes=30))
    assert fingerprint(EVENT) == fingerprint(replace(EVENT, start=START.astimezone(elsewhere), end=(START + timedelta(hours=1)).astimezone(elsewhere)))


@pytest.mark.parametrize("title", ["Cut\r\n", " Cut", "Cu\u0074"])
def test_line_ends_blanks_and_composition_are_no_change(title: str) -> None:
    assert fingerprint(EVENT) == fingerprint(replace(EVENT, title=title))


def test_the_order_of_attendees_is_no_change_but_one_more_is() -> None:
    assert fingerprint(EVENT) == fingerprint(replace(EVENT, attendees=EVENT.attendees[::-1]))
    assert fingerprint(EVENT) != fingerprint(replace(EVENT, attendees=EVENT.attendees[:1]))


def test_what_is_not_ours_does_not_count() -> None:
    assert fingerprint(EVENT) == fingerprint(replace(EVENT, reminder=10, uid="x", organizer=Person("a@example.org")))


def test_each_owned_group_counts() -> None:
    other = Event(
        start=START + timedelta(hours=1),
        end=START + timedelta(hours=2),
        title="Colour",
        description="d",
        location="l",
        show_as="free",
        private=True,
        attendees=(),
        recurrence=("RRULE:FREQ=DAILY",),
    )
    for group in OWNED:
        assert fingerprint(EVENT, [group]) != fingerprint(other, [group]), group


def test_the_border_stays_narrow() -> None:
    assert len(FIELD_NAMES) <= 18


@pytest.mark.parametrize(
    "times",
    [
        {"start": START.replace(tzinfo=None), "end": START.replace(tzinfo=None) + timedelta(hours=1)},
        {"start": date(2026, 3, 2), "end": date(2026, 3, 3)},
        {"start": START, "end": START, "all_day": True},
    ],
)
def test_wrong_times_can_not_be_built(times: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"aware|dates"):
        Event(**times)  # type: ignore[arg-type]
