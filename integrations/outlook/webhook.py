"""Reads what Graph calls to tell us ("Receive change notifications through webhooks"), without the SDK: web processes do that."""

from __future__ import annotations

import json
from collections.abc import Mapping

from integrations.contract import Call, Notice

# "Reduce missing subscriptions and change notifications": these come for a subscription that ends, or that has left something out.
ENDING = frozenset({"reauthorizationRequired", "subscriptionRemoved"})
LIFECYCLE = ENDING | {"missed"}


def greeting(query: Mapping[str, str]) -> str | None:
    """What is to be sent back as text/plain with 200 within ten seconds, before a subscription is made; None for what is no such question."""
    return query.get("validationToken") or None


def notices(body: bytes) -> list[Notice]:
    """What a call says; nothing for what is no notification of Graph's. One call may speak of several subscriptions, and of one several times."""
    try:
        rows = json.loads(body)["value"]
        found = {(str(row["subscriptionId"]), str(row.get("clientState") or ""), str(row.get("lifecycleEvent") or "")) for row in rows}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return []
    known = [one for one in sorted(found) if not one[2] or one[2] in LIFECYCLE]
    return [Notice(name, token, renew=event in ENDING, missed=event == "missed") for name, token, event in known]


def hear(call: Call) -> str | list[Notice]:
    asked = greeting(call.query)
    return notices(call.body) if asked is None else asked
