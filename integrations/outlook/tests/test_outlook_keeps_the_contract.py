"""Outlook keeps the contract on a server that speaks Graph."""

from __future__ import annotations

import pytest

from integrations.testing.contract import ProviderContract

pytestmark = pytest.mark.once


class TestOutlook(ProviderContract):
    """The fixture `world` is the folder's."""
