"""A published key set becomes keys that may prove something."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import RSAAlgorithm
from jwt.exceptions import InvalidKeyError

from billing_webhooks.harmless import get_logger
from billing_webhooks.providers.kinde.moduli import is_weak_modulus

logger = get_logger(__name__)

MAX_KEYS = 100
MAX_KEYS_PER_KID = 4
KEY_BITS = range(2048, 8192 + 1)
PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth"})

# Key id → the usable keys of that id; a set may hold several.
Keys = Mapping[str, tuple[RSAPublicKey, ...]]


def usable_keys(jwks: Any) -> Keys:
    """
    Return the RSA signature keys of a JWKS document, by key id.

    Kinde publishes `{"keys": [{"kty": "RSA", "e": …, "n": …, "alg": "RS256",
    "use": "sig", "kid": …}]}`. Keys for anything else, too small or too large ones
    and malformed ones are passed over.
    """
    entries = jwks.get("keys") if isinstance(jwks, dict) else None
    if not isinstance(entries, list):
        return {}
    found: defaultdict[str, list[RSAPublicKey]] = defaultdict(list)
    for entry in entries[:MAX_KEYS]:
        key = _public_key(entry) if isinstance(entry, dict) else None
        if key is not None and len(found[entry["kid"]]) < MAX_KEYS_PER_KID:
            found[entry["kid"]].append(key)
    return {kid: tuple(keys) for kid, keys in found.items() if keys}


def _public_key(entry: dict[str, Any]) -> RSAPublicKey | None:
    # In its payloads Kinde writes what is not there as null.
    jwk = {name: value for name, value in entry.items() if value is not None}
    operations = jwk.get("key_ops", ["verify"])
    if not (
        jwk.get("kty") == "RSA"
        and isinstance(jwk.get("kid"), str)
        and jwk.get("alg", "RS256") == "RS256"
        and jwk.get("use", "sig") == "sig"
        and isinstance(operations, list)
        and "verify" in operations
    ):
        return None
    if jwk.keys() & PRIVATE_MEMBERS:
        logger.error("A published key set holds a private key; only its public part is used.")
    public = {name: value for name, value in jwk.items() if name not in PRIVATE_MEMBERS}
    # A modulus of 8192 bits has 1366 base64url digits; longer ones are not worth parsing.
    if not isinstance(public.get("n"), str) or len(public["n"]) > 1400:
        return None
    try:
        key = RSAAlgorithm.from_jwk(public)
    except (InvalidKeyError, ValueError, TypeError, AttributeError):
        return None
    if not isinstance(key, RSAPublicKey) or key.key_size not in KEY_BITS:
        return None
    numbers = key.public_numbers()
    is_odd = numbers.e >= 3 and numbers.e % 2
    return key if is_odd and not is_weak_modulus(numbers.n) else None
