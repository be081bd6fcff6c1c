"""A MariaDB server of one's own, from the programs that the system has."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers.processes import (
    SIGNALS,
    NoServer,
    free_port,
    wait_or_kill,
    wait_until_ready,
)

# Where Debian has the server, and who is not root does not look.
SYSTEM_PROGRAMS = "/usr/sbin:/usr/local/sbin"
# As root the server refuses to run; this is the user that its package makes.
SYSTEM_USER = "mysql"
OPTIONS = (
    "--no-defaults",
    # What most servers have, and the worst for ids: it ignores case, accents and last spaces.
    "--character-set-server=utf8mb4",
    "--collation-server=utf8mb4_general_ci",
    # A commit survives the death of the server, which is all that a test does to it.
    "--innodb-flush-log-at-trx-commit=2",
)
DATABASE = "tests"
# The tests of concurrent deliveries hold a connection in each of many threads.
MAX_CONNECTIONS = 200


@contextmanager
def mariadb(directory: Path) -> Iterator[MariaDB]:
    """
    Start a server that keeps its data in `directory`, yield it, and stop it.

    Raise NoServer without its programs or Django's driver for it, RuntimeError if the
    server does not start.
    """
    server = MariaDB(directory)
    try:
        # A signal waits until there is a server to stop: the installer, cut short, leaves a
        # process behind that still writes.
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            server.make_data()
            server.start()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        server.wait_until_ready()
        yield server
    finally:
        server.stop()


class MariaDB:
    """A server process; it may be stopped or killed and started again on the same data."""

    def __init__(self, directory: Path) -> None:
        self._program = _program("mariadbd")
        self._installer = _program("mariadb-install-db")
        if importlib.util.find_spec("MySQLdb") is None:
            raise NoServer(
                "its driver mysqlclient is not installed, which needs libmariadb-dev, "
                "pkg-config and gcc to be built"
            )
        self._user = SYSTEM_USER if os.geteuid() == 0 else None
        self._directory = directory
        self._log = directory / "log"
        self._init = directory / "init.sql"
        self.port = free_port()
        self.url = f"mysql://root:@127.0.0.1:{self.port}/{DATABASE}"
        self.process: subprocess.Popen[bytes] | None = None

    def make_data(self) -> None:
        if self._user:
            shutil.chown(self._directory, self._user)
        # "normal" lets root in by TCP, without a password.
        options = ["--skip-test-db", "--auth-root-authentication-method=normal"]
        result = subprocess.run(
            [self._installer, *OPTIONS, *self._places(), *options],
            user=self._user,
            cwd=self._directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode != 0:
            raise RuntimeError(f"{result.args!r} failed:\n{result.stdout}{result.stderr}")
        # Run at each start. What the installer makes has another collation than the server.
        self._init.write_text(f"CREATE DATABASE IF NOT EXISTS {DATABASE};\n")
        self._init.chmod(0o644)

    def _places(self) -> list[str]:
        # The directory for what is temporary may be one that only the tests' user can write to.
        return [f"--datadir={self._directory / 'data'}", f"--tmpdir={self._directory}"]

    def start(self) -> None:
        options = [
            f"--init-file={self._init}",
            f"--max-connections={MAX_CONNECTIONS}",
            "--bind-address=127.0.0.1",
            f"--port={self.port}",
            f"--socket={self._directory / 'socket'}",
            f"--pid-file={self._directory / 'pid'}",
        ]
        with self._log.open("ab") as output:
            self.process = subprocess.Popen(
                [self._program, *OPTIONS, *self._places(), *options],
                user=self._user,
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
        """Return whether somebody greets: the port is open before anybody listens to it."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                return connection.recv(1) != b""
        except OSError:
            return False

    def stop(self) -> None:
        """End it in order: it ends its sessions, writes its pages and leaves."""
        if self.process is not None:
            self.process.terminate()
            wait_or_kill(self.process)

    def kill(self) -> None:
        """End it by SIGKILL, its sessions with it."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()


def _program(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:{SYSTEM_PROGRAMS}")
    if found is None:
        raise NoServer(f"there is no {name} on the PATH, which mariadb-server brings")
    return found
