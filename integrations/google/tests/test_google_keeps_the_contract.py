"""Google keeps the contract, on a local server that holds requests against Google's own description."""

from __future__ import annotations

import pytest

from integrations.testing.contract import ProviderContract

pytestmark = pytest.mark.once


class TestGoogle(ProviderContract):
    """The world is the folder's."""
