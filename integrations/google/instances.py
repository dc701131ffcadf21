"""The dates of a series that are otherwise, as Google keeps them: events of their own beside it, each known by its original start."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any

from integrations.contract import Retry
from integrations.google import mapping
from integrations.google.client import Google, Row
from integrations.items import Event, plain, snapshot

SAID = ("title", "description", "location", "when", "show_as", "private")


def write(google: Google, calendar: str, series: Row, rows: Collection[Row], item: Event, mails: Callable[[Any], str]) -> None:
    """Makes the dates of `series` say what the item's exceptions say, and all others what it says itself. `rows`: what Google has beside it now.

    Dates left out stand in the series' own lines (EXDATE). Repeated it does nothing.
    """
    known = {_original(row, item): row for row in rows if row["id"] != series["id"] and row.get("originalStartTime")}
    wanted = {plain(one.recurrence_id): one for one in item.exceptions}
    left_out = {original for original, said in ((snapshot(item, ["recurrence"])["recurrence"] or {}).get("exceptions") or {}).items() if said is None}
    for original, row in known.items():
        if original not in wanted and original not in left_out and (mapping.cancelled(row) or _differs(row, _plain(item, row))):
            _patch(google, calendar, row, _plain(item, row), mails)
    for original, one in wanted.items():
        row = known.get(original) or _untouched(google, calendar, series["id"], one, item)
        if mapping.cancelled(row) or _differs(row, one):
            _patch(google, calendar, row, one, mails)


def _original(row: Row, item: Event) -> str:
    value = row["originalStartTime"]
    found: str = plain(mapping.moment(value, item.timezone)[0])
    return found


def _plain(item: Event, row: Row) -> Event:
    """What the date of a row says where nothing is otherwise."""
    start = mapping.moment(row["originalStartTime"], item.timezone)[0]
    return replace(item, recurrence=(), exceptions=(), start=start, end=start + (item.end - item.start), recurrence_id=start)  # type: ignore[operator]


def _differs(row: Row, wanted: Event) -> bool:
    return snapshot(mapping.event(row, wanted.timezone), SAID) != snapshot(wanted, SAID)


def _untouched(google: Google, calendar: str, series: str, one: Event, item: Event) -> Row:
    """The row of a date that is still as the series says."""
    original, token = one.recurrence_id.isoformat() if one.recurrence_id else "", None
    while True:
        listed = google.resource.events().instances(calendarId=calendar, eventId=series, originalStart=original, showDeleted=True, pageToken=token)
        answer = google.ask(listed)
        for row in answer.get("items", ()):
            if row.get("originalStartTime") and _original(row, item) == plain(one.recurrence_id):
                found: Row = row
                return found
        token = answer.get("nextPageToken")
        if not token:
            raise Retry("The server's answer can't be read.")


def _patch(google: Google, calendar: str, row: Row, wanted: Event, mails: Callable[[Any], str]) -> None:
    body = mapping.fields(wanted, SAID, row) | {"status": "tentative" if wanted.show_as == "tentative" else "confirmed"}
    google.call(google.resource.events().patch(calendarId=calendar, eventId=row["id"], body=body, sendUpdates=mails(row.get("attendees"))))
