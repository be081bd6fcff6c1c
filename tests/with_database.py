"""
Run a command against a database server of its own.

    python -m tests.with_database postgres COMMAND ARG…
    python -m tests.with_database mariadb COMMAND ARG…

The command finds the server in DATABASE_URL, and its exit status is passed on. Server and data are
gone afterwards, also after Ctrl-C or SIGTERM. Without what the server needs: one line that says
so, and status 3; or status 0, if the first argument is --optional.
"""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import FrameType
from typing import Protocol

from tests.servers.mariadb import mariadb
from tests.servers.postgres import postgres
from tests.servers.processes import SIGNALS, NoServer, wait_or_kill

USAGE = "Usage: python -m tests.with_database [--optional] postgres|mariadb COMMAND ARG…"
BAD_USAGE = 2
NO_SERVER = 3


class Server(Protocol):
    """What a command needs of a server."""

    url: str


SERVERS: Mapping[str, tuple[str, Callable[[Path], AbstractContextManager[Server]]]] = {
    "postgres": ("PostgreSQL", postgres),
    "mariadb": ("MariaDB", mariadb),
}


def run(command: Sequence[str], url: str) -> int:
    """Return the exit status of `command`, 128 + N if signal N ended it."""
    with subprocess.Popen(command, env={**os.environ, "DATABASE_URL": url}) as process:
        try:
            status = process.wait()
        except KeyboardInterrupt:
            # Ctrl-C has reached the command too, and it may have something to say.
            wait_or_kill(process)
            raise
        except SystemExit:
            process.terminate()
            wait_or_kill(process)
            raise
    return status if status >= 0 else 128 - status


def leave(number: int, frame: FrameType | None) -> None:
    """Leave through every `finally`; a second signal must not cut that short."""
    for each in SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    sys.exit(128 + number)


def main(arguments: Sequence[str]) -> int:
    """Return the exit status for this script."""
    optional = arguments[:1] == ["--optional"]
    kind, *command = arguments[optional:] or [""]
    if kind not in SERVERS or not command:
        print(USAGE, file=sys.stderr)
        return BAD_USAGE
    name, start = SERVERS[kind]
    for number in SIGNALS:
        signal.signal(number, leave)
    try:
        with (
            tempfile.TemporaryDirectory(prefix=f"{kind}-") as directory,
            start(Path(directory).resolve()) as server,
        ):
            return run(command, server.url)
    except NoServer as error:
        print(f"Nothing was run on {name}: {error}.", file=sys.stderr)
        return 0 if optional else NO_SERVER
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
