"""The ways on which news goes out. E-mail is the first; others are registered beside it and get what it tells (docs/add-a-channel.md)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from django.utils.functional import Promise

from booking.models import Message


class Undeliverable(Exception):
    """Trying again won't help. The text says why, for the staff: plain words, never a secret."""


class Channel(Protocol):
    """`name` is kept with each message (20 characters at most), `label` is what people read."""

    @property
    def name(self) -> str: ...

    @property
    def label(self) -> str | Promise: ...

    def recipients(self, mail: Message) -> Iterable[tuple[Message.Audience, str]]:
        """Who gets over this channel what that mail tells: to whom, and the address as the channel knows it (254 characters at most). Asked when the mail
        is due, once for each mail, so also for reminders; the same answer may be asked for again, and counts once."""

    def send(self, message: Message) -> None:
        """Delivers it, or raises: Undeliverable for good, anything else to be called again later. What is delivered and not noted is delivered again,
        with the same `rendering.message_id`."""


_channels: dict[str, Channel] = {}


def register(channel: Channel) -> None:
    """Other apps do so when they are ready."""
    _channels[channel.name] = channel


def unregister(name: str) -> None:
    _channels.pop(name, None)


def others() -> list[Channel]:
    """Those beside e-mail."""
    return list(_channels.values())


def named(name: str) -> Channel:
    if name not in _channels:
        raise Undeliverable("This channel is not installed.")
    return _channels[name]


def label_of(name: str) -> str:
    return str(_channels[name].label) if name in _channels else name
