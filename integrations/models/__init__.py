"""The harbour's tables."""

from __future__ import annotations

from integrations.models.account import Account, Installation
from integrations.models.client import OAuthClient
from integrations.models.history import FieldChange, Run
from integrations.models.link import Link
from integrations.models.outgoing import Outgoing
from integrations.models.pair import Pair
from integrations.models.plan import Plan
from integrations.models.reminder import Reminder
from integrations.models.rule import Rule
from integrations.models.subscription import Subscription
from integrations.models.webhook import WebhookTarget

__all__ = [
    "Account",
    "FieldChange",
    "Installation",
    "Link",
    "OAuthClient",
    "Outgoing",
    "Pair",
    "Plan",
    "Reminder",
    "Rule",
    "Run",
    "Subscription",
    "WebhookTarget",
]
