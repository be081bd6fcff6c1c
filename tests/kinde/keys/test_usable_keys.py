"""Which keys of a set are used."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from billing_webhooks.providers.kinde import jwk
from billing_webhooks.providers.kinde.jwk import usable_keys
from billing_webhooks.testing import KindeIssuer
from tests.kinde.conftest import Deliver
from tests.kinde.deliveries import base64url, compact
from tests.kinde.keys.conftest import OTHER, genuine
from tests.kinde.origin import Origin, answer

pytestmark = pytest.mark.django_db


def one_key(issuer: KindeIssuer, **members: Any) -> dict[str, Any]:
    return {**issuer.public_jwk(), **members}


def document(*entries: Any) -> bytes:
    return answer(json.dumps({"keys": entries}).encode())


def rsa_jwk(bits: int) -> dict[str, Any]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    return dict(RSAAlgorithm.to_jwk(key.public_key(), as_dict=True))


def ec_jwk() -> dict[str, Any]:
    key = ec.generate_private_key(ec.SECP256R1())
    return dict(ECAlgorithm.to_jwk(key.public_key(), as_dict=True))


# Each replaces members of a usable key; None leaves the member out.
UNUSABLE_KEYS: dict[str, dict[str, Any]] = {
    "no-kid": {"kid": None},
    "kid-number": {"kid": 1},
    "kty-missing": {"kty": None},
    "kty-ec": ec_jwk(),
    "kty-oct": {"kty": "oct", "k": "c2VjcmV0"},
    "kty-lower-case": {"kty": "rsa"},
    "alg-rs512": {"alg": "RS512"},
    "alg-none": {"alg": "none"},
    "use-enc": {"use": "enc"},
    "use-list": {"use": ["sig"]},
    "key-ops-encrypt": {"key_ops": ["encrypt"]},
    "key-ops-empty": {"key_ops": []},
    "key-ops-text": {"key_ops": "verify"},
    "1024-bits": rsa_jwk(1024),
    "2047-bits": rsa_jwk(2047),
    "64-kbit": {"n": base64url(b"\xff" * 8192).decode()},
    "8200-bits": {"n": base64url(b"\xff" * 1025).decode()},
    "n-missing": {"n": None},
    "n-number": {"n": 65537},
    "n-empty": {"n": ""},
    "n-no-base64": {"n": "é" * 342},
    "n-impossible-length": {"n": "A" * 341},
    "e-missing": {"e": None},
    "e-number": {"e": 65537},
    "e-empty": {"e": ""},
    "e-zero": {"e": "AA"},
    "e-1": {"e": "AQ"},
    "e-2": {"e": "Ag"},
    "e-even": {"e": "AQAA"},
    "e-beyond-n": {"e": base64url(b"\xff" * 300).decode()},
}


@pytest.mark.parametrize("members", UNUSABLE_KEYS.values(), ids=UNUSABLE_KEYS.keys())
def test_unusable_key__passed_over(members: dict[str, Any]) -> None:
    entry = {**OTHER.public_jwk(), **members}
    entry = {name: value for name, value in entry.items() if value is not None}

    assert list(usable_keys({"keys": [entry]})) == []
    assert list(usable_keys({"keys": [entry, OTHER.public_jwk()]})) == ["other"]


@pytest.mark.parametrize(
    "members",
    [
        {"alg": None},
        {"use": None},
        {"key_ops": ["verify"]},
        {"x5c": ["MIIB"], "new": {"x": 1}},
        rsa_jwk(3072),
        rsa_jwk(4096),
    ],
    ids=["no-alg", "no-use", "key-ops", "more-members", "3072-bits", "4096-bits"],
)
def test_usable_key__kept(members: dict[str, Any]) -> None:
    entry = {**OTHER.public_jwk(), **members}
    entry = {name: value for name, value in entry.items() if value is not None}

    assert list(usable_keys({"keys": [entry]})) == ["other"]


def test_usable_key__null_members_are_as_if_missing() -> None:
    entry = {**OTHER.public_jwk(), "alg": None, "use": None, "key_ops": None}

    assert list(usable_keys({"keys": [entry]})) == ["other"]


def test_published_private_key__verifies_and_is_told(
    issuer: KindeIssuer, origin: Origin, deliver: Deliver, caplog: pytest.LogCaptureFixture
) -> None:
    private = {**RSAAlgorithm.to_jwk(issuer.key, as_dict=True), "kid": issuer.kid}
    private.pop("key_ops")
    origin.answer = document(private)

    assert deliver(genuine(issuer)).status_code == 200
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert private["d"] not in caplog.text


def test_kid_of_several_keys__each_is_tried(
    issuer: KindeIssuer, origin: Origin, deliver: Deliver, foreign_key: RSAPrivateKey
) -> None:
    wrong = one_key(KindeIssuer(kid=issuer.kid))
    origin.answer = document(*[wrong] * 3, issuer.public_jwk())

    assert deliver(genuine(issuer)).status_code == 200
    body = compact({"alg": "RS256", "kid": issuer.kid}, b"{}", foreign_key)
    assert deliver(body).status_code == 401
    assert origin.requests == 1


def test_kid_of_many_keys__not_all_are_tried() -> None:
    found = usable_keys({"keys": [OTHER.public_jwk()] * 200})

    assert len(found["other"]) == jwk.MAX_KEYS_PER_KID


def test_set_of_many_keys__beginning_is_kept() -> None:
    entries = [one_key(OTHER, kid=str(number)) for number in range(150)]

    assert list(usable_keys({"keys": entries})) == [str(number) for number in range(100)]
