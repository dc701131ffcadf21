"""One real CalDAV server for all tests of a worker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from integrations.testing import servers
from integrations.testing.servers import Server


@pytest.fixture(scope="session")
def radicale(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with servers.radicale(tmp_path_factory.mktemp("radicale")) as server:
        yield server
