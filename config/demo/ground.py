"""What the demo stands on: its folder, keys, ports and the environment of its processes."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.keys import make_keys

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "demo"
# Account, the same here and at the CalDAV server -> first and last name.
EMPLOYEES = {"employee": ("Emma", "Weber"), "colleague": ("Carl", "Vogel")}
# Set for production or by hand, these would lead the demo to somebody's real data.
NOT_INHERITED = (
    "DEBUG",
    "DATABASE_URL",
    "CELERY_BROKER_URL",
    "CACHE_URL",
    "ALLOWED_HOSTS",
    "CSRF_TRUSTED_ORIGINS",
    "KALENDS_TESTING",
    "REQUIRE_STAFF_MFA",
    "TRUSTED_PROXY_COUNT",
    "SECURE_SSL_REDIRECT",
    "EMAIL_HOST",
    "PUSH_ADDRESS",
)
# Variable -> port, where it says nothing.
PORTS = {"DEMO_PORT": 8000, "DEMO_CALDAV_PORT": 5232, "DEMO_GOOGLE_PORT": 8001, "DEMO_OUTLOOK_PORT": 8002}


class PortTaken(Exception):
    """Somebody else listens where the demo wants to."""


class MovedServer(Exception):
    """Calendars were connected at another address than their server would have now."""


@dataclass(frozen=True, slots=True)
class Ground:
    """`ports` by the variables of PORTS."""

    folder: Path
    ports: dict[str, int]

    @classmethod
    def from_environment(cls) -> Ground:
        ports = {name: int(os.environ.get(name) or port) for name, port in PORTS.items()}
        return cls(Path(os.environ.get("DEMO_FOLDER") or ROOT / "var" / "demo").resolve(), ports)

    @property
    def site_url(self) -> str:
        return f"http://127.0.0.1:{self.ports['DEMO_PORT']}"

    @property
    def caldav_url(self) -> str:
        return f"http://127.0.0.1:{self.ports['DEMO_CALDAV_PORT']}"

    @property
    def google_url(self) -> str:
        return f"http://127.0.0.1:{self.ports['DEMO_GOOGLE_PORT']}"

    @property
    def outlook_url(self) -> str:
        return f"http://127.0.0.1:{self.ports['DEMO_OUTLOOK_PORT']}"

    @property
    def log_folder(self) -> Path:
        return self.folder / "log"

    def prepare(self) -> None:
        """Makes the folder and, the first time, the keys. Whoever reads the folder reads the demo's secrets: 0700. Raises MovedServer."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.log_folder.mkdir(exist_ok=True)
        servers = {name: port for name, port in self.ports.items() if name != "DEMO_PORT"}
        for name, port in self._kept("ports.json", servers).items():
            if servers[name] != port:
                raise MovedServer(f"The demo's calendars were connected at {name}={port}. Use that one again, or start anew: make demo-reset")
        self._kept("keys.json", make_keys() | {"TRYOUT_CLIENT_SECRET": secrets.token_urlsafe(32)})

    def _kept(self, name: str, first: dict[str, Any]) -> dict[str, Any]:
        """What is in a file of the folder; what it lacks is written there."""
        path = self.folder / name
        found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
        if not first.keys() <= found.keys():
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                json.dump(first | found, file)
        return first | found

    def environment(self) -> dict[str, str]:
        keys = json.loads((self.folder / "keys.json").read_text())
        inherited = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
        return {
            **inherited,
            **keys,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "KALENDS_DEMO": "1",
            "KALENDS_VAR_DIR": str(self.folder),
            "SITE_URL": self.site_url,
            # Calendars on this machine may be connected: the demo's own server, nothing else.
            "KALENDS_PRIVATE_HOSTS": ",".join(f"{host}:{self.ports['DEMO_CALDAV_PORT']}" for host in ("127.0.0.1", "localhost")),
            "DEMO_CALDAV_URL": self.caldav_url,
            "GOOGLE_ACCOUNTS_ROOT": self.google_url,
            "GOOGLE_OAUTH_ROOT": self.google_url,
            "GOOGLE_API_ROOT": self.google_url,
            "MICROSOFT_LOGIN_ROOT": self.outlook_url,
            "GRAPH_ROOT": self.outlook_url,
            "COMPANY_NAME": "Salon Kalends",
            "COMPANY_ADDRESS": "Lindenstraße 1, 10969 Berlin",
            "COMPANY_EMAIL": "salon@example.org",
            "DEFAULT_FROM_EMAIL": "Salon Kalends <salon@example.org>",
            "PYTHONUNBUFFERED": "1",
        }

    def check_ports(self) -> None:
        for variable, port in self.ports.items():
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    raise PortTaken(
                        f"Port {port} is taken by another program (perhaps a demo still runs). Choose another one: {variable}=… make demo"
                    ) from None

    def reset(self) -> None:
        """Throws away all data of the demo."""
        if self.folder.exists():
            shutil.rmtree(self.folder)
