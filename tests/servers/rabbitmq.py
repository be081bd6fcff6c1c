"""A RabbitMQ node of one's own, from the programs that the system has."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers.processes import NoServer, free_port
from tests.servers.program import Program

# Debian's programs of these names in /usr/sbin run as another user and in one directory.
SYSTEM_PROGRAMS = "/usr/lib/rabbitmq/bin"
ANSWER_SECONDS = 0.5
# What a client of AMQP 0-9-1 sends first, and how the answer begins.
GREETING = b"AMQP\x00\x00\x09\x01"
METHOD_FRAME = b"\x01"
ON_THIS_MACHINE_ONLY = "-kernel inet_dist_use_interface {127,0,0,1}"


def is_installed() -> bool:
    try:
        for name in ("rabbitmq-server", "rabbitmqctl", "epmd"):
            find(name)
    except NoServer:
        return False
    return True


def find(name: str) -> str:
    """Return the path of a program; raise NoServer."""
    path = os.pathsep.join([SYSTEM_PROGRAMS, os.environ.get("PATH", os.defpath)])
    program = shutil.which(name, path=path)
    if program is None:
        raise NoServer(f"RabbitMQ is not installed (no {name})")
    return program


@contextmanager
def rabbitmq(directory: Path) -> Iterator[RabbitMQ]:
    """
    Start a node that keeps its data in `directory`, yield it, and stop it.

    Raise NoServer without its programs, RuntimeError if the node does not start.
    """
    server = RabbitMQ(directory)
    try:
        server.start()
        server.wait_until_ready()
        yield server
    finally:
        server.stop()


class RabbitMQ(Program):
    """A node; it may be stopped, killed or frozen and started again on the same data."""

    def __init__(self, directory: Path) -> None:
        self.port = free_port()
        self.url = f"amqp://guest:guest@127.0.0.1:{self.port}//"
        # Erlang's directory of nodes. A node that finds none starts one, which then stays.
        self.names_port = free_port()
        self._names = Program(
            [find("epmd"), "-port", str(self.names_port), "-address", "127.0.0.1"],
            directory / "epmd.log",
        )
        self._control = find("rabbitmqctl")
        super().__init__(
            [find("rabbitmq-server")], directory / "rabbitmq.log", self.settings(directory)
        )

    def settings(self, directory: Path) -> dict[str, str]:
        """Return the environment for the node and for rabbitmqctl."""
        nothing = str(directory / "no such file")
        return {
            # The cookie by which they know each other is there.
            "HOME": str(directory),
            "RABBITMQ_NODENAME": "tests@localhost",
            "RABBITMQ_MNESIA_BASE": str(directory / "data"),
            "RABBITMQ_LOG_BASE": str(directory),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_CONF_ENV_FILE": os.devnull,
            "RABBITMQ_CONFIG_FILE": nothing,
            "RABBITMQ_ENABLED_PLUGINS_FILE": nothing,
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": ON_THIS_MACHINE_ONLY,
            "RABBITMQ_CTL_ERL_ARGS": ON_THIS_MACHINE_ONLY,
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self.names_port),
            # The script then becomes the node, instead of waiting for it and hiding signals.
            "RUNNING_UNDER_SYSTEMD": "1",
        }

    def start(self) -> None:
        # It lives on when the node is killed.
        self._names.stop()
        self._names.start()
        super().start()

    def stop(self) -> None:
        super().stop()
        self._names.stop()

    def is_ready(self) -> bool:
        try:
            return self.greet().startswith(METHOD_FRAME)
        except OSError:
            return False

    def greet(self) -> bytes:
        """Return the answer to a client's first bytes; raise TimeoutError if none comes soon."""
        with socket.create_connection(("127.0.0.1", self.port), ANSWER_SECONDS) as client:
            client.sendall(GREETING)
            return client.recv(1024)

    def alarm(self) -> None:
        """Let it be short of memory: it then reads nothing more from whoever publishes."""
        self.control("set_vm_memory_high_watermark", "0")

    def clear_alarm(self) -> None:
        self.control("set_vm_memory_high_watermark", "0.4")

    def control(self, *arguments: str) -> str:
        """Return what rabbitmqctl answers."""
        return subprocess.run(
            [self._control, "--quiet", *arguments],
            env={**os.environ, **self.env},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
