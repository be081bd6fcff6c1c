"""A PgBouncer of one's own, which lends sessions of a PostgreSQL for one transaction each."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers.postgres import PostgreSQL
from tests.servers.processes import NoServer, free_port
from tests.servers.program import Program

# Where Debian has the server, and who is not root does not look.
SYSTEM_PROGRAMS = "/usr/sbin:/usr/local/sbin"
# As root it refuses to run, but it can become somebody else.
SYSTEM_USER = "nobody"
# Fewer sessions than there are processes, and each transaction gets the next one: whoever
# relies on what an earlier transaction left in its session does not find it.
CONFIGURATION = """
[databases]
* = host=127.0.0.1 port={server} user={user}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
server_round_robin = 1
default_pool_size = 4
max_client_conn = 200
ignore_startup_parameters = options
"""


@contextmanager
def pgbouncer(directory: Path, server: PostgreSQL) -> Iterator[PgBouncer]:
    """
    Start one in front of a PostgreSQL, yield it, and stop it.

    Raise NoServer if it is not installed, RuntimeError if it does not start.
    """
    pooler = PgBouncer(directory, server)
    try:
        pooler.start()
        pooler.wait_until_ready()
        yield pooler
    finally:
        pooler.stop()


class PgBouncer(Program):
    """A pooler process in transaction mode."""

    def __init__(self, directory: Path, server: PostgreSQL) -> None:
        path = f"{os.environ.get('PATH', '')}:{SYSTEM_PROGRAMS}"
        program = shutil.which("pgbouncer", path=path)
        if program is None:
            raise NoServer("there is no pgbouncer on the PATH, which the package of this name has")
        self.port = free_port()
        self._user = server.url.split("//")[1].split(":")[0]
        configuration = directory / "pgbouncer.ini"
        configuration.write_text(
            CONFIGURATION.format(server=server.port, port=self.port, user=self._user)
        )
        become = ["-u", SYSTEM_USER] if os.geteuid() == 0 else []
        super().__init__([program, *become, configuration], directory / "pgbouncer.log")

    def url(self, database: str) -> str:
        return f"postgres://{self._user}:@127.0.0.1:{self.port}/{database}"

    def is_ready(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0
