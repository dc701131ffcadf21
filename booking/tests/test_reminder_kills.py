"""A worker is killed at each point of reminding, and every task is delivered twice: a mail server counts what arrives."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from booking.models import Message, Reminder
from booking.notifications import reminders, sending
from booking.tests.mails import CLARA, at_once, booking
from booking.tests.mailserver import MailServer, running
from booking.tests.salon import make_employee, make_service

pytestmark = pytest.mark.django_db(transaction=True)

EVE = "eve@salon.example"
# What the worker does, and how it dies: by a signal that nothing can catch, when it comes to the point named.
WORKER = """
import os, signal, sys
from unittest import mock
import django
django.setup()
import time_machine
from datetime import datetime
from django.core.mail import EmailMultiAlternatives
from booking import tasks
from booking.notifications import reminders, sending

def die(*args, **options):
    os.kill(os.getpid(), signal.SIGKILL)

def dies_after(function):
    def run(*args, **options):
        function(*args, **options)
        die()
    return run

point, now = sys.argv[1], datetime.fromisoformat(sys.argv[2])
PATCHES = {
    "found": (reminders, "_reopen", die),
    "written": (reminders, "write_due", dies_after(reminders.write_due)),
    "claimed": (sending, "_needless", die),
    "made": (EmailMultiAlternatives, "send", die),
    "answered": (EmailMultiAlternatives, "send", dies_after(EmailMultiAlternatives.send)),
    "noted": (sending, "send_one", dies_after(sending.send_one)),
}
with time_machine.travel(now, tick=True):
    if point in PATCHES:
        place, name, doing = PATCHES[point]
        mock.patch.object(place, name, doing).start()
    for _ in range(2):
        tasks.remind()
        tasks.send_messages()
"""


@pytest.fixture
def server(settings):
    with running() as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", server.port, 5
        yield server


def start_worker(server: MailServer, folder: Path, point: str, now: datetime) -> subprocess.Popen[bytes]:
    entry = connection.settings_dict
    login = f"{entry['USER']}{':' + entry['PASSWORD'] if entry['PASSWORD'] else ''}"
    database = f"sqlite:///{entry['NAME']}" if connection.vendor == "sqlite" else f"postgres://{login}@{entry['HOST']}:{entry['PORT'] or 5432}/{entry['NAME']}"
    wanted = {"DJANGO_SETTINGS_MODULE": "config.testing", "DATABASE_URL": database, "KALENDS_VAR_DIR": str(folder)}
    script = (
        f"import config.testing as s; s.EMAIL_BACKEND = 'django.core.mail.backends.smtp.EmailBackend'; s.EMAIL_HOST = '127.0.0.1'; s.EMAIL_PORT = {server.port}"
    )
    return subprocess.Popen([sys.executable, "-c", f"{script}\n{WORKER}", point, now.isoformat()], env=os.environ | wanted)


@pytest.mark.feature("P11")
@pytest.mark.parametrize(("point", "repeated"), [("found", 0), ("written", 0), ("claimed", 0), ("made", 0), ("answered", 1), ("noted", 0), ("never", 0)])
def test_each_reminder_arrives_once_wherever_the_worker_is_killed(server: MailServer, tmp_path: Path, point: str, repeated: int):
    """Red when the reminder is sent straight from the search, when its row is noted as sent before the server has it (lost), or when its message is not one
    per rule, booking and time (doubled). Only a kill between the server's answer and our note of it repeats one mail, with the same Message-ID."""
    attendance = booking(service=make_service(make_employee("Eve", language="en")))
    Message.objects.update(state=Message.State.SENT)
    Reminder.objects.create(hours=24)
    Reminder.objects.create(hours=20, audience="employee")
    now = attendance.appointment.start - timedelta(hours=10)
    worker = start_worker(server, tmp_path, point, now)
    assert worker.wait(60) == (0 if point == "never" else -signal.SIGKILL)
    # Others, once the lease of the dead one has ended: two at once, and each task twice.
    after = now + sending.LEASE + timedelta(minutes=1)
    at_once(2, lambda: [(reminders.write_due(after), sending.send_due(after)) for _ in range(2)])
    copies = Counter(mail["Message-ID"] for mail in server.mails)
    assert len(copies) == 2
    assert sorted(copies.values()) == [1, 1 + repeated]
    assert {mail["To"] for mail in server.mails} == {CLARA, EVE}
    assert list(Message.objects.filter(kind="reminder").values_list("state", flat=True)) == ["sent", "sent"]
    assert timezone.now() < now
