"""A local Google for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from integrations.google.tests.world import GoogleWorld
from integrations.testing.servers.google import GoogleServer, google


@pytest.fixture
def server(settings) -> Iterator[GoogleServer]:
    with google() as running:
        settings.GOOGLE_API_ROOT = settings.GOOGLE_OAUTH_ROOT = running.address
        yield running


@pytest.fixture
def world(server: GoogleServer) -> Iterator[GoogleWorld]:
    made = GoogleWorld(server)
    yield made
    made.http.close()
