"""Real CalDAV servers on free ports of the loopback: Radicale and xandikos. They differ, and that is their value."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

USER, PASSWORD = "employee", "secret-of-the-employee"
ADDRESS = "employee@example.com"  # a user of Radicale whose name is an e-mail address


@dataclass(frozen=True, slots=True)
class Server:
    """A running server. `home`: where calendars can be made, ends with a slash."""

    name: str
    address: str
    home: str
    username: str = USER
    password: str = PASSWORD


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def radicale(folder: Path, port: int = 0) -> Iterator[Server]:
    """Radicale with USER, whom the returned server is for, and ADDRESS; stopped at the end. With the same folder and `port` it can be started again."""
    port = port or free_port()
    users, config = folder / "users", folder / "radicale.conf"
    users.write_text("".join(f"{name}:{PASSWORD}\n" for name in (USER, ADDRESS)))
    config.write_text(
        f"[server]\nhosts = 127.0.0.1:{port}\n[auth]\ntype = htpasswd\nhtpasswd_filename = {users}\nhtpasswd_encryption = plain\ndelay = 0\n"
        f"[storage]\nfilesystem_folder = {folder / 'collections'}\n[logging]\nlevel = warning\n"
    )
    address = f"http://127.0.0.1:{port}/"
    with _running([sys.executable, "-m", "radicale", "--config", str(config)], port, folder / "radicale.log"):
        yield Server("Radicale", address, f"{address}{USER}/")


@contextmanager
def xandikos(folder: Path) -> Iterator[Server]:
    """xandikos without login, stopped at the end."""
    port = free_port()
    data = folder / "xandikos"
    data.mkdir()
    command = [sys.executable, "-m", "xandikos", "serve", "--directory", str(data), "--listen-address", "127.0.0.1", "--port", str(port)]
    command += ["--current-user-principal", f"/{USER}/", "--defaults"]
    with _running(command, port, folder / "xandikos.log"):
        yield Server("xandikos", f"http://127.0.0.1:{port}/", f"http://127.0.0.1:{port}/{USER}/calendars/")


@contextmanager
def _running(command: list[str], port: int, log: Path) -> Iterator[None]:
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out)
        try:
            _wait(process, port, log)
            yield
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"the server did not start: {log.read_text(errors='replace')[-2000:]}")
