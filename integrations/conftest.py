"""Shared by the tests of pages and of access by consent."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture
def background() -> Iterator[None]:
    """Tasks run at once, as soon as the change that starts them is committed. Needs a test with real transactions."""
    from config.celery import app

    before, app.conf.task_always_eager = app.conf.task_always_eager, True
    yield
    app.conf.task_always_eager = before
