"""Brokers that are no good."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from types import TracebackType


class Silent:
    """Listens, counts who comes, and never answers."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._guests: list[socket.socket] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    @property
    def guests(self) -> int:
        return len(self._guests)

    def __enter__(self) -> Silent:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        # Closing alone does not wake a thread that waits for guests.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        for guest in self._guests:
            guest.close()

    def _listen(self) -> None:
        while True:
            try:
                guest, _ = self._listener.accept()
            except OSError:
                return
            self._guests.append(guest)
            self.welcome(guest)

    def welcome(self, guest: socket.socket) -> None:
        """Say nothing."""


class Trickling(Silent):
    """Never comes to the end of its answer, and never stops answering."""

    def welcome(self, guest: socket.socket) -> None:
        threading.Thread(target=self._trickle, args=(guest,), daemon=True).start()

    def _trickle(self, guest: socket.socket) -> None:
        with suppress(OSError):
            # A broker speaks when it is spoken to.
            guest.recv(1)
            guest.sendall(b"\x01")
            while not self._over.wait(0.02):
                guest.sendall(b"+")
