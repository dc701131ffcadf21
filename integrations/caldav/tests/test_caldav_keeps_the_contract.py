"""CalDAV keeps the contract on two real servers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from integrations.caldav.tests.world import CaldavWorld
from integrations.caldav.tests.world import world as world_on
from integrations.testing.contract import ProviderContract
from integrations.testing.servers import Server

pytestmark = pytest.mark.once


class TestRadicale(ProviderContract):
    @pytest.fixture
    def world(self, radicale: Server) -> Iterator[CaldavWorld]:
        with world_on(radicale) as made:
            yield made


class TestXandikos(ProviderContract):
    @pytest.fixture
    def world(self, xandikos: Server) -> Iterator[CaldavWorld]:
        with world_on(xandikos) as made:
            yield made
