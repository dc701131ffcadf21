"""The demo's CalDAV server: Radicale with one account and one calendar for each employee."""

from __future__ import annotations

import sys
import time

import bcrypt
import httpx

from config.demo.ground import EMPLOYEES, PASSWORD, Ground

CONFIG = """\
[server]
hosts = 127.0.0.1:{port}
[auth]
type = htpasswd
htpasswd_filename = {folder}/users
htpasswd_encryption = bcrypt
[rights]
type = owner_only
[storage]
filesystem_folder = {folder}/collections
[logging]
level = warning
"""
MKCALENDAR = """\
<?xml version="1.0" encoding="utf-8"?>
<C:mkcalendar xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">
  <D:set><D:prop>
    <D:displayname>{name}</D:displayname>
    <C:supported-calendar-component-set><C:comp name="VEVENT"/></C:supported-calendar-component-set>
  </D:prop></D:set>
</C:mkcalendar>
"""


def configure(ground: Ground) -> list[str]:
    """Writes the server's files and returns the command that starts it."""
    folder = ground.folder / "caldav"
    folder.mkdir(exist_ok=True)
    users = folder / "users"
    if not users.exists():
        # The cheapest cost: the password is public anyway, and each request checks it.
        hashed = {name: bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode() for name in EMPLOYEES}
        users.write_text("".join(f"{name}:{value}\n" for name, value in hashed.items()))
        users.chmod(0o600)
    path = folder / "config"
    path.write_text(CONFIG.format(port=ground.ports["DEMO_CALDAV_PORT"], folder=folder))
    return [sys.executable, "-m", "radicale", "--config", str(path)]


def calendar_url(ground: Ground, name: str) -> str:
    return f"{ground.caldav_url}/{name}/calendar/"


def create_calendars(ground: Ground, *, patience: float = 20) -> None:
    """Waits until the server answers (seconds), then makes each employee's calendar where it is missing (RFC 4791, MKCALENDAR)."""
    deadline = time.monotonic() + patience
    for name in EMPLOYEES:
        with httpx.Client(auth=(name, PASSWORD), timeout=10, trust_env=False) as client:
            url = calendar_url(ground, name)
            while True:
                try:
                    found = client.request("PROPFIND", url, headers={"Depth": "0"})
                    break
                except httpx.TransportError:
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.1)
            if found.status_code == 404:
                client.request("MKCALENDAR", url, content=MKCALENDAR.format(name="Calendar"), headers={"Content-Type": "application/xml"}).raise_for_status()
            else:
                found.raise_for_status()
