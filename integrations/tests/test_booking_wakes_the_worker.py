"""A booking sends one message, whatever has to be done afterwards; the worker passes it on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from queue import Empty
from typing import Any

import pytest
import time_machine
from celery import current_app
from django.db import transaction

from booking.errors import SlotTaken
from booking.models import Employee, Message, Service
from booking.wake import wake
from integrations.models import Outgoing
from integrations.testing.stage import Stage, stage

FRIDAY = datetime(2026, 2, 27, 9, tzinfo=UTC)
NINE = datetime(2026, 3, 2, 8, tzinfo=UTC)  # in Berlin, on Monday
TEN = NINE.replace(hour=9)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def place(employee: Employee) -> Iterator[Stage]:
    service = Service.objects.create(name="Haircut", duration=30, price=20)
    service.employees.add(employee)
    with time_machine.travel(FRIDAY, tick=False):
        yield stage(employee, service)


@pytest.fixture(autouse=True)
def nothing_waits() -> None:
    """Other tests send too, and nobody listens."""
    sent()


def sent() -> list[tuple[str, Any]]:
    """(task, arguments) of the messages that wait at the broker; they are taken from there."""
    found: list[tuple[str, Any]] = []
    with current_app.connection_for_write() as broker, broker.SimpleQueue("celery") as queue:
        while True:
            try:
                message = queue.get(block=False)
            except Empty:
                return found
            message.ack()
            found.append((message.headers["task"], message.payload[0]))


def test_one_message_is_sent_for_mails_and_calendars(place: Stage) -> None:
    """Red when each of them sends its own."""
    place.book(NINE, now=FRIDAY)
    mails, calendar = ["booking.tasks.send_messages", []], ["integrations.tasks.drain", [place.link.pk]]
    ((task, arguments),) = sent()
    assert (task, arguments) == ("booking.tasks.wake_each", [[mails, calendar]])
    current_app.tasks[task](*arguments)
    assert [list(call) for call in sent()] == [mails, calendar]


def test_what_is_undone_wakes_nobody(place: Stage) -> None:
    """Also when what is around it is kept. Red when the calls of a transaction are kept apart from its savepoints."""
    with transaction.atomic():
        place.book(NINE, now=FRIDAY)
        with pytest.raises(SlotTaken):
            place.book(NINE, now=FRIDAY)
        with transaction.atomic():
            place.book(TEN, now=FRIDAY)
            transaction.set_rollback(True)
    assert Outgoing.objects.count() == 1
    assert Message.objects.filter(state=Message.State.OPEN).count() == 2
    ((_, arguments),) = sent()
    assert len(arguments[0]) == 2


def test_a_single_call_is_sent_as_it_is() -> None:
    wake([("integrations.tasks.drain", [7])])
    assert sent() == [("integrations.tasks.drain", [7])]
    wake([])
    assert sent() == []
