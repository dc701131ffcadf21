"""The demo starts everything, restarts what dies, keeps its data and ends all its processes."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import httpx
import pytest

from config.demo.ground import PORTS, ROOT, Ground, MovedServer, PortTaken

pytestmark = [pytest.mark.once]

T = TypeVar("T")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    return Ground(tmp_path / "demo", {name: free_port() for name in PORTS})


def start(ground: Ground) -> subprocess.Popen[str]:
    environment = os.environ | {"DEMO_FOLDER": str(ground.folder)} | {name: str(port) for name, port in ground.ports.items()}
    return subprocess.Popen([sys.executable, "-m", "config.demo"], cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def read_until(demo: subprocess.Popen[str], wanted: str) -> str:
    """What the demo printed up to the line with `wanted`; fails with all of it when the demo ends first."""
    assert demo.stdout is not None
    lines: list[str] = []
    for line in demo.stdout:
        lines.append(line)
        if wanted in line:
            return "".join(lines)
    raise AssertionError("".join(lines))


@pytest.fixture
def demo(ground: Ground) -> Iterator[subprocess.Popen[str]]:
    process = start(ground)
    yield process
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=40)


def processes_of(ground: Ground) -> list[int]:
    """Ids of living processes whose environment names the demo's folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            environment = (entry / "environ").read_bytes()
            is_zombie = (entry / "stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
        except OSError:
            # It ended while we looked.
            continue
        if f"KALENDS_VAR_DIR={ground.folder}".encode() in environment and not is_zombie:
            found.append(int(entry.name))
    return found


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])


def wait_for(found: Callable[[], T], *, patience: float = 60) -> T:
    """What it finds as soon as that is anything."""
    deadline = time.monotonic() + patience
    while not (result := found()):
        assert time.monotonic() < deadline, f"not within {patience} s"
        time.sleep(0.2)
    return result


def book(ground: Ground, name: str = "Classic Cut") -> tuple[str, str]:
    """Somebody books the next free time by the API; their address, and the time. Nothing is free before the calendars have been read."""
    api = f"{ground.site_url}/api/v1"
    service = next(one for one in httpx.get(f"{api}/services/", timeout=20, trust_env=False).json() if one["name"] == name)
    start = wait_for(
        lambda: (httpx.get(f"{api}/slots/next/", params={"service": service["id"]}, timeout=20, trust_env=False).json()["slot"] or {}).get("start")
    )
    guest = {"first_name": "Clara", "last_name": "Kunde", "email": f"clara-{time.monotonic_ns()}@example.org"}
    answer = httpx.post(f"{api}/appointments/", json={"service": service["id"], "start": start, "customer": guest}, timeout=20, trust_env=False)
    assert answer.status_code == 201, answer.text
    return guest["email"], str(start)


def wait_for_mail(ground: Ground, address: str) -> None:
    wait_for(lambda: any(address in mail.read_text() for mail in (ground.folder / "mail").glob("*")))


needs_proc = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs Linux's /proc")


