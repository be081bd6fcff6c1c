"""Key sets that are nearly right: of each entry it is clear whether its key is used."""

from __future__ import annotations

import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzzing.budget import budget
from tests.fuzzing.documents import edited, values
from tests.once import on_one_database
from tests.vectors.published import A2_KEY, COOKBOOK_KEY, PUBLIC_KEYS
from tests.vectors.verifier import usable_keys

on_one_database()

GENUINE = {**COOKBOOK_KEY, "alg": "RS256", "key_ops": ["verify"]}
members = values | st.sampled_from(
    [
        *("RSA", "EC", "oct", "sig", "enc", "RS256", "RS512", "verify", "encrypt", "AQAB", "Aw"),
        *(["verify"], ["sign"], [], A2_KEY["n"], A2_KEY["n"][:100], A2_KEY["n"] * 2),
    ]
)
entries = edited(GENUINE, members) | edited(PUBLIC_KEYS["keys"][0], members) | values


def says_otherwise(entry: Any) -> bool:
    """Return whether an entry is certainly no key for RS256; null is as good as missing."""
    if not isinstance(entry, dict):
        return True
    said = {name: value for name, value in entry.items() if value is not None}
    return not (
        said.get("kty") == "RSA"
        and isinstance(said.get("kid"), str)
        and said.get("use", "sig") == "sig"
        and said.get("alg", "RS256") == "RS256"
        and isinstance(said.get("key_ops", []), list)
        and "verify" in said.get("key_ops", ["verify"])
    )


@budget(500)
@given(found=st.lists(entries, max_size=5))
def test_edited_keys__only_such_as_verify_rs256_are_used(found: list[Any]) -> None:
    used = usable_keys(json.loads(json.dumps({"keys": found})))

    assert used.keys() <= {entry["kid"] for entry in found if not says_otherwise(entry)}
    for each in used.values():
        assert 1 <= len(each) <= 4
        for key in each:
            assert isinstance(key, RSAPublicKey)
            assert 2048 <= key.key_size <= 8192
            assert key.public_numbers().e >= 3
            assert key.public_numbers().e % 2


@budget(300)
@given(before=st.lists(entries, max_size=4), behind=st.lists(entries, max_size=4))
def test_right_key__is_used_whatever_stands_beside_it(before: list[Any], behind: list[Any]) -> None:
    right = {**GENUINE, "kid": "the right one"}
    used = usable_keys({"keys": [*before, right, *behind]})

    moduli = [key.public_numbers().n for key in used["the right one"]]
    assert len(moduli) == 1


@budget(200)
@given(document=values | edited({"keys": [GENUINE]}))
def test_any_document__is_a_mapping_of_keys(document: Any) -> None:
    used = usable_keys(document)

    assert all(used.values())
