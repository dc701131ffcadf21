"""Notification channels that really call back ("Push notifications"): registered, told in order, expired, stopped. What gets lost is said by `shape`."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from integrations.testing.servers.callbacks import Callbacks
from integrations.testing.servers.discovery import Refusal

Row = dict[str, Any]
LIFE = 7 * 86400  # seconds a channel of events lives at most


@dataclass
class Channel:
    id: str
    token: str
    address: str
    calendar: str
    resource: str
    expires: float  # seconds since 1970
    told: int = 0


class Channels(Callbacks):
    """`live` channels by id. `now` in seconds. `shape` turns the messages that are to be sent into those that are: drop, repeat, turn around. `sent`
    lists (channel, state, status of the answer, 0 for none)."""

    def __init__(self) -> None:
        super().__init__()
        self.live: dict[str, Channel] = {}
        self.used: set[str] = set()
        self.now: Callable[[], float] = time.time
        self.shape: Callable[[list[dict[str, str]]], list[dict[str, str]]] = list
        self.sent: list[tuple[str, str, int]] = []

    def watch(self, body: Row, calendar: str, root: str) -> Row:
        """Opens a channel and greets it. Raises Refusal."""
        name, address = str(body.get("id") or ""), str(body.get("address") or "")
        if not re.fullmatch(r"[A-Za-z0-9\-_+/=]{1,64}", name) or body.get("type") not in ("web_hook", "webhook"):
            raise Refusal(400, "invalid", "Invalid value for channel", location="resource.id")
        if len(str(body.get("token") or "")) > 256:
            raise Refusal(400, "invalid", "Invalid value for token", location="resource.token")
        if name in self.used:
            raise Refusal(400, "channelIdNotUnique", f"Channel id {name} not unique", location="resource.id")
        place = urlsplit(address)
        if place.scheme != "https" and place.hostname not in ("127.0.0.1", "localhost"):  # only this server allows the latter
            raise Refusal(400, "push.webhookUrlNotHttps", f"WebHook callback must be HTTPS: {address}")
        self.used.add(name)
        wanted = float(body["expiration"]) / 1000 if body.get("expiration") else self.now() + float((body.get("params") or {}).get("ttl", LIFE))
        channel = Channel(name, str(body.get("token") or ""), address, calendar, f"resource-{calendar}", min(wanted, self.now() + LIFE))
        self.live[name] = channel
        self._tell([channel], "sync")
        uri = f"{root}/calendar/v3/calendars/{calendar}/events?alt=json"
        row = {"kind": "api#channel", "id": name, "resourceId": channel.resource, "resourceUri": uri, "expiration": str(int(channel.expires * 1000))}
        return row | ({"token": channel.token} if channel.token else {})

    def stop(self, body: Row) -> None:
        """Raises Refusal for a channel that is not there."""
        channel = self.live.get(str(body.get("id")))
        if channel is None or channel.resource != body.get("resourceId"):
            raise Refusal(404, "channelUnknown", f"Channel '{body.get('id')}' not found for project")
        del self.live[channel.id]

    def changed(self, calendar: str) -> None:
        """Something changed in this calendar."""
        self.live = {name: one for name, one in self.live.items() if one.expires > self.now()}
        self._tell([one for one in self.live.values() if one.calendar == calendar], "exists")

    def _tell(self, channels: list[Channel], state: str) -> None:
        messages = []
        for one in channels:
            one.told += 1
            headers = {"Channel-ID": one.id, "Message-Number": str(one.told), "Resource-ID": one.resource, "Resource-State": state}
            headers |= {"Channel-Token": one.token} if one.token else {}
            messages.append({"address": one.address} | {f"X-Goog-{name}": value for name, value in headers.items()})
        for message in self.shape(messages):
            self.call(message["address"], headers={name: value for name, value in message.items() if name != "address"})

    def answered(self, given: Row, status: int) -> None:
        self.sent.append((given["headers"]["X-Goog-Channel-ID"], given["headers"]["X-Goog-Resource-State"], status))
