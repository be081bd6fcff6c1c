"""What every server of the tests needs: a port, time to start, an end."""

from __future__ import annotations

import random
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

START_SECONDS = 60
STOP_SECONDS = 10


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
