"""Answers of a key set's place that hold no usable key."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable

from tests.kinde.keys.conftest import OTHER
from tests.kinde.origin import RESET, Answer, answer

HEAD = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
SECRET_KEY = json.dumps({"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "k"}]}).encode()


def endless() -> Iterable[bytes]:
    """Send more than anybody should read, until nobody does."""
    yield b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
    while True:
        yield b" " * 64 * 1024


def reset() -> Iterable[bytes]:
    yield HEAD + b"Content-Length: 9999\r\n\r\n" + OTHER.jwks[:100]
    yield RESET


# Nothing here is a set with a usable key, however it calls itself.
USELESS: dict[str, Answer] = {
    "404": answer(OTHER.jwks, "404 Not Found"),
    "500": answer(OTHER.jwks, "500 Internal Server Error"),
    "503": answer(OTHER.jwks, "503 Service Unavailable", "Retry-After: 9999"),
    "redirect": answer(b"", "302 Found", "Location: http://127.0.0.1:1/keys"),
    "permanent-redirect": answer(b"", "308 Permanent Redirect", "Location: file:///etc/passwd"),
    "no-reply": b"",
    "garbage": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "endless-header-line": HEAD + b"X: " + b"x" * 100_000,
    "101-headers": HEAD + b"X: x\r\n" * 101 + b"\r\n" + OTHER.jwks,
    "cut-off": HEAD + b"Content-Length: 9999\r\n\r\n" + OTHER.jwks[:100],
    "cut-off-chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\nffff\r\n" + OTHER.jwks[:100],
    "reset": reset,
    "no-chunks": HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + OTHER.jwks,
    "html": answer(b"<!DOCTYPE html><title>Maintenance</title>"),
    "empty": answer(b""),
    "204": answer(b"", "204 No Content"),
    "gzip": answer(gzip.compress(OTHER.jwks), "200 OK", "Content-Encoding: gzip"),
    "invalid-utf8": answer(b'{"keys":"\xff"}'),
    "utf16": answer(OTHER.jwks.decode().encode("utf-16")),
    "nested": answer(b"[" * 100_000),
    "5000-digits": answer(b"1" * 5000),
    "huge": answer(OTHER.jwks + b" " * 512 * 1024),
    "endless": endless,
    "array": answer(b"[]"),
    "null": answer(b"null"),
    "keys-missing": answer(b"{}"),
    "keys-null": answer(b'{"keys": null}'),
    "keys-object": answer(b'{"keys": {}}'),
    "keys-text": answer(b'{"keys": "abc"}'),
    "keys-empty": answer(b'{"keys": []}'),
    "keys-of-nothing": answer(b'{"keys": [null, 1, "k", [], {}]}'),
    "secret-key": answer(SECRET_KEY),
}
