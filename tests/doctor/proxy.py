"""Somebody who stands before the project and answers in its place."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

# Size of the body → status and headers; status 0 is no answer.
Behaviour = Callable[[int], tuple[int, Mapping[str, str]]]


@contextmanager
def proxy(behaviour: Behaviour, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """Yield the address of a server that reads each post to its end and answers it so."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(behaviour))
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        scheme = "http" if tls is None else "https"
        yield f"{scheme}://127.0.0.1:{server.server_port}/webhooks/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(behaviour: Behaviour) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, headers = behaviour(len(body))
            if not status:
                # The connection is closed without a word.
                return
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    return Handler
