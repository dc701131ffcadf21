"""The filesystem transport of the embedded set-up, with messages that appear whole or not at all."""

from __future__ import annotations

import time
import uuid
from pathlib import Path
from typing import Any

from kombu.exceptions import ChannelError
from kombu.transport import TRANSPORT_ALIASES, filesystem
from kombu.utils.json import dumps


class Channel(filesystem.Channel):
    """kombu opens a message's file under its final name and writes it afterwards: a worker that looks in between reads an empty message
    and dies of it."""

    def _put(self, queue: str, payload: Any, **kwargs: Any) -> None:  # type: ignore[override]
        place = Path(self.data_folder_out, f"{time.monotonic_ns() // 1_000_000}_{uuid.uuid4()}.{queue}.msg")
        draft = place.with_name(f"{place.name}.draft")
        try:
            draft.write_text(dumps(payload), encoding="utf-8")  # type: ignore[no-untyped-call]
            draft.replace(place)
        except OSError as error:
            raise ChannelError(f"Cannot add file {str(place)!r} to directory") from error


class Transport(filesystem.Transport):
    Channel = Channel


def install() -> None:
    """Addresses that begin with filesystem:// mean this transport from now on."""
    TRANSPORT_ALIASES["filesystem"] = f"{__name__}:Transport"
