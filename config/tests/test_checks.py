"""`manage.py check --deploy` looks at the broker, too."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator

import pytest
from django.core.checks import run_checks

pytestmark = pytest.mark.pure


class Redis(socketserver.ThreadingTCPServer):
    """Speaks as much of the protocol (RESP3) as is asked of it."""

    policy = "noeviction"
    daemon_threads = True


class _Session(socketserver.StreamRequestHandler):
    server: Redis

    def handle(self) -> None:
        while head := self.rfile.readline():
            words = [self.rfile.read(int(self.rfile.readline()[1:]) + 2).strip().upper() for _ in range(int(head[1:]))]
            said = f"# Memory\r\nmaxmemory_policy:{self.server.policy}\r\n"
            answers = {b"HELLO": "%1\r\n$5\r\nproto\r\n:3", b"INFO": f"${len(said)}\r\n{said}"}
            self.wfile.write(f"{answers.get(words[0], '+OK')}\r\n".encode())


@pytest.fixture
def broker(settings) -> Iterator[Redis]:
    with Redis(("127.0.0.1", 0), _Session) as server:
        settings.CELERY_BROKER_URL = f"redis://127.0.0.1:{server.server_address[1]}/0"
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield server
        server.shutdown()


def found() -> list[str]:
    return [str(one.id) for one in run_checks(include_deployment_checks=True) if str(one.id).startswith("config.")]


def test_a_redis_that_throws_tasks_away_is_told_of(broker: Redis):
    """Seen red with the policy left unread."""
    assert found() == []
    broker.policy = "allkeys-lru"
    assert found() == ["config.W002"]


def test_a_broker_that_does_not_answer_is_told_of(settings):
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
    assert found() == ["config.W001"]
    settings.CELERY_BROKER_URL = "amqp://127.0.0.1:1//"
    assert found() == []
