"""A stand-in for a Kinde tenant: its keys, its key set endpoint, its signature."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm


def kinde_event(
    event_type: str,
    data: Mapping[str, Any],
    *,
    occurred_at: datetime | None = None,
    event_id: str | None = None,
    **claims: Any,
) -> dict[str, Any]:
    """
    Return the claims of an event as Kinde builds them.

    They are built now; by default the event occurred now, too.
    """
    now = datetime.now(UTC)
    return {
        "data": dict(data),
        "event_id": event_id or _event_id(),
        "event_timestamp": (occurred_at or now).isoformat(),
        "source": "admin",
        "timestamp": now.isoformat(),
        "type": event_type,
        **claims,
    }


class KindeIssuer:
    """
    A tenant on this machine. Use it as a context manager: inside, `url` is the ISSUER
    and the key set is served at its usual path.
    """

    def __init__(self, kid: str | None = None) -> None:
        self.kid = kid or ":".join(secrets.token_hex(1) for _ in range(16))
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.requests = 0
        self.jwks: bytes = json.dumps({"keys": [self.public_jwk()]}).encode()
        self.status = 200

    def __enter__(self) -> KindeIssuer:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True
        )
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def public_jwk(self) -> dict[str, Any]:
        """Return the entry of this issuer's key as Kinde's key set holds it."""
        jwk = RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        public = {name: jwk[name] for name in ("kty", "e", "n")}
        return {**public, "alg": "RS256", "use": "sig", "kid": self.kid}

    def sign(self, claims: Mapping[str, Any]) -> bytes:
        """Return the body of a delivery: the claims as a compact JWS."""
        header = {"alg": "RS256", "kid": self.kid, "typ": "JWT"}
        return jwt.encode(dict(claims), self.key, algorithm="RS256", headers=header).encode()

    def sign_bytes(self, payload: bytes) -> bytes:
        """Return a compact JWS of bytes that need not be JSON."""
        return jwt.api_jws.encode(
            payload, self.key, algorithm="RS256", headers={"kid": self.kid}
        ).encode()


def _event_id() -> str:
    """Return an id whose first 48 bits are a millisecond time, so that ids sort by it."""
    return f"event_{time.time_ns() // 1_000_000:012x}{secrets.token_hex(10)}"


def _handler(issuer: KindeIssuer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.requests += 1
            self.send_response(issuer.status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(issuer.jwks)

        def log_message(self, *_: Any) -> None:
            """Say nothing: the tests and the demo have a voice of their own."""

    return Handler
