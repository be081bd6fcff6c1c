"""Bytes to a socket, and the answer back."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

TIMEOUT_SECONDS = 20
NO_ANSWER = 0


@dataclass(frozen=True)
class Request:
    """
    A request as it goes over the wire.

    `body` is what it delivers, if it delivers anything. With `ends` its sender says after the
    last byte that there will be no more.
    """

    wire: bytes
    body: bytes = b""
    ends: bool = False


@dataclass(frozen=True)
class Answer:
    status: int
    headers: str
    body: bytes


def post(path: str, body: bytes, *headers: str | bytes, method: str = "POST") -> Request:
    """Return a complete request with the length of its body."""
    return raw(path, f"Content-Length: {len(body)}", *headers, content=body, method=method)


def raw(
    path: str,
    *headers: str | bytes,
    content: bytes = b"",
    host: str | bytes | None = "127.0.0.1",
    method: str = "POST",
) -> Request:
    """Return a request with these headers and no others but its host."""
    named = [b"Host: " + _bytes(host)] if host is not None else []
    lines = [f"{method} {path} HTTP/1.1".encode(), *named, b"Connection: close"]
    head = b"\r\n".join([*lines, *map(_bytes, headers), b"", b""])
    return Request(head + content, content)


def chunked(path: str, parts: Sequence[bytes], end: bytes = b"0\r\n\r\n") -> Request:
    """Return a request whose body comes in pieces."""
    content = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + end
    request = raw(path, "Transfer-Encoding: chunked", content=content)
    return replace(request, body=b"".join(parts))


def ended(request: Request) -> Request:
    """Return the same, of a sender who says that there will be no more."""
    return replace(request, ends=True)


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode()


def exchange(address: tuple[str, int], request: Request) -> Answer:
    """Send a request and return the answer; its status is NO_ANSWER if there is none."""
    with socket.create_connection(address, timeout=TIMEOUT_SECONDS) as connection:
        # A server that refuses a request need not read all of it.
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(request.wire)
            if request.ends:
                connection.shutdown(socket.SHUT_WR)
        received = b""
        with suppress(ConnectionResetError):
            while chunk := connection.recv(65536):
                received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    status = int(head.split()[1]) if head else NO_ANSWER
    return Answer(status, head.decode("latin-1"), body)
