"""What the verifier says of a token under a key set, without asking anybody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from billing_webhooks.exceptions import NotAnEvent, NotProven
from billing_webhooks.providers.kinde.jwk import usable_keys
from billing_webhooks.providers.kinde.jws import CompactJWS

__all__ = ["ACCEPTED", "NO_KEYS", "Vector", "is_signature", "key_ids", "usable_keys", "verdict_on"]

ACCEPTED = "accepted"
NO_KEYS = "keys_unavailable"


@dataclass(frozen=True)
class Vector:
    """
    A token, the document that names the keys, and what must come of them.

    `verdict` is ACCEPTED, NO_KEYS for a document without one usable key, or the reason for
    which the token is refused.
    """

    verdict: str
    body: bytes
    jwks: Any


def verdict_on(body: bytes, jwks: Any) -> str:
    """Return the verdict on a token under a key set."""
    try:
        token = CompactJWS.parse(body)
        keys = usable_keys(jwks)
        if not keys:
            return NO_KEYS
        if not any(token.is_signed_by(key) for key in keys.get(token.kid, ())):
            return "signature" if token.kid in keys else "unknown_kid"
        assert isinstance(token.payload, bytes)
    except (NotAnEvent, NotProven) as refusal:
        return refusal.reason
    return ACCEPTED


def key_ids(jwks: Any) -> list[str]:
    """Return the ids under which a document holds a usable key."""
    return list(usable_keys(jwks))


def is_signature(signing_input: str, signature: bytes, jwk: dict[str, Any]) -> bool:
    """Return whether a published signature is right, whatever its header says."""
    (key,) = usable_keys({"keys": [{**jwk, "kid": "it"}]})["it"]
    payload = signing_input.partition(".")[2]
    return CompactJWS("it", signing_input.encode(), signature, payload.encode()).is_signed_by(key)
