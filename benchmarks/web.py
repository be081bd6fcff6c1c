"""Gunicorn with synchronous workers, as most projects run it."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.servers.processes import children_of, free_port
from tests.servers.program import Program


class Web(Program):
    """A server of so many processes; its settings are those of the environment."""

    def __init__(self, directory: Path, workers: int, env: Mapping[str, str] | None = None) -> None:
        self.port = free_port()
        self.workers = workers
        gunicorn = [sys.executable, "-m", "gunicorn", f"--bind=127.0.0.1:{self.port}"]
        options = [f"--workers={workers}", "benchmarks.wsgi"]
        super().__init__([*gunicorn, *options], directory / f"web-{self.port}.log", env)

    def is_ready(self) -> bool:
        with socket.socket() as probe:
            is_open = probe.connect_ex(("127.0.0.1", self.port)) == 0
        return is_open and len(children_of(self.process.pid)) == self.workers


@contextmanager
def running(program: Program) -> Iterator[None]:
    """Start a program, and end it afterwards."""
    program.start()
    try:
        program.wait_until_ready()
        yield
    finally:
        program.stop()
