"""Deliveries that a Kinde tenant sends, and some that it never would."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

CUSTOMER_ID = "customer_" + "01" * 16
AGREEMENT_ID = "agreement_" + "02" * 16

CHANGED_PLAN = {
    "customer_id": CUSTOMER_ID,
    "agreement_id": AGREEMENT_ID,
    "plan": {"code": "customer_pro_plan", "name": "Pro"},
}


def base64url(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")


def compact(header: Any, payload: bytes, key: RSAPrivateKey) -> bytes:
    """
    Return a compact JWS with a right RS256 signature under any header whatsoever.

    A header that is bytes is taken as it is, anything else is written as JSON.
    """
    header_json = header if isinstance(header, bytes) else json.dumps(header).encode()
    signing_input = base64url(header_json) + b"." + base64url(payload)
    signature = key.sign(signing_input, padding.PKCS1v15(), hashes.SHA256())
    return signing_input + b"." + base64url(signature)


def json_bytes(claims: Mapping[str, Any]) -> bytes:
    return json.dumps(claims).encode()


def changed_byte(body: bytes, position: int) -> bytes:
    """Return the body with another base64url digit at a position."""
    digit = b"B" if body[position : position + 1] == b"A" else b"A"
    return body[:position] + digit + body[position + 1 :]


def payload_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a payload with values at dotted paths."""
    payload: dict[str, Any] = {"data": {}}
    for path, value in values.items():
        *parents, name = path.split(".")
        node = payload
        for parent in parents:
            node = node.setdefault(parent, {})
        node[name] = value
    return payload
