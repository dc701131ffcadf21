"""Being told of changes in a calendar: Graph's subscriptions ("subscription resource type")."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from django.utils.translation import gettext_noop as _

from integrations.contract import NeedsPerson, Provider, Subscription
from integrations.outlook import mapping
from integrations.outlook.bridge import Where
from integrations.outlook.errors import content, missing, problem, unreadable
from integrations.wire.http import Answer

LIVES = (timedelta(minutes=10_070), timedelta(minutes=4_230))  # what the service allows, and what its description says; some clouds allow less


class ListeningProvider(Provider):
    """The part of Outlook's provider that listens."""

    def _send(self, method: str, where: Where, *, body: Any = None) -> Answer:
        raise NotImplementedError

    def _rows(self, where: Where) -> Iterator[dict[str, Any]]:
        raise NotImplementedError

    def subscribe(self, calendar: str, address: str, token: str, life: timedelta) -> Subscription:
        """Graph asks `address` at once whether it may (see webhook.greeting). Some of its clouds allow less time than others."""
        for longest in LIVES:
            until = datetime.now(UTC) + min(life, longest)
            wanted = {"changeType": "created,updated,deleted", "resource": f"me/calendars/{quote(calendar, safe='')}/events", "clientState": token}
            wanted |= {"notificationUrl": address, "lifecycleNotificationUrl": address, "expirationDateTime": mapping.stamp(until)}
            answer = self._send("POST", lambda graph: graph.subscriptions, body=wanted)
            if answer.status == 409 and self._forget(address):
                answer = self._send("POST", lambda graph: graph.subscriptions, body=wanted)
            if answer.status != 400 or life <= LIVES[-1]:
                break
        if answer.status == 409:
            raise NeedsPerson(_("Somebody else here is already told of changes in this calendar."), code="rejected")
        return _subscription(content(answer))

    def _forget(self, address: str) -> bool:
        """Ends what an attempt whose answer got lost has left behind: "Create subscription" allows one only for an app and a resource (409). Its
        clientState is shown to nobody, so it can't be taken over."""
        left = [one for one in self._rows(lambda graph: graph.subscriptions) if one.get("notificationUrl") == address]
        for one in left:
            self.unsubscribe(Subscription(one["id"], "", datetime.now(UTC)))
        return bool(left)

    def renew(self, calendar: str, subscription: Subscription, address: str, token: str, life: timedelta) -> Subscription:
        """Graph prolongs, which also reauthorizes ("Reduce missing subscriptions and change notifications")."""
        for longest in LIVES:
            wanted = {"expirationDateTime": mapping.stamp(datetime.now(UTC) + min(life, longest))}
            answer = self._send("PATCH", lambda graph: graph.subscriptions.by_subscription_id(subscription.id), body=wanted)
            if answer.status != 400 or life <= LIVES[-1]:
                break
        return self.subscribe(calendar, address, token, life) if missing(answer) else _subscription(content(answer))

    def unsubscribe(self, subscription: Subscription) -> None:
        answer = self._send("DELETE", lambda graph: graph.subscriptions.by_subscription_id(subscription.id))
        if not missing(answer) and not 200 <= answer.status < 300:
            raise problem(answer)


def _subscription(row: dict[str, Any]) -> Subscription:
    try:
        return Subscription(str(row["id"]), str(row["resource"]), datetime.fromisoformat(row["expirationDateTime"]).astimezone(UTC))
    except (KeyError, TypeError, ValueError) as error:
        raise unreadable() from error
