"""What every server of the tests needs: a port, time to start, an end."""

from __future__ import annotations

import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
START_SECONDS = 60
STOP_SECONDS = 10
# A process that nobody has asked about since is a zombie.
ENDED = "ZX"


class NoServer(Exception):
    """What a server needs is not installed; the message says what."""


def free_port() -> int:
    """Return a free TCP port of 127.0.0.1, below those that outgoing connections are given."""
    ports = range(20000, 32768)
    for port in random.sample(ports, len(ports)):
        with closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
    raise RuntimeError("No TCP port of 127.0.0.1 is free between 20000 and 32767.")


def wait_until_ready(
    is_ready: Callable[[], bool], server: subprocess.Popen[bytes], log: Path
) -> None:
    """Return once `is_ready` says so; raise RuntimeError with the log otherwise."""
    deadline = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        if is_ready():
            return
        time.sleep(0.1)
    raise RuntimeError(f"{server.args!r} did not start:\n{log.read_text()}")


def wait_or_kill(process: subprocess.Popen[bytes]) -> None:
    """Give a process time to end by itself, then end it."""
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def children_of(pid: int) -> list[int]:
    """Return the processes that a process has started and that have not ended; Linux only."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            # The name stands in brackets and may hold anything.
            state, parent, *_ = path.read_text().rpartition(") ")[2].split()
            if state not in ENDED:
                parents[int(path.parent.name)] = int(parent)
    return sorted(child for child, parent in parents.items() if parent == pid)


def is_running(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] not in ENDED
    return False
