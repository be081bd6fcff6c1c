"""The example project as processes of its own: its server, and who tries again what failed."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

MANAGE = Path(__file__).resolve().parent.parent / "manage.py"
HOST = "127.0.0.1"
START_SECONDS = 60
STOP_SECONDS = 5


class ServerFailed(RuntimeError):
    """The server ended by itself, or never began to answer."""


def free_port(preferred: int = 0) -> int:
    """Return a TCP port that nobody listens on: the preferred one, if it can be had."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise ServerFailed("No TCP port is free.")


@contextmanager
def running(
    port: int, environment: Mapping[str, str], *, quiet: bool = False
) -> Iterator[subprocess.Popen[bytes]]:
    """
    Run the example project on a port of this machine while the context lasts.

    What it says is shown, or if `quiet` only if it does not start.
    """
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            # --insecure lets it serve the admin's styles without debug mode.
            [sys.executable, MANAGE, "runserver", "--noreload", "--insecure", f"{HOST}:{port}"],
            env=_whole(environment),
            stdin=subprocess.DEVNULL,
            stdout=log if quiet else subprocess.DEVNULL,
            stderr=log if quiet else None,
        )
        try:
            if not _answers(process, port):
                log.seek(0)
                raise ServerFailed(f"The server does not start. {log.read().decode()}")
            yield process
        finally:
            _stop(process)


@contextmanager
def trying_again(environment: Mapping[str, str]) -> Iterator[None]:
    """
    Try again what failed, as it is due, while the context lasts.

    It says nothing: what has become of an event is in the admin.
    """
    process = subprocess.Popen(
        [sys.executable, MANAGE, "billing_webhooks", "process", "--watch"],
        env=_whole(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        _stop(process)


def _whole(environment: Mapping[str, str]) -> dict[str, str]:
    return {**os.environ, "PYTHONUNBUFFERED": "1", "no_proxy": HOST, **environment}


def _answers(process: subprocess.Popen[bytes], port: int) -> bool:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as connection:
            if connection.connect_ex((HOST, port)) == 0:
                return True
        time.sleep(0.05)
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
