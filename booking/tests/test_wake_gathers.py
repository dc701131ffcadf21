"""What is woken within a moment is one message, and nobody waits for the broker."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import booking.wake
from booking.tasks import send_messages
from booking.wake import Call, wake_after_commit

pytestmark = pytest.mark.django_db(transaction=True)

MAILS = (send_messages.name, ())
# A program that wakes something as its last deed.
LAST_DEED = """
import django
django.setup()
from booking.tasks import send_messages
from booking.wake import wake_after_commit
wake_after_commit(send_messages)
"""


class Broker:
    """In place of the one that `wake` sends to: takes messages as long as it is `open`."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.open.set()
        self.messages: list[list[Call]] = []
        self.threads: list[threading.Thread] = []

    def take(self, calls: list[Call]) -> None:
        self.threads.append(threading.current_thread())
        assert self.open.wait(10)
        self.messages.append(calls)


@pytest.fixture
def broker(monkeypatch, settings) -> Broker:
    settings.WAKE_SECONDS = 0.05
    made = Broker()
    monkeypatch.setattr(booking.wake, "wake", made.take)
    return made


def until(true) -> bool:
    deadline = time.monotonic() + 10
    while not true() and time.monotonic() < deadline:
        time.sleep(0.01)
    return bool(true())


def idle() -> bool:
    return all(thread.name != "bell" for thread in threading.enumerate())


def test_many_are_one_message_and_each_is_woken_once(broker):
    """Red when each transaction sends its own."""
    for number in (1, 2, 1):
        wake_after_commit(send_messages)
        wake_after_commit(send_messages, number)
    assert until(idle)
    assert broker.messages == [[MAILS, (send_messages.name, (1,)), (send_messages.name, (2,))]]


def test_what_comes_while_a_message_is_sent_is_the_next_one_and_nobody_waits(broker):
    """Red when it is sent by whoever woke, when what came meanwhile is forgotten, and when a broker that hangs gets a thread for each message."""
    broker.open.clear()
    wake_after_commit(send_messages)
    assert until(lambda: broker.threads)
    for number in range(3):
        wake_after_commit(send_messages, number)
        time.sleep(0.1)
    broker.open.set()
    assert until(idle)
    assert broker.messages == [[MAILS], [(send_messages.name, (number,)) for number in range(3)]]
    assert len(set(broker.threads)) == 1
    assert threading.current_thread() not in broker.threads


def test_a_program_that_ends_sends_first(tmp_path: Path):
    """Red when the thread is a daemon."""
    environment = {name: value for name, value in os.environ.items() if name not in ("KALENDS_TESTING", "CELERY_BROKER_URL", "DATABASE_URL")}
    environment |= {"DEBUG": "1", "DJANGO_SETTINGS_MODULE": "config.settings", "KALENDS_VAR_DIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", LAST_DEED], env=environment, check=True, timeout=60)
    (message,) = (tmp_path / "broker" / "queue").iterdir()
    assert send_messages.name in message.read_text()
