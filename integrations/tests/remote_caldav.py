"""A calendar at a real Radicale with the verbs of the memory server; what breaks on the way there breaks in a proxy."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock
from urllib.parse import urlsplit
from uuid import uuid4

import icalendar
from defusedxml.ElementTree import fromstring
from django.test import override_settings

from integrations.caldav.tests.world import CaldavWorld
from integrations.items import Event
from integrations.models import Account
from integrations.testing.faults import FaultPlan
from integrations.testing.proxy import Fault, proxy
from integrations.testing.servers import radicale
from integrations.tests.remotes import Remote, Seen
from integrations.wire.dav import Dav
from integrations.wire.http import Answer

EVENTS = """<c:calendar-query xmlns:c="urn:ietf:params:xml:ns:caldav" xmlns:d="DAV:">
<d:prop><d:getetag/><c:calendar-data/></d:prop><c:filter><c:comp-filter name="VCALENDAR"/></c:filter></c:calendar-query>"""
DATA, TAG, HREF = "{urn:ietf:params:xml:ns:caldav}calendar-data", "{DAV:}getetag", "{DAV:}href"
METHODS = {"create": "PUT", "update": "PUT", "delete": "DELETE", "many": "PUT DELETE"}


class CaldavRemote(Remote):
    """A person's calendar in `world`; `folder` is where the server keeps it."""

    def __init__(self, world: CaldavWorld, folder: Path) -> None:
        super().__init__()
        self.world, self.remote = world, world.calendar
        self.folder = folder / "collections" / "collection-root" / urlsplit(world.direct).path.strip("/")
        self.done, self.known = 0, (-1, -1)
        self.between: Callable[[], object] | None = None
        self.found: dict[str, Seen] = {}

    def account(self, user: Any) -> Account:
        server = self.world.server
        return Account.objects.create(
            user=user, provider="caldav", server=self.world.proxy.address, username=server.username, secrets={"password": server.password}
        )

    @property
    def requests(self) -> int:  # type: ignore[override]
        return len(self.world.proxy.calls)

    @property
    def writes(self) -> int:
        return self.world.writes()

    @property
    def events(self) -> dict[str, Seen]:
        """Asked for once until somebody speaks to the server again."""
        if (now := (self.requests, self.done)) != self.known:
            answer = self.world.http.request("REPORT", self.world.direct, content=EVENTS, headers={"Depth": "1", "Content-Type": "application/xml"})
            rows = [tuple(row.findtext(f".//{name}") or "" for name in (HREF, TAG, DATA)) for row in fromstring(answer.content)]
            self.found, self.known = {href: Seen(_item(data), tag) for href, tag, data in rows}, now
        return self.found

    def put(self, calendar: str, item: Event) -> str:
        self.done += 1
        return self.world.put(item)

    def edit(self, calendar: str, remote_id: str, **changes: Any) -> None:
        self.done += 1
        self.world.edit(remote_id, **changes)

    def touch(self, calendar: str, remote_id: str) -> None:
        """A client saves it anew."""
        self.edit(calendar, remote_id, touched=uuid4().hex)

    def remove(self, calendar: str, remote_id: str) -> None:
        self.done += 1
        self.world.remove(remote_id)

    def forget_cursors(self) -> None:
        shutil.rmtree(self.folder / ".Radicale.cache" / "sync-token", ignore_errors=True)

    def kept(self) -> Path:
        return Path(shutil.copytree(self.folder, self.folder.with_name(f".kept-{uuid4().hex}")))

    def restore(self, kept: Path) -> None:
        shutil.rmtree(self.folder)
        shutil.copytree(kept, self.folder)
        self.done += 1
        self.faults, self.meanwhile = FaultPlan(after=30), []

    def happens(self, method: str, moment: str) -> None:
        """What happens before a write does so between the provider's look at the event and its writing: there a precondition is all that helps."""
        if moment == "before" and method in METHODS:
            place = next((place for place, (wanted, when, _) in enumerate(self.meanwhile) if (wanted, when) == (method, moment)), None)
            self.between = self.meanwhile.pop(place)[2] if place is not None else None
        else:
            super().happens(method, moment)

    def sending(self, method: str) -> None:
        if self.between and method in ("PUT", "DELETE"):
            act, self.between = self.between, None
            act()

    def arm(self, method: str, fault: str, *, batch: bool = False) -> None:
        on = METHODS.get(method, "GET REPORT PROPFIND")
        kinds = {
            "lose-before": Fault("cut-before", on),
            "lose-after": Fault("cut", on),
            "busy": Fault("status", on, after=f"{self.faults.after or 0:.0f}"),
            "stale": Fault("status", on, status=412),
        }
        if fault == "expired":
            self.forget_cursors()
        elif fault in kinds:
            self.world.proxy.then(kinds[fault])

    def disarm(self) -> None:
        self.world.proxy.faults.clear()
        self.between = None


def _item(text: str) -> Event:
    event = icalendar.Calendar.from_ical(text).walk("VEVENT")[0]
    free = event.get("transp") == "TRANSPARENT"
    return Event(
        event.decoded("dtstart"),
        event.decoded("dtend"),
        key=str(event.get("x-kalends-key", "")),
        title=str(event.get("summary", "")),
        show_as="free" if free else "busy",
    )


@contextmanager
def caldav_remote() -> Iterator[CaldavRemote]:
    with TemporaryDirectory() as folder, radicale(Path(folder)) as server, proxy(server.address) as between:
        world = CaldavWorld(server, between)
        remote, request = CaldavRemote(world, Path(folder)), Dav.request

        def watched_request(self: Dav, method: str, *args: Any, **options: Any) -> Answer:
            remote.sending(method)
            return request(self, method, *args, **options)

        with override_settings(KALENDS_PRIVATE_HOSTS=["127.0.0.1"]), mock.patch.object(Dav, "request", watched_request):
            yield remote
        world.http.close()
