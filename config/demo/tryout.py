"""The demo's Google and Outlook: local servers that speak as the real ones do, with the salon's two employees as their people."""

from __future__ import annotations

import sys

from config.demo.ground import EMPLOYEES, Ground

CLIENT = "kalends-demo"
# Provider -> allauth's name of it in the address where people come back.
KINDS = {"google": "google", "outlook": "microsoft"}
LABELS = {"google": "Google (try-out)", "outlook": "Outlook (try-out)"}


def command(ground: Ground, kind: str) -> list[str]:
    """Starts one of them; its data is kept in the demo's folder."""
    port = ground.ports[f"DEMO_{kind.upper()}_PORT"]
    back = f"{ground.site_url}/account/{KINDS[kind]}/login/callback/"
    options = [
        "--port",
        str(port),
        "--state",
        str(ground.folder / f"{kind}.state"),
        "--client",
        CLIENT,
        "--redirect",
        back,
        "--home",
        f"{ground.site_url}/profile/",
    ]
    for name, (first, last) in EMPLOYEES.items():
        options += ["--person", f"{first} {last} <{name}@{kind}.example>"]
    return [sys.executable, "-m", "integrations.testing.servers.standalone", kind, *options]


def label() -> None:
    """Nobody is to take them for the real ones."""
    from integrations import registry

    for provider, name in LABELS.items():
        if provider in registry.providers():
            registry.config(provider).provider_label = name  # type: ignore[misc]
