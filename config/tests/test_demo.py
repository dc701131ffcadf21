"""What the demo stands on: its ports, its keys, and a folder that keeps its data."""

from __future__ import annotations

import json
import re
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from config.demo.ground import PORTS, Ground, MovedServer, PortTaken

pytestmark = [pytest.mark.once]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    return Ground(tmp_path / "demo", {name: free_port() for name in PORTS})


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
