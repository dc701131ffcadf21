"""Posts one piece of news to one target, under the one outbound policy."""

from __future__ import annotations

import json
from dataclasses import replace

from django.utils import timezone

from booking.models import Message
from booking.notifications.channels import Undeliverable
from booking.notifications.rendering import message_id
from integrations.channel import signing
from integrations.channel.payload import payload
from integrations.contract import Retry
from integrations.models import WebhookTarget
from integrations.wire.address import policy
from integrations.wire.http import Client

# A receiver notes it and answers; what it does about it is its own affair.
LIMITS = {"read": 10.0, "total": 15.0, "size": 64 * 1024}


def deliver(target: WebhookTarget, message: Message) -> None:
    """Raises Undeliverable when the receiver wants no more (410), else an error in plain words: nothing of the answer is kept but its status."""
    key = "msg_" + message_id(message).strip("<>").partition("@")[0]
    post(target, payload(message, timezone.now()), key)


def post(target: WebhookTarget, news: dict[str, object], key: str) -> None:
    body = json.dumps(news, ensure_ascii=False, separators=(",", ":")).encode()
    signed = signing.headers(target.secrets["secret"], key=key, timestamp=int(timezone.now().timestamp()), body=body)
    with Client(replace(policy(), **LIMITS)) as client:  # type: ignore[arg-type]
        answer = client.request("POST", target.url, headers={"Content-Type": "application/json", **signed}, content=body, follow=False)
    if answer.status == 410:
        raise Undeliverable("The receiver wants no more of these. (410)")
    if not 200 <= answer.status < 300:
        raise Retry(f"The receiver did not accept it. ({answer.status})")