@needs_proc
def test_it_works_on_when_any_child_of_its_processes_is_killed_and_all_end_with_itself(ground: Ground, demo: subprocess.Popen[str]):
    """Seen red with Celery's processes in place of threads (one died with the lock on the pipe), and with the clock inside the worker; without
    end_with_parent web and CalDAV server kept their ports."""
    read_until(demo, "Logs")
    wait_for_mail(ground, book(ground)[0])
    grandchildren = [pid for pid in processes_of(ground) if parent_of(pid) != demo.pid]
    # Neither worker nor clock has a part that nobody watches.
    clockwork = [pid for pid in grandchildren if b"celery" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    for pid in grandchildren:
        os.kill(pid, signal.SIGKILL)
    wait_for_mail(ground, book(ground)[0])
    assert clockwork == []
    demo.kill()
    demo.wait()
    wait_for(lambda: not processes_of(ground))
    ground.check_ports()


@needs_proc
def test_it_starts_all_restarts_a_killed_worker_and_ends_all(ground: Ground, demo: subprocess.Popen[str]):
    printed = read_until(demo, "Logs")
    assert ground.site_url in printed
    assert ground.caldav_url in printed
    assert "employee / demo" in printed

    services = httpx.get(f"{ground.site_url}/api/v1/services/", timeout=20, trust_env=False)
    assert services.status_code == 200
    assert "Classic Cut" in services.text
    calendar = f"{ground.caldav_url}/employee/calendar/"
    assert httpx.request("PROPFIND", calendar, auth=("employee", "demo"), timeout=20, trust_env=False).status_code == 207
    assert httpx.request("PROPFIND", calendar, auth=("colleague", "demo"), timeout=20, trust_env=False).status_code == 403

    worker = next(pid for pid in processes_of(ground) if b"\0worker\0" in Path(f"/proc/{pid}/cmdline").read_bytes())
    os.kill(os.getpgid(worker), signal.SIGKILL)
    assert "worker ended" in read_until(demo, "is started again")

    demo.send_signal(signal.SIGINT)
    assert demo.wait(timeout=40) == 0
    assert processes_of(ground) == []


def test_a_taken_port_is_said_plainly(ground: Ground):
    with socket.socket() as other:
        other.bind(("127.0.0.1", ground.ports["DEMO_PORT"]))
        other.listen()
        with pytest.raises(PortTaken, match=f"Port {ground.ports['DEMO_PORT']} is taken.*DEMO_PORT"):
            ground.check_ports()
    ground.check_ports()


def test_keys_are_made_once_and_readable_only_by_the_owner(ground: Ground):
    ground.prepare()
    first = ground.environment()
    ground.prepare()
    assert ground.environment()["SECRET_KEY"] == first["SECRET_KEY"]
    assert (ground.folder / "keys.json").stat().st_mode & 0o077 == 0


def test_a_folder_of_an_older_version_gets_the_key_it_lacks(ground: Ground):
    """Red when a file that is there is left as it is."""
    ground.prepare()
    keys = ground.folder / "keys.json"
    older = {name: value for name, value in json.loads(keys.read_text()).items() if name != "TRYOUT_CLIENT_SECRET"}
    keys.write_text(json.dumps(older))
    ground.prepare()
    environment = ground.environment()
    assert environment["SECRET_KEY"] == older["SECRET_KEY"]
    assert environment["TRYOUT_CLIENT_SECRET"]


def test_a_calendar_server_that_would_move_is_said_plainly(ground: Ground):
    """Red when only the web server's port is compared."""
    ground.prepare()
    replace(ground, ports=ground.ports | {"DEMO_PORT": free_port()}).prepare()
    for name in ("DEMO_CALDAV_PORT", "DEMO_GOOGLE_PORT", "DEMO_OUTLOOK_PORT"):
        with pytest.raises(MovedServer, match=f"{name}={ground.ports[name]}.*demo-reset"):
            replace(ground, ports=ground.ports | {name: free_port()}).prepare()


def test_production_settings_of_the_shell_never_reach_the_demo(ground: Ground, monkeypatch):
    """Seen red with NOT_INHERITED emptied."""
    monkeypatch.setenv("DATABASE_URL", "postgres://production.example.org/real")
    monkeypatch.setenv("EMAIL_HOST", "mail.example.org")
    monkeypatch.setenv("GOOGLE_API_ROOT", "https://www.googleapis.com")
    ground.prepare()
    environment = ground.environment()
    assert "DATABASE_URL" not in environment
    assert "EMAIL_HOST" not in environment
    assert environment["GOOGLE_API_ROOT"] == ground.google_url


def test_reset_throws_everything_away(ground: Ground):
    ground.prepare()
    ground.reset()
    assert not ground.folder.exists()
    ground.reset()


@pytest.mark.django_db
def test_the_salon_is_seeded_once(settings):
    from booking.models import Service
    from config.demo import seed

    seed.salon()
    count = Service.objects.count()
    seed.salon()
    assert Service.objects.count() == count == 6
    assert all(service.employees.exists() for service in Service.objects.all())


@pytest.mark.django_db
def test_public_passwords_are_written_only_in_the_demo(settings):
    from django.contrib.auth.models import User
    from django.core.management import CommandError, call_command

    settings.KALENDS_DEMO = False
    with pytest.raises(CommandError, match="KALENDS_DEMO"):
        call_command("seed_demo")
    assert not User.objects.exists()


def test_the_announcement_names_no_secret(ground: Ground):
    from config.demo.__main__ import announcement

    ground.prepare()
    text = announcement(ground)
    assert not any(value in text for name, value in ground.environment().items() if re.search("KEY", name))
