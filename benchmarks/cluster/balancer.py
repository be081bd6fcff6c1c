"""A stand-in for a load balancer: one host after the other, and past those that refuse."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeAlias

from tests.chaos.events import Event
from tests.chaos.senders import ANSWER_SECONDS, HEADERS
from tests.chaos.stage import HOST

Address: TypeAlias = tuple[str, int]


class Balancer:
    """
    Posts events for the senders, each to the host whose turn it is.

    Like a proxy it tries the next host if no connection can be made, and no other once
    the event is on its way: nobody knows whether it has arrived.
    """

    def __init__(self) -> None:
        self.passed_over = 0
        self._hosts: list[Address] = []
        self._turn = 0
        self._under_way: Counter[Address] = Counter()
        self._changed = threading.Condition()

    def add(self, address: Address) -> None:
        with self._changed:
            self._hosts.append(address)

    def forget(self, address: Address) -> None:
        with self._changed:
            self._hosts.remove(address)

    def drain(self, address: Address) -> None:
        """Send a host nothing more, and wait until it has answered everything."""
        self.forget(address)
        with self._changed:
            self._changed.wait_for(lambda: not self._under_way[address])

    def send(self, event: Event) -> int:
        """Return the status with which a host answers; raise OSError if none does."""
        wire = _wire(event)
        for _ in range(1 + len(self._hosts)):
            with self._next() as address:
                try:
                    connection = socket.create_connection(address, ANSWER_SECONDS)
                except ConnectionRefusedError:
                    self.passed_over += 1
                    continue
                with connection:
                    return _status(connection, wire)
        raise ConnectionRefusedError

    @contextmanager
    def _next(self) -> Iterator[Address]:
        with self._changed:
            self._turn += 1
            address = self._hosts[self._turn % len(self._hosts)]
            self._under_way[address] += 1
        try:
            yield address
        finally:
            with self._changed:
                self._under_way[address] -= 1
                self._changed.notify_all()


def _wire(event: Event) -> bytes:
    headers = {
        "Host": HOST,
        "Connection": "close",
        "Content-Length": str(len(event.body)),
        **HEADERS[event.provider],
    }
    lines = [f"POST /webhooks/{event.provider} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + event.body


def _status(connection: socket.socket, wire: bytes) -> int:
    connection.sendall(wire)
    answer = connection.recv(4096)
    # What is closed before the server has closed it may cost the server an error.
    while connection.recv(4096):
        pass
    if len(answer) < len("HTTP/1.1 200"):
        raise ConnectionResetError
    return int(answer[9:12])
