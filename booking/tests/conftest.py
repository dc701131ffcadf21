"""One shop for all contests, with those who contend in it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest

from booking.tests.contest import Contestants, Shop, open_shop

# How often all doors are tried at once.
DOOR_ROUNDS = 60 if os.environ.get("KALENDS_LONG") else 10


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory, django_db_setup: None, django_db_blocker: Any) -> Iterator[Shop]:
    with django_db_blocker.unblock(), open_shop(tmp_path_factory.mktemp("contest")) as shop:
        yield shop


@pytest.fixture(scope="session")
def known(shop: Shop) -> dict[str, Any]:
    """Ids of the services, of the employees and events, of who waits; and the deeds of the doors' rounds."""
    found: dict[str, Any] = json.loads(shop.python("-m", "booking.tests.contest_setup", str(DOOR_ROUNDS)))
    return found


@pytest.fixture(scope="session")
def contestants(shop: Shop, known: dict[str, Any]) -> Iterator[Contestants]:
    with Contestants(shop) as contestants:
        yield contestants
