"""The world a provider is tested in: what a test can do at the other side, and the events it does it with."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from integrations.contract import Change, Provider, Window
from integrations.items import Event

BERLIN = ZoneInfo("Europe/Berlin")
WINDOW = Window(datetime(2031, 1, 1, tzinfo=UTC), datetime(2032, 1, 1, tzinfo=UTC))
EVENT = Event(
    start=datetime(2031, 3, 3, 10, tzinfo=BERLIN),
    end=datetime(2031, 3, 3, 10, 45, tzinfo=BERLIN),
    title="Haircut",
    description="First line\nsecond; with, signs \\ and „quotes“",
    location="Salon, 2nd floor",
    timezone="Europe/Berlin",
)
CORPUS = (
    "plain", "Ümläute ß", "日本語の予定", "עברית וערבית العربية", "👩‍👩‍👧 family 🇩🇪", "a\nb", "a\r\nb", "semi;colon, comma", "back\\slash \\n", '"quoted"', "'single'",
    "<b>bold</b> & <script>alert(1)</script>", "{{ settings.SECRET_KEY }}", "%customer_name%", "{0.__class__}", "x" * 900, "ü" * 300, "BEGIN:VEVENT", "END:VCALENDAR\nATTENDEE:mailto:x@example.com",
    "tab\there", "a  b   c", "http://example.com/?a=1&b=2", "1/2", "é decomposed e\u0301", "\u200bzero width", "no\u00a0break", "ﬁ ligature", "-- ", "#hash", "=1+1", "@at", "…", "I\u0307",
    "\U0001d54f math", "null", "None", "0", "a:b;c=d", "^n caret",
)  # fmt: skip


class World(Protocol):
    """How the tests act at the other side. Each test has its own, with an empty calendar."""

    calendar: str

    def provider(self) -> Provider:
        """A fresh one for the account."""

    def put(self, item: Event, *exceptions: Event) -> str:
        """A person enters an event (with the exceptions of its series); its remote id."""

    def edit(self, remote_id: str, **changes: Any) -> None:
        """A person changes fields of an event by another client."""

    def remove(self, remote_id: str) -> None:
        """A person deletes an event."""

    def decorate(self, remote_id: str) -> None:
        """Another program adds what we don't know: own properties, a reminder, a guest called foreign@example.com."""

    def decorations(self, remote_id: str) -> Collection[str]:
        """What is there of that now."""

    def fail(self, kind: str, after: int | None = None) -> None:
        """The next writing call: "lost-answer" (done, answer lost), "lost-call" (not done); the next call of any kind: "busy"."""

    def forget_cursors(self) -> str:
        """Makes all cursors void; returns one that is void."""

    def writes(self) -> int:
        """How often the provider has changed something."""


def read(provider: Provider, calendar: str, cursor: str = "", window: Window = WINDOW) -> tuple[dict[str, Change], str, bool]:
    """All changes by id, the new cursor, and whether it was a full listing."""
    found: dict[str, Change] = {}
    pages = list(provider.changes(calendar, cursor, window))
    assert [page.last for page in pages] == [False] * (len(pages) - 1) + [True]
    assert pages[-1].cursor
    assert not any(page.cursor for page in pages[:-1])
    for page in pages:
        found |= {change.remote_id: change for change in page.changes}
    return found, pages[-1].cursor, pages[-1].full
