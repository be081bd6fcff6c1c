"""The two kinds of servers, each in a process of its own on the database of the tests."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db import connection

from tests.catalogue.logbook import Logbook
from tests.catalogue.sending import Answer, Request, exchange
from tests.servers.processes import free_port
from tests.servers.program import Program

GUNICORN = ["gunicorn", "--access-logfile=-", "django.core.wsgi:get_wsgi_application()"]
UVICORN = [
    *["uvicorn", "--factory", "--http=h11", "--loop=asyncio", "--lifespan=off"],
    "django.core.asgi:get_asgi_application",
]


class Server(Program):
    """A server with what it has logged; `name` is its kind."""

    def __init__(
        self,
        name: str,
        command: list[str],
        directory: Path,
        kinde: Mapping[str, Mapping[str, Any]],
        database: Mapping[str, Any],
    ) -> None:
        self.name = name
        self.address = ("127.0.0.1", free_port())
        self.logbook = Logbook(directory / f"{name}.jsonl")
        environment = {
            "DJANGO_SETTINGS_MODULE": "tests.catalogue.settings",
            "PYTHONUNBUFFERED": "1",
            "TESTS_DATABASE": json.dumps(database),
            "TESTS_KINDE": json.dumps(kinde),
            "TESTS_LOG": str(self.logbook.path),
        }
        super().__init__([sys.executable, "-m", *command], directory / f"{name}.log", environment)

    def is_ready(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(self.address) == 0

    def send(self, request: Request) -> Answer:
        return exchange(self.address, request)


@contextmanager
def gunicorn(
    directory: Path, kinde: Mapping[str, Mapping[str, Any]], *options: str
) -> Iterator[Server]:
    """A gunicorn of one synchronous worker, if the options do not say otherwise."""
    server = Server("gunicorn", [*GUNICORN, *options], directory, kinde, _database(60))
    server.command = [*server.command, f"--bind=127.0.0.1:{server.address[1]}"]
    with _running(server):
        yield server


@contextmanager
def uvicorn(directory: Path, kinde: Mapping[str, Mapping[str, Any]]) -> Iterator[Server]:
    server = Server("uvicorn", UVICORN, directory, kinde, _database(0))
    server.command = [*server.command, f"--port={server.address[1]}"]
    with _running(server):
        yield server


@contextmanager
def _running(server: Server) -> Iterator[None]:
    server.start()
    try:
        server.wait_until_ready()
        yield
    finally:
        server.stop()


def _database(conn_max_age: int) -> dict[str, Any]:
    """Return the configuration of the database of the tests, with another persistence."""
    names = ("ENGINE", "NAME", "USER", "PASSWORD", "HOST", "PORT", "OPTIONS")
    database = {name: connection.settings_dict[name] for name in names}
    return {**database, "CONN_MAX_AGE": conn_max_age}
