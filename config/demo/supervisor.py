"""Starts the demo's processes, restarts one that dies, and ends them all together."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from config.demo.ground import ROOT

# Seconds: pause before a restart (a process that dies at once must not spin), and time to end in good order.
PAUSE = 1.0
GRACE = 15.0

PR_SET_PDEATHSIG = 1  # linux/prctl.h
libc = ctypes.CDLL(None)


def end_with_parent() -> None:
    """Called in a child before it becomes its program: the kernel asks it to end when the supervisor dies, even of kill -9. Linux only;
    elsewhere it would go on, and the next start says that the port is taken."""
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


@dataclass
class Child:
    """One process with its own log file."""

    name: str
    command: list[str]
    environment: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    started: float = field(default=0.0, init=False)

    def start(self) -> None:
        with self.log.open("ab") as log:
            # A session of its own: Ctrl-C reaches only the supervisor, which then ends the children in order.
            self.process = subprocess.Popen(
                self.command,
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=end_with_parent if sys.platform == "linux" else None,
            )
        self.started = time.monotonic()

    def is_dead(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def signal(self, number: int) -> None:
        """To the process and all it started (a worker's pool)."""
        if self.process is None:
            return
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            # It has ended by itself in the meantime.
            return


class Supervisor:
    def __init__(self) -> None:
        self.children: list[Child] = []
        self.stop = threading.Event()

    def listen(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: self.stop.set())

    def start(self, child: Child) -> None:
        self.children.append(child)
        child.start()

    def watch(self) -> None:
        """Until somebody asks to stop: what has died is started again."""
        while not self.stop.wait(0.2):
            for child in self.children:
                if child.is_dead() and time.monotonic() - child.started > PAUSE:
                    assert child.process is not None
                    print(f"{child.name} ended (code {child.process.returncode}) and is started again; see {child.log}", flush=True)
                    # Its pool may have outlived it.
                    child.signal(signal.SIGKILL)
                    child.start()

    def end(self) -> None:
        """Asks all to end, in reverse order of their start; kills what does not."""
        for child in reversed(self.children):
            if child.process is not None and not child.is_dead():
                # Only the first process of each: it ends its own pool, in order.
                child.process.terminate()
        deadline = time.monotonic() + GRACE
        for child in reversed(self.children):
            if child.process is None:
                continue
            try:
                child.process.wait(timeout=max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                print(f"{child.name} does not end and is killed", file=sys.stderr)
            child.signal(signal.SIGKILL)
            child.process.wait()
