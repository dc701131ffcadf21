"""Reads what Google calls to tell us ("Push notifications"), without the SDK: web processes do that."""

from __future__ import annotations

from collections.abc import Mapping

from integrations.contract import Call, Notice

STATES = {"sync": False, "exists": True, "not_exists": True}  # sync greets a new channel


def notice(headers: Mapping[str, str]) -> Notice | None:
    """What the headers of a call say; None for what is no notification of Google's. The body is empty, and nothing in it would be believed."""
    channel, state = headers.get("X-Goog-Channel-ID", ""), headers.get("X-Goog-Resource-State", "")
    if not channel or state not in STATES:
        return None
    return Notice(channel, headers.get("X-Goog-Channel-Token", ""), STATES[state])


def hear(call: Call) -> list[Notice]:
    found = notice(call.headers)
    return [found] if found else []
