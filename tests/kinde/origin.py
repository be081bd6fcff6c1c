"""A key set endpoint that answers with any bytes at all."""

from __future__ import annotations

import socket
import socketserver
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

# The whole answer, or its pieces, between which the endpoint may take its time.
Answer: TypeAlias = bytes | Callable[[], Iterable[bytes]]


# A piece that resets the connection.
RESET = b"RESET"


def answer(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    """Return an HTTP answer with this body."""
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join([*head, "", ""]).encode() + body


def trickle(content: bytes, pause: float) -> Callable[[], Iterable[bytes]]:
    """Return an answer that comes byte by byte."""

    def pieces() -> Iterable[bytes]:
        for byte in content:
            yield bytes([byte])
            time.sleep(pause)

    return pieces


class Origin:
    """
    A server on this machine that answers every request with `answer`, or with that of `answers`
    for its path.

    `requests` counts them, `requests_of` by path. While `open` is cleared, answers are held back.
    """

    def __init__(self, answer: Answer, answers: Mapping[str, Answer] | None = None) -> None:
        self.answer = answer
        self.answers = answers or {}
        self.requests = 0
        self.requests_of: Counter[str] = Counter()
        self.open = threading.Event()
        self.open.set()

    def __enter__(self) -> Origin:
        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.open.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        return self.url_of("/jwks")

    def url_of(self, path: str) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}{path}"


def _handler(origin: Origin) -> type[socketserver.BaseRequestHandler]:
    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            path = self.rfile.readline().decode("latin-1").split(" ")[1]
            while self.rfile.readline().strip():
                pass
            origin.requests += 1
            origin.requests_of[path] += 1
            origin.open.wait(timeout=10)
            answer: Any = origin.answers.get(path, origin.answer)
            try:
                for piece in [answer] if isinstance(answer, bytes) else answer():
                    if piece == RESET:
                        # What is closed with a linger of no time is not ended but reset.
                        linger = struct.pack("ii", 1, 0)
                        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                        return
                    self.wfile.write(piece)
            except OSError:
                # Whoever asked has heard enough.
                self.close_connection = True

    return Handler
