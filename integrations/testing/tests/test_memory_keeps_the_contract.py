"""The provider in memory keeps the contract."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

import pytest

from integrations.contract import Provider
from integrations.items import Event, Person
from integrations.testing.accounts import Login
from integrations.testing.contract import ProviderContract
from integrations.testing.memory import MemoryProvider
from integrations.testing.memory_server import MemoryServer

pytestmark = pytest.mark.once


class MemoryWorld:
    def __init__(self) -> None:
        self.server = MemoryServer("contract")
        self.calendar = self.server.add_calendar("Work")

    def provider(self) -> Provider:
        return MemoryProvider(Login("contract"))

    def put(self, item: Event, *exceptions: Event) -> str:
        return self.server.put(self.calendar, item, *exceptions)

    def edit(self, remote_id: str, **changes: Any) -> None:
        self.server.edit(self.calendar, remote_id, **changes)

    def remove(self, remote_id: str) -> None:
        self.server.remove(self.calendar, remote_id)

    def decorate(self, remote_id: str) -> None:
        stored = self.server.calendar(self.calendar).events[remote_id]
        guests = (*stored.item.attendees, Person("foreign@example.com"))
        self.server.store(self.calendar, remote_id, replace(stored, item=replace(stored.item, attendees=guests), foreign={"colour": "red"}))

    def decorations(self, remote_id: str) -> Collection[str]:
        stored = self.server.calendar(self.calendar).events[remote_id]
        return [*stored.foreign.values(), *(one.email for one in stored.item.attendees)]

    def fail(self, kind: str, after: int | None = None) -> None:
        self.server.faults.after = after
        for method in ("create", "update", "delete") if kind != "busy" else ("changes",):
            self.server.faults.then({"lost-answer": "lose-after", "lost-call": "lose-before", "busy": "busy"}[kind], method)

    def forget_cursors(self) -> str:
        self.server.forget_cursors()
        return "m:0:1"

    def writes(self) -> int:
        return self.server.writes


class TestMemory(ProviderContract):
    @pytest.fixture
    def world(self) -> MemoryWorld:
        return MemoryWorld()
