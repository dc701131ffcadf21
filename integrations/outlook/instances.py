"""The dates of a series that are otherwise. Graph takes a rule alone; whatever differs from it is done to its instances, one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.utils.translation import gettext_noop as _

from booking.ical.series import instant
from integrations.contract import NeedsPerson, Retry, Window
from integrations.items import Event, plain, snapshot
from integrations.outlook import mapping
from integrations.wire.recurrence import expand

SAID = ("title", "description", "location", "when", "show_as", "private")
Row = dict[str, Any]
# (start, end) -> the instances of the series that overlap it; (id, body) writes one, None deletes it.
Listing = Callable[[datetime, datetime], Iterable[Row]]
Writing = Callable[[str, Row | None], None]


def write(there: Event, wanted: Event, listing: Listing, writing: Writing) -> None:
    """Makes the dates of the series `there` say what `wanted` has for them. Repeated it does nothing. Raises NeedsPerson: what was deleted once
    Outlook does not bring back singly."""
    before, after = _exceptions(there), _exceptions(wanted)
    for original in [one for one in before if before[one] != after.get(one, {})]:
        if before[original] is None and _occurs(wanted, original):
            raise NeedsPerson(_("Outlook does not bring back a single date of a series."), _("Enter that date as a meeting of its own."), code="rejected")
    changed = {plain(one.recurrence_id): one for one in wanted.exceptions}
    for original in dict.fromkeys([*before, *after]):
        now, then = before.get(original, {}), after.get(original, {})
        if now == then or now is None or (not then and then is not None and not _occurs(wanted, original)):
            continue  # the last: no date of the series any more
        row = _instance(original, [original, *([now["start"]] if now else [])], listing)
        item = changed.get(original) or _plain(wanted, original)
        writing(row["id"], None if then is None else mapping.body(item, groups=SAID))


def _occurs(item: Event, original: str) -> bool:
    at = instant(date.fromisoformat(original) if item.all_day else datetime.fromisoformat(original), UTC)
    window = Window(at - timedelta(days=1), at + timedelta(days=1))
    return any(plain(one.start) == plain(at) for one in expand(replace(item, exceptions=()), (), window).instances)


def _exceptions(item: Event) -> dict[str, Any]:
    found: dict[str, Any] = (snapshot(item, ["recurrence"])["recurrence"] or {}).get("exceptions") or {}
    return found


def _plain(item: Event, original: str) -> Event:
    """What a date says where nothing is otherwise."""
    start = date.fromisoformat(original) if item.all_day else datetime.fromisoformat(original)
    return replace(item, recurrence=(), exceptions=(), start=start, end=start + (item.end - item.start))  # type: ignore[operator]


def _instance(original: str, near: list[str], listing: Listing) -> Row:
    """The instance with that original start, which may be elsewhere by now."""
    for text in near:
        at = datetime.fromisoformat(text if len(text) > 10 else f"{text}T00:00:00+00:00").astimezone(UTC)
        for row in listing(at - timedelta(days=1), at + timedelta(days=2)):
            if _is(row, original):
                return row
    raise Retry(_("The server's answer can't be read."))


def _is(row: Row, original: str) -> bool:
    first = row.get("originalStart") or mapping.instant(row["start"]).isoformat()
    found = datetime.fromisoformat(first).astimezone(UTC)
    if len(original) > 10:
        return bool(plain(found) == original)
    return original in (found.date().isoformat(), str(row["start"]["dateTime"])[:10])
