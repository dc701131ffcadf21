"""Graph's subscriptions ("subscription resource type"): asked for, validated, told of changes and of their own end, expired, ended."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit
from uuid import uuid4

import httpx

from integrations.testing.servers.callbacks import Callbacks
from integrations.testing.servers.graph_rules import Refusal, unreadable

Row = dict[str, Any]
SHORTEST = timedelta(minutes=45)  # less is raised to this
FIELDS = {"changeType", "notificationUrl", "lifecycleNotificationUrl", "resource", "expirationDateTime", "clientState", "latestSupportedTlsVersion"}


class Subscriptions(Callbacks):
    """`live` ones by id. `now` may be set. `longest` they may live. `shape` turns the calls that are to be made into those that are: drop, repeat,
    turn around. `sent`: the status of each answer, 0 for none."""

    def __init__(self) -> None:
        super().__init__()
        self.live: dict[str, Row] = {}
        self.now: Callable[[], datetime] = lambda: datetime.now(UTC)
        self.longest = timedelta(minutes=10_070)
        self.shape: Callable[[list[tuple[str, Row]]], list[tuple[str, Row]]] = list
        self.sent: list[int] = []

    def answer(self, method: str, name: str, given: Any, calendars: Mapping[str, Any]) -> Any:
        if method == "POST" and not name:
            return self._create(given, calendars)
        self._expire()
        if method == "GET" and not name:
            return {"value": [self._shown(row) for row in self.live.values()]}
        if name not in self.live:
            raise Refusal(404, "ResourceNotFound", "The object was not found.")
        if method == "DELETE":
            del self.live[name]
            return None
        if method == "PATCH" and isinstance(given, dict) and set(given) == {"expirationDateTime"}:
            self.live[name]["expirationDateTime"] = self._until(given["expirationDateTime"])
        return self._shown(self.live[name])

    def _shown(self, row: Row) -> Row:
        return {name: value for name, value in row.items() if name not in ("clientState", "calendar")}

    def _create(self, given: Any, calendars: Mapping[str, Any]) -> Row:
        if not isinstance(given, dict) or not set(given) <= FIELDS or not all(isinstance(value, str) for value in given.values()):
            raise unreadable("not a subscription")
        if not {"changeType", "notificationUrl", "resource", "expirationDateTime"} <= set(given) or not set(given["changeType"].split(",")) <= {
            "created",
            "updated",
            "deleted",
        }:
            raise Refusal(400, "InvalidRequest", "A required property is missing.")
        place = re.fullmatch(r"/?me/calendars/([^/]+)/events", given["resource"])
        if not place or unquote(place[1]) not in calendars:
            raise Refusal(404, "ResourceNotFound", "The resource is not there.")
        if len(given.get("clientState", "")) > 128:
            raise Refusal(400, "InvalidRequest", "clientState must be at most 128 characters.")
        until = self._until(given["expirationDateTime"])
        self._expire()
        for one in self.live.values():  # "Create subscription": duplicates aren't allowed, said with these words
            if (one["resource"], one["changeType"]) == (given["resource"], given["changeType"]):
                raise Refusal(409, "ObjectIdentifierInUse", f"Subscription Id {one['id']} already exists for the requested combination")
        for name in ("notificationUrl", "lifecycleNotificationUrl"):
            self._validate(given.get(name) or given["notificationUrl"])
        row = given | {"id": str(uuid4()), "expirationDateTime": until}
        self.live[row["id"]] = row | {"calendar": unquote(place[1])}
        return self._shown(row)

    def _until(self, text: str) -> str:
        try:
            wanted = datetime.fromisoformat(text)
        except ValueError:
            raise unreadable("expirationDateTime") from None
        if wanted > self.now() + self.longest:
            raise Refusal(400, "InvalidRequest", "Subscription expiration can only be so many minutes in the future.")
        return f"{max(wanted, self.now() + SHORTEST):%Y-%m-%dT%H:%M:%S.0000000Z}"

    def _validate(self, address: str) -> None:
        """ "Receive change notifications through webhooks": the address must send the decoded token back as text/plain."""
        token, place = f"Validation: Testing client application reachability <{uuid4()}> & more", urlsplit(address)
        if place.scheme != "https" and place.hostname not in ("127.0.0.1", "localhost"):  # only this server allows the latter
            raise Refusal(400, "InvalidRequest", "notificationUrl must be https.")
        try:
            found = httpx.post(f"{address}{'&' if place.query else '?'}{urlencode({'validationToken': token})}", timeout=10, trust_env=False)
        except httpx.HTTPError:
            raise Refusal(400, "ValidationError", "Subscription validation request timed out.") from None
        if found.status_code != 200 or not found.headers.get("content-type", "").startswith("text/plain") or found.text != token:
            raise Refusal(400, "ValidationError", "The server committed a protocol violation.")

    def tell(self, calendar: str, kind: str, remote_id: str) -> None:
        """Something changed in a calendar."""
        self._expire()
        data = {"@odata.type": "#Microsoft.Graph.Event", "id": remote_id}
        concerned = [one for one in self.live.values() if one["calendar"] == calendar and kind in one["changeType"].split(",")]
        self._send(
            [
                (one["notificationUrl"], {**self._row(one), "changeType": kind, "resource": f"Users/1/Events/{remote_id}", "resourceData": data})
                for one in concerned
            ]
        )

    def lifecycle(self, event: str) -> None:
        """reauthorizationRequired, subscriptionRemoved or missed, for all of them."""
        self._send([(one["lifecycleNotificationUrl"], {**self._row(one), "lifecycleEvent": event}) for one in self.live.values()])
        if event == "subscriptionRemoved":
            self.live = {}

    def _row(self, one: Row) -> Row:
        return {
            "subscriptionId": one["id"],
            "subscriptionExpirationDateTime": one["expirationDateTime"],
            "clientState": one.get("clientState"),
            "tenantId": "t",
        }

    def _expire(self) -> None:
        self.live = {name: one for name, one in self.live.items() if datetime.fromisoformat(one["expirationDateTime"]) > self.now()}

    def _send(self, calls: list[tuple[str, Row]]) -> None:
        for address, row in self.shape(calls):
            self.call(address, json={"value": [row]})

    def answered(self, given: Row, status: int) -> None:
        self.sent.append(status)
