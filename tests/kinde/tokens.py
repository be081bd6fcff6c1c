"""Tokens as a tenant makes them, and as everybody else tries to."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.api_jws import PyJWS

from billing_webhooks.testing import KindeIssuer
from tests.kinde.deliveries import base64url, compact, json_bytes
from tests.kinde.events import event

Make = Callable[[KindeIssuer], bytes]

EVENT = event()
PAYLOAD = json_bytes(EVENT)


def header(issuer: KindeIssuer, **parameters: Any) -> dict[str, Any]:
    """Return the header that Kinde writes, with parameters replaced or, by None, removed."""
    usual = {"alg": "RS256", "kid": issuer.kid, "typ": "JWT", **parameters}
    return {name: value for name, value in usual.items() if value is not None}


def with_header(**parameters: Any) -> Make:
    """Make a token with the tenant's own RS256 signature under a changed header."""
    return lambda issuer: compact(header(issuer, **parameters), PAYLOAD, issuer.key)


def with_raw_header(text: str) -> Make:
    """Make a token whose header is this text, with `KID` replaced by the tenant's key id."""
    return lambda issuer: compact(text.replace("KID", issuer.kid).encode(), PAYLOAD, issuer.key)


def unsigned(alg: str) -> Make:
    return lambda issuer: b".".join(
        [base64url(json_bytes(header(issuer, alg=alg))), base64url(PAYLOAD), b""]
    )


def by_secret(secret: Callable[[KindeIssuer], bytes]) -> Make:
    """Make an HS256 token with something public as the secret."""

    def make(issuer: KindeIssuer) -> bytes:
        head = base64url(json_bytes(header(issuer, alg="HS256")))
        signing_input = head + b"." + base64url(PAYLOAD)
        digest = hmac.digest(secret(issuer), signing_input, hashlib.sha256)
        return signing_input + b"." + base64url(digest)

    return make


def by_algorithm(algorithm: str) -> Make:
    """Make a token that the tenant's own key signed with another algorithm."""
    return lambda issuer: (
        PyJWS()
        .encode(PAYLOAD, issuer.key, algorithm=algorithm, headers={"kid": issuer.kid})
        .encode()
    )


def by_elliptic_curve(issuer: KindeIssuer) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    return PyJWS().encode(PAYLOAD, key, algorithm="ES256", headers={"kid": issuer.kid}).encode()


def by_signature(scheme: padding.AsymmetricPadding, algorithm: hashes.HashAlgorithm) -> Make:
    """Make a token that says RS256 and is signed otherwise."""

    def make(issuer: KindeIssuer) -> bytes:
        signing_input = base64url(json_bytes(header(issuer))) + b"." + base64url(PAYLOAD)
        return signing_input + b"." + base64url(issuer.key.sign(signing_input, scheme, algorithm))

    return make


def edited(edit: Callable[[bytes, bytes, bytes], bytes]) -> Make:
    """Make a genuine token and change its three segments."""
    return lambda issuer: edit(*issuer.sign(EVENT).split(b"."))


def whole(edit: Callable[[bytes], bytes]) -> Make:
    """Make a genuine token and change its bytes."""
    return lambda issuer: edit(issuer.sign(EVENT))


def with_unused_bits(segment: bytes) -> bytes:
    """Return other digits for the same bytes: the last digit has bits that decode to nothing."""
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    assert len(segment) % 4
    return segment[:-1] + bytes([alphabet[alphabet.index(segment[-1]) + 1]])


def pem(issuer: KindeIssuer) -> bytes:
    return issuer.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def by_pss(issuer: KindeIssuer) -> bytes:
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
    return by_signature(pss, hashes.SHA256())(issuer)


def by_sha1(issuer: KindeIssuer) -> bytes:
    return by_signature(padding.PKCS1v15(), hashes.SHA1())(issuer)  # noqa: S303
