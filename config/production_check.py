"""`manage.py check --deploy` with an environment like production's: it must not even warn."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

from config.keys import make_keys


def production_environment(folder: str) -> dict[str, str]:
    """The least that production sets; nothing of the caller's own configuration slips in."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {
        **kept,
        **make_keys(),
        "SITE_URL": "https://booking.example.org",
        "SECURE_SSL_REDIRECT": "1",
        "TRUST_X_FORWARDED_PROTO": "1",
        "HSTS_SUBDOMAINS": "1",
        "HSTS_PRELOAD": "1",
        "KALENDS_VAR_DIR": folder,
    }


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
        return subprocess.run(command, env=production_environment(folder), check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
