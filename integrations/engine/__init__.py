"""The one engine: reads, decides, does. The only caller of providers besides `connect`."""

from __future__ import annotations

from integrations.engine.pull import pull
from integrations.engine.push import drain
from integrations.engine.settle import answer_gone, settle_conflict

__all__ = ["answer_gone", "drain", "pull", "settle_conflict"]
