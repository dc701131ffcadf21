"""A broker with a visibility time-out delivers a task again while it still runs: one event and one mail all the same."""

from __future__ import annotations

import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from booking.models import Message
from booking.tasks import send_messages
from booking.tests.mailserver import MailServer, running
from config.celery import app
from config.suite import Services
from integrations.models import Outgoing
from integrations.tasks import drain
from integrations.testing.converged import assert_converged
from integrations.testing.servers import Server
from integrations.tests import desks
from integrations.tests.desks import WRITES, Office
from integrations.tests.workers import wait_until

pytestmark = [pytest.mark.once, pytest.mark.redis, pytest.mark.django_db(transaction=True)]

SLOW = 6  # seconds that a calendar or the mail server takes at least
VISIBLE = 2  # seconds until the broker gives a task to somebody else; threads are not ended by the time limit, which must be shorter
WORKER = ("worker", "--pool", "threads", "--without-gossip", "--without-mingle", "--without-heartbeat", "--concurrency")
# Celery looks every hundred seconds for what nobody has acknowledged.
ATTENTIVE = """
from config.celery import app
app.conf.broker_transport_options |= {"unacked_restore_interval": 0.5, "unacked_restore_throttle": 1}
"""


@pytest.fixture
def office(caldav_server: Server, caldav_proxy, settings) -> Iterator[Office]:
    with desks.opened(caldav_server, caldav_proxy, settings, acts=["create"]) as made:
        yield made


@pytest.fixture
def post() -> Iterator[MailServer]:
    with running() as server:
        yield server


def tasks(log: Path, state: str) -> set[str]:
    """Ids of the tasks that a worker has received, or that succeeded there."""
    return set(re.findall(rf"Task [\w.]+\[([\w-]+)\] {state}", log.read_text()))


@pytest.mark.parametrize("lease", [60, 5])
def test_a_task_that_is_delivered_again_while_it_runs_writes_one_event_and_sends_one_mail(
    office: Office, post: MailServer, tmp_path: Path, services: Services, settings, lease: int
):
    """F15 at each provider, F16. A lease of 5 s has run out when the second worker comes: it writes, and the first one finds that there. Seen red without
    the lease (60), with a fresh key for each attempt (5), and with mails that are sent by whoever finds them open."""
    limits = {"CELERY_VISIBILITY_TIMEOUT": f"{VISIBLE}", "CELERY_TASK_TIME_LIMIT": "1", "LEASE_SECONDS": f"{lease}"}
    mail = {"EMAIL_HOST": "127.0.0.1", "EMAIL_PORT": f"{post.port}", "EMAIL_TIMEOUT": "60"}
    slow = threading.Event()
    asked: list[list[str]] = []

    def answer(recipients: list[str]) -> str | None:
        asked.append(recipients)
        return None if slow.wait(60) else "451 later"

    post.answer = answer
    with desks.factory(office, tmp_path, services, settings, **limits, **mail) as factory, app.connection_for_write(url=factory.broker) as broker:
        office.hold("hold")
        office.act()
        before = office.writes()
        first = factory.start(*WORKER, f"{len(office.desks) + 1}")  # so it takes nothing a second time
        began = time.monotonic()
        drains = {str(drain.apply_async([desk.link.pk], connection=broker)) for desk in office.desks}
        mails = {str(send_messages.apply_async(connection=broker))}
        wait_until(lambda: office.held() and bool(asked), "everything is slow")
        overtaken = lease < SLOW
        time.sleep(max(0.0, began + (lease if overtaken else VISIBLE) + 0.2 - time.monotonic()))
        (tmp_path / "attentive.py").write_text(ATTENTIVE)
        factory.app, factory.more["PYTHONPATH"] = "attentive", str(tmp_path)
        second = factory.start(*WORKER, "12")
        wait_until(lambda: drains <= tasks(tmp_path / "celery-1.log", "succeeded"), "the second worker has been given the calendars, too")
        wait_until(lambda: mails <= tasks(tmp_path / "celery-1.log", "received"), "and the mails")
        time.sleep(max(0.0, began + SLOW - time.monotonic()))
        assert drains | mails <= tasks(tmp_path / "celery-0.log", "received")
        assert not tasks(tmp_path / "celery-0.log", "succeeded")
        assert office.writes() - before == (len(office.desks) if overtaken else 0)
        office.release()
        slow.set()
        wait_until(lambda: not Outgoing.objects.exists() and not Message.objects.exclude(state=Message.State.SENT).exists(), "all is done")
        for worker in (first, second):
            factory.stop(worker)
    assert office.there() == [desk.after() for desk in office.desks]
    assert office.writes() - before == len(office.desks)
    attempts = [method for proxy, _ in office.proxies for method, _path, _status in proxy.calls if method in WRITES.split()]
    assert len(attempts) == len(office.desks) * (2 if overtaken else 1)
    assert Counter(str(one["Message-ID"]) for one in post.mails) == dict.fromkeys((str(one["Message-ID"]) for one in post.mails), 1)
    assert len(post.mails) == Message.objects.count() == 2 * len(office.desks)
    assert_converged(office.writes)
