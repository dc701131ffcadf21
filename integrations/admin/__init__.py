"""The back office of calendars: states to look at, the rules to edit, and what waits to be tried again. No secret appears anywhere."""

from __future__ import annotations

from integrations.admin import account, client, employee, history, outgoing, rule, webhook

__all__ = ["account", "client", "employee", "history", "outgoing", "rule", "webhook"]
