"""The one engine: reads, decides, does. The only caller of providers besides `connect`."""

from __future__ import annotations

from integrations.engine.pull import catch_up, pull
from integrations.engine.push import drain
from integrations.engine.settle import answer_gone, settle_conflict

__all__ = ["answer_gone", "catch_up", "drain", "pull", "settle_conflict"]
