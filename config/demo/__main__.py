"""`python -m config.demo`: the demo from start to Ctrl-C; with --reset it throws its data away."""

from __future__ import annotations

import subprocess
import sys
import time

import httpx

from config.demo import caldav, tryout
from config.demo.ground import EMPLOYEES, PASSWORD, ROOT, Ground, MovedServer, PortTaken
from config.demo.supervisor import Child, Supervisor


def wait_for_page(ground: Ground, supervisor: Supervisor, *, patience: float = 60) -> None:
    """Until the web server answers anything at all (seconds)."""
    deadline = time.monotonic() + patience
    while not supervisor.stop.is_set():
        try:
            httpx.get(f"{ground.site_url}/account/login/", timeout=10, trust_env=False)
            return
        except httpx.TransportError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def run(ground: Ground) -> int:
    try:
        ground.check_ports()
        ground.prepare()
    except (PortTaken, MovedServer) as error:
        print(error, file=sys.stderr)
        return 1
    environment = ground.environment()
    supervisor = Supervisor()
    supervisor.listen()

    def start(name: str, command: list[str]) -> None:
        supervisor.start(Child(name=name, command=command, environment=environment, log=ground.log_folder / f"{name}.log"))

    try:
        start("caldav", caldav.configure(ground))
        for kind in tryout.KINDS:
            start(kind, tryout.command(ground, kind))
        caldav.create_calendars(ground)
        subprocess.run([sys.executable, "manage.py", "seed_demo"], cwd=ROOT, env=environment, check=True)
        address = f"127.0.0.1:{ground.ports['DEMO_PORT']}"
        web = [sys.executable, "-m", "gunicorn", "config.wsgi", "--preload", "--bind", address]
        start("web", [*web, "--worker-class", "gthread", "--workers", "2", "--threads", "4"])
        celery = [sys.executable, "-m", "celery", "-A", "config"]
        start("worker", [*celery, "worker", "--concurrency", "2", "--without-gossip", "--without-mingle", "--without-heartbeat"])
        # Not the worker's own clock (--beat): should that die, nobody would notice.
        start("beat", [*celery, "beat"])
        wait_for_page(ground, supervisor)
        if not supervisor.stop.is_set():
            print(announcement(ground), flush=True)
        supervisor.watch()
    except subprocess.CalledProcessError as error:
        # The command has said itself what is wrong, unless Ctrl-C ended it.
        return 0 if supervisor.stop.is_set() else error.returncode
    finally:
        supervisor.end()
    print("The demo has ended; its data is kept (make demo-reset starts anew).")
    return 0


def announcement(ground: Ground) -> str:
    accounts = "\n".join(f"              {name} / {PASSWORD}   calendar {caldav.calendar_url(ground, name)}" for name in EMPLOYEES)
    return f"""
Kalends is running. Ctrl-C ends it.

  Page        {ground.site_url}/
  Staff       {ground.site_url}/account/login/     admin: {ground.site_url}/admin/
  Accounts    admin / {PASSWORD}
{accounts}
  CalDAV      {ground.caldav_url}/   (same names and passwords)
  Google      {ground.google_url}/   a calendar to try: connect it at {ground.site_url}/profile/
  Outlook     {ground.outlook_url}/   likewise
  Mails       {ground.site_url}/demo/mail/   in {ground.folder / "mail"}
  Logs        {ground.log_folder}
"""


def main(arguments: list[str]) -> int:
    ground = Ground.from_environment()
    if "--reset" in arguments:
        try:
            ground.check_ports()
        except PortTaken as error:
            print(error, file=sys.stderr)
            return 1
        ground.reset()
        print(f"The demo's data is gone ({ground.folder}). `make demo` starts anew.")
        return 0
    return run(ground)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
