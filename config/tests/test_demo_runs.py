"""The demo starts everything, restarts what dies, keeps its data and ends all its processes. It is started twice: what these tests do goes on."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest

from config.demo.ground import PASSWORD, PORTS, ROOT, Ground
from config.tests.test_demo import free_port

pytestmark = [pytest.mark.once, pytest.mark.xdist_group("demo")]

T = TypeVar("T")


@dataclass
class Demo:
    """The running one, and what it has printed when it was ready."""

    process: subprocess.Popen[str]
    printed: str


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    return Ground(tmp_path_factory.mktemp("demo") / "demo", {name: free_port() for name in PORTS})


def start(ground: Ground) -> subprocess.Popen[str]:
    environment = os.environ | {"DEMO_FOLDER": str(ground.folder)} | {name: str(port) for name, port in ground.ports.items()}
    return subprocess.Popen([sys.executable, "-m", "config.demo"], cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def end(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=40)


def read_until(demo: subprocess.Popen[str], wanted: str) -> str:
    """What the demo printed up to the line with `wanted`; fails with all of it when the demo ends first."""
    assert demo.stdout is not None
    lines: list[str] = []
    for line in demo.stdout:
        lines.append(line)
        if wanted in line:
            return "".join(lines)
    raise AssertionError("".join(lines))


@pytest.fixture(scope="module")
def demo(ground: Ground) -> Iterator[Demo]:
    process = start(ground)
    try:
        yield Demo(process, read_until(process, "Logs"))
    finally:
        end(process)


@pytest.fixture
def second(ground: Ground, demo: Demo) -> Iterator[subprocess.Popen[str]]:
    """The next start, with the same data."""
    end(demo.process)
    process = start(ground)
    yield process
    end(process)


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


def sign_in(browser: Any, ground: Ground, name: str) -> Any:
    page = browser.new_context(base_url=ground.site_url, locale="en-GB").new_page()
    page.goto("/account/login/?next=/profile/calendars/")
    page.fill("input[name=login]", name)
    page.fill("input[name=password]", PASSWORD)
    page.click("main form button[type=submit]")
    return page


def connect(page: Any, provider: str, who: str) -> None:
    """From the profile to the consent page and back, then what is suggested to be used of the account."""
    page.click(f"form[action='/profile/calendars/connect/{provider}/'] button")
    page.get_by_label(who).check()
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url("**/profile/calendars/#account-*")
    card = page.locator(f"#{page.url.partition('#')[2]}")
    card.get_by_role("link", name="Choose calendars").click(timeout=60_000)  # comes when the account has been looked at
    page.get_by_role("button", name="See what will happen").click()
    page.get_by_role("button", name="Confirm").click(timeout=60_000)
    page.wait_for_load_state()


def came_back(page: Any, ground: Ground, time: str) -> int:
    """How often the sync history has a change to this time that comes from the calendar."""
    page.goto(f"{ground.site_url}/profile/history/")
    return int(page.locator("main li", has_text="from the calendar").filter(has_text=time).count())


def heard(ground: Ground) -> int:
    """How many calls that tell of changes the web server has taken."""
    return len(re.findall(r"POST /hooks/\S+ 20[02] ", (ground.log_folder / "web.log").read_text()))


@pytest.mark.browser
@pytest.mark.feature("B11")
def test_what_is_booked_is_in_google_and_outlook_and_what_is_moved_there_comes_back(browser: Any, ground: Ground, demo: Demo) -> None:
    """Seen red with GOOGLE_ACCOUNTS_ROOT taken out of the demo's environment."""
    for name, provider, person, service, address in (
        ("employee", "google", "Emma Weber", "Color & Gloss", ground.google_url),
        ("colleague", "outlook", "Carl Vogel", "Beard Trim", ground.outlook_url),
    ):
        assert address in demo.printed
        before = heard(ground)
        page = sign_in(browser, ground, name)
        connect(page, provider, person)
        _guest, start = book(ground, service)
        page.goto(f"{address}/?day={start[:10]}")
        page.get_by_label("Calendar of").select_option(label=person)
        page.get_by_role("button", name="Show").click()
        page.get_by_role("link", name=f"{service} – Clara Kunde").click(timeout=60_000)  # the page shows by itself what has come
        assert page.get_by_label("Begins").input_value() == start[:16]
        page.get_by_label("Begins").fill(f"{start[:10]}T07:15")
        page.get_by_role("button", name="Save").click()
        assert wait_for(partial(came_back, page, ground, "7:15")) == 1
        wait_for(lambda before=before: heard(ground) > before)  # type: ignore[misc]  # it was told, not only asked
        page.context.close()


needs_proc = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs Linux's /proc")


@needs_proc
def test_it_starts_all_restarts_a_killed_worker_and_ends_all(ground: Ground, demo: Demo) -> None:
    assert ground.site_url in demo.printed
    assert ground.caldav_url in demo.printed
    assert "employee / demo" in demo.printed

    services = httpx.get(f"{ground.site_url}/api/v1/services/", timeout=20, trust_env=False)
    assert services.status_code == 200
    assert "Classic Cut" in services.text
    calendar = f"{ground.caldav_url}/employee/calendar/"
    assert httpx.request("PROPFIND", calendar, auth=("employee", "demo"), timeout=20, trust_env=False).status_code == 207
    assert httpx.request("PROPFIND", calendar, auth=("colleague", "demo"), timeout=20, trust_env=False).status_code == 403

    worker = next(pid for pid in processes_of(ground) if b"\0worker\0" in Path(f"/proc/{pid}/cmdline").read_bytes())
    os.kill(os.getpgid(worker), signal.SIGKILL)
    assert "worker ended" in read_until(demo.process, "is started again")

    demo.process.send_signal(signal.SIGINT)
    assert demo.process.wait(timeout=40) == 0
    assert processes_of(ground) == []


@needs_proc
def test_it_works_on_when_any_child_of_its_processes_is_killed_and_all_end_with_itself(ground: Ground, second: subprocess.Popen[str]) -> None:
    """Seen red with Celery's processes in place of threads (one died with the lock on the pipe), and with the clock inside the worker; without
    end_with_parent web and CalDAV server kept their ports."""
    read_until(second, "Logs")
    wait_for_mail(ground, book(ground)[0])
    grandchildren = [pid for pid in processes_of(ground) if parent_of(pid) != second.pid]
    # Neither worker nor clock has a part that nobody watches.
    clockwork = [pid for pid in grandchildren if b"celery" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    for pid in grandchildren:
        os.kill(pid, signal.SIGKILL)
    wait_for_mail(ground, book(ground)[0])
    assert clockwork == []
    second.kill()
    second.wait()
    wait_for(lambda: not processes_of(ground))
    ground.check_ports()
