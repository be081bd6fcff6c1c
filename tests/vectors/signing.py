"""RSA by hand, because a library signs only what is well formed."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa

from tests.vectors.published import COOKBOOK_KEY, COOKBOOK_PRIVATE_EXPONENT

SIZE = 256
# ASN.1 for "the SHA-256 of it is these 32 bytes".
SHA256_PREFIX = bytes.fromhex("3031300d060960864801650304020105000420")


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def encoded(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")


def number(text: str) -> int:
    return int.from_bytes(decoded(text), "big")


MODULUS = number(COOKBOOK_KEY["n"])
EXPONENT = 65537
PRIVATE_EXPONENT = number(COOKBOOK_PRIVATE_EXPONENT)
P, Q = rsa.rsa_recover_prime_factors(MODULUS, EXPONENT, PRIVATE_EXPONENT)
PRIVATE_KEY = rsa.RSAPrivateNumbers(
    P,
    Q,
    PRIVATE_EXPONENT,
    rsa.rsa_crt_dmp1(PRIVATE_EXPONENT, P),
    rsa.rsa_crt_dmq1(PRIVATE_EXPONENT, Q),
    rsa.rsa_crt_iqmp(P, Q),
    rsa.RSAPublicNumbers(EXPONENT, MODULUS),
)
HEADER = {"alg": "RS256", "kid": COOKBOOK_KEY["kid"]}
KEYS = {"keys": [COOKBOOK_KEY]}


def signature_of(block: bytes) -> bytes:
    """Return what the private key makes of a block, well formed or not."""
    content, key = int.from_bytes(block, "big"), PRIVATE_KEY
    by_p, by_q = pow(content, key.dmp1, P), pow(content, key.dmq1, Q)
    return (by_q + Q * (key.iqmp * (by_p - by_q) % P)).to_bytes(SIZE, "big")


def block_of(info: bytes, size: int = SIZE) -> bytes:
    """Return a block of PKCS #1 version 1.5 around what is said of the digest."""
    return b"\0\1" + b"\xff" * (size - 3 - len(info)) + b"\0" + info


def right_block(signing_input: bytes) -> bytes:
    return block_of(SHA256_PREFIX + hashlib.sha256(signing_input).digest())


def signing_input_of(payload: bytes, header: Any = HEADER) -> bytes:
    """Return the first two segments; a header that is bytes is taken as it is."""
    head = header if isinstance(header, bytes) else json.dumps(header).encode()
    return encoded(head) + b"." + encoded(payload)


def token_of(signing_input: bytes, signature: bytes | None = None) -> bytes:
    """Return a token, by default rightly signed."""
    if signature is None:
        signature = signature_of(right_block(signing_input))
    return signing_input + b"." + encoded(signature)
