"""A server that speaks Graph, and the settings that lead there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from integrations.outlook.tests.world import OutlookWorld
from integrations.outlook.tests.world import world as world_on


@pytest.fixture
def world(settings) -> Iterator[OutlookWorld]:
    with world_on() as made:
        settings.GRAPH_ROOT = made.server.address
        settings.KALENDS_PRIVATE_HOSTS = ["127.0.0.1"]
        yield made
