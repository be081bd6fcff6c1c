"""A key set endpoint that answers with any bytes at all."""

from __future__ import annotations

import socketserver
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

# The whole answer, or its pieces, between which the endpoint may take its time.
Answer: TypeAlias = bytes | Callable[[], Iterable[bytes]]


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
    A server on this machine that answers every request with `answer`.

    `requests` counts them. While `open` is cleared, answers are held back.
    """

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.requests = 0
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
        return f"http://127.0.0.1:{self._server.server_address[1]}/jwks"


def _handler(origin: Origin) -> type[socketserver.BaseRequestHandler]:
    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while self.rfile.readline().strip():
                pass
            origin.requests += 1
            origin.open.wait(timeout=10)
            answer: Any = origin.answer
            try:
                for piece in [answer] if isinstance(answer, bytes) else answer():
                    self.wfile.write(piece)
            except OSError:
                # Whoever asked has heard enough.
                self.close_connection = True

    return Handler
