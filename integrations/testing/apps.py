"""The provider in memory announces itself; only the test settings install it."""

from __future__ import annotations

from integrations.contract import Capabilities, ProviderConfig


class MemoryConfig(ProviderConfig):
    name = "integrations.testing"
    label = "memory"
    provider_id = "memory"
    provider_class = "integrations.testing.memory.MemoryProvider"
    provider_label = "Memory"
    connects_by = "password"
    capabilities = Capabilities(batch=3, silent_attendees=True, creates_calendars=True)
