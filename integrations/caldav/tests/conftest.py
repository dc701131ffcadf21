"""Real servers for these tests, each behind a proxy that can break calls."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from integrations.testing import servers
from integrations.testing.servers import Server


@pytest.fixture(scope="session")
def xandikos(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with servers.xandikos(tmp_path_factory.mktemp("xandikos")) as server:
        yield server


@pytest.fixture(autouse=True)
def allowed(settings):
    """The operator allows servers on this very machine."""
    settings.KALENDS_PRIVATE_HOSTS = ["127.0.0.1"]
