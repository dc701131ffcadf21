"""What the demo stands on: its folder, keys, ports and the environment of its processes."""

from __future__ import annotations

import json
import os
import shutil
import socket
from dataclasses import dataclass
from pathlib import Path

from config.keys import make_keys

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "demo"
# Name -> of the two employees, the same here and at the CalDAV server.
EMPLOYEES = ("employee", "colleague")
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
)


class PortTaken(Exception):
    """Somebody else listens where the demo wants to."""


@dataclass(frozen=True, slots=True)
class Ground:
    folder: Path
    web_port: int
    caldav_port: int

    @classmethod
    def from_environment(cls) -> Ground:
        return cls(
            folder=Path(os.environ.get("DEMO_FOLDER") or ROOT / "var" / "demo").resolve(),
            web_port=int(os.environ.get("DEMO_PORT") or 8000),
            caldav_port=int(os.environ.get("DEMO_CALDAV_PORT") or 5232),
        )

    @property
    def site_url(self) -> str:
        return f"http://127.0.0.1:{self.web_port}"

    @property
    def caldav_url(self) -> str:
        return f"http://127.0.0.1:{self.caldav_port}"

    @property
    def log_folder(self) -> Path:
        return self.folder / "log"

    def prepare(self) -> None:
        """Makes the folder and, the first time, the keys. Whoever reads the folder reads the demo's secrets: 0700."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.log_folder.mkdir(exist_ok=True)
        keys = self.folder / "keys.json"
        if not keys.exists():
            with os.fdopen(os.open(keys, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                json.dump(make_keys(), file)

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
            "KALENDS_PRIVATE_HOSTS": f"127.0.0.1:{self.caldav_port},localhost:{self.caldav_port}",
            "DEMO_CALDAV_URL": self.caldav_url,
            "COMPANY_NAME": "Salon Kalends",
            "COMPANY_ADDRESS": "Lindenstraße 1, 10969 Berlin",
            "COMPANY_EMAIL": "salon@example.org",
            "DEFAULT_FROM_EMAIL": "Salon Kalends <salon@example.org>",
            "PYTHONUNBUFFERED": "1",
        }

    def check_ports(self) -> None:
        for variable, port in (("DEMO_PORT", self.web_port), ("DEMO_CALDAV_PORT", self.caldav_port)):
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
