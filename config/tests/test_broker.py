"""The embedded broker: what a worker finds in the folder is a whole message."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from kombu.connection import Connection

import config.celery  # noqa: F401 - installs the transport
from config.settings.background import transport_options

LOOK = """
import os, pathlib, sys
folder = pathlib.Path(sys.argv[1])
print("looking", flush=True)
empty = set()
while not (folder / "done").exists():
    for entry in os.scandir(folder):
        try:
            if entry.name.endswith(".msg") and os.stat(entry.path).st_size == 0:
                empty.add(entry.name)
        except FileNotFoundError:
            continue
print(len(empty))
"""


@pytest.mark.pure
def test_a_worker_never_finds_an_empty_message(tmp_path: Path):
    """Seen red with kombu's own transport: its files are there before their content, and a worker that reads one ends."""
    options = {"data_folder_in": str(tmp_path), "data_folder_out": str(tmp_path), "control_folder": str(tmp_path / "control")}
    assert set(options) < set(transport_options("filesystem://", 3600))
    with subprocess.Popen([sys.executable, "-c", LOOK, str(tmp_path)], stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "looking\n"
        with Connection("filesystem://", transport_options=options) as connection, connection.SimpleQueue("celery") as queue:
            for _ in range(40):
                for number in range(50):
                    queue.put({"number": number})
                assert [queue.get(timeout=5).payload["number"] for _ in range(50)]
        (tmp_path / "done").touch()
        assert reader.stdout.readline() == "0\n"
