"""Public vectors against the verifier: nothing invalid is accepted, everything valid is."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from typing import Any

import pytest

from tests.once import on_one_database
from tests.vectors import key_sets, published, signatures, tokens
from tests.vectors.signing import KEYS, decoded, encoded
from tests.vectors.verifier import ACCEPTED, Vector, is_signature, key_ids, verdict_on

on_one_database()

TABLES = {"signature": signatures, "token": tokens, "keys": key_sets}
VECTORS: dict[str, Vector] = {
    f"{table}: {name}": vector
    for table, module in TABLES.items()
    for name, vector in module.VECTORS.items()
}


@pytest.mark.parametrize("vector", VECTORS.values(), ids=VECTORS)
def test_vector__gets_its_verdict(vector: Vector) -> None:
    assert verdict_on(vector.body, vector.jwks) == vector.verdict


def test_vectors__of_each_verdict_there_are_some() -> None:
    verdicts = Counter(vector.verdict for vector in VECTORS.values())

    assert len(VECTORS) > 350
    assert verdicts[ACCEPTED] > 30
    assert all(number >= 2 for number in verdicts.values())
    assert verdicts.keys() == {
        *(ACCEPTED, "not_compact_jws", "encoding", "header", "alg", "crit", "nested", "kid"),
        *("unknown_kid", "signature", "keys_unavailable"),
    }


@pytest.mark.parametrize(
    ("signing_input", "signature", "key"),
    [
        (published.A2_SIGNING_INPUT, published.A2_SIGNATURE, published.A2_KEY),
        (
            published.COOKBOOK_SIGNING_INPUT,
            published.COOKBOOK_SIGNATURE,
            published.COOKBOOK_KEY,
        ),
    ],
    ids=["RFC 7515, A.2", "RFC 7520, 4.1"],
)
def test_published_signature__is_right_and_changed_is_not(
    signing_input: str, signature: str, key: dict[str, Any]
) -> None:
    right = decoded(signature)
    assert is_signature(signing_input, right, key)
    for position in range(0, len(right), 16):
        changed = bytearray(right)
        changed[position] ^= 1
        assert not is_signature(signing_input, bytes(changed), key)


def test_published_set__the_key_for_rs256_is_used() -> None:
    """RFC 7517, appendix A.1, and the thumbprint of its key in RFC 7638, section 3.1."""
    (name,) = key_ids(published.PUBLIC_KEYS)
    (entry,) = (key for key in published.PUBLIC_KEYS["keys"] if key["kid"] == name)

    required = {member: entry[member] for member in ("e", "kty", "n")}
    digest = hashlib.sha256(json.dumps(required, separators=(",", ":")).encode()).digest()
    assert (name, encoded(digest).decode()) == ("2011-04-29", published.THUMBPRINT)


def test_published_set__the_token_of_its_neighbour_is_refused() -> None:
    a2 = f"{published.A2_SIGNING_INPUT}.{published.A2_SIGNATURE}".encode()

    assert verdict_on(a2, KEYS) == "kid"
    assert verdict_on(tokens.TOKEN, published.PUBLIC_KEYS) == "unknown_kid"


@pytest.mark.parametrize("jwks", key_sets.WEAK.values(), ids=key_sets.WEAK)
def test_weak_modulus__is_not_used(jwks: dict[str, Any]) -> None:
    assert key_ids(jwks) == []
