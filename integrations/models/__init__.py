"""The harbour's tables."""

from __future__ import annotations

from integrations.models.account import Account, Installation
from integrations.models.history import FieldChange, Run
from integrations.models.link import Link
from integrations.models.outgoing import Outgoing
from integrations.models.pair import Pair
from integrations.models.rule import Rule

__all__ = ["Account", "FieldChange", "Installation", "Link", "Outgoing", "Pair", "Rule", "Run"]
