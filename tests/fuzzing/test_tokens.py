"""Tokens made of genuine ones: none that is another is let in, and each that is right is."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, target
from hypothesis import strategies as st

from billing_webhooks.exceptions import Refused
from billing_webhooks.providers.base import Delivery, Envelope
from billing_webhooks.providers.kinde import KindeProvider
from billing_webhooks.testing import KindeIssuer, kinde_event
from tests.fuzzing.budget import budget
from tests.fuzzing.documents import edited, values
from tests.fuzzing.mutations import mutated
from tests.kinde.deliveries import CHANGED_PLAN, base64url, compact
from tests.once import on_one_database

on_one_database()

NOW = datetime(2026, 3, 2, 10, 30, tzinfo=UTC)
EVENTS = [
    kinde_event("customer.plan_changed", CHANGED_PLAN, event_id=f"event_{number}", occurred_at=NOW)
    for number in range(3)
]
# How far a token came before it was refused: what comes furthest is varied most.
STAGES = [
    "not_compact_jws",
    "encoding",
    "header",
    "alg",
    "crit",
    "nested",
    "kid",
    "unknown_kid",
    "signature",
]

TENANT = KindeIssuer(kid="4c:fa:9e")
GENUINE = [TENANT.sign(event) for event in EVENTS]


@pytest.fixture(scope="module")
def provider() -> Iterator[KindeProvider]:
    with TENANT:
        provider = KindeProvider("kinde", {"ISSUER": TENANT.url})
        # An unknown key id that comes first would lead to a cool-down, and to nothing else.
        provider.verify(Delivery(body=GENUINE[0], received_at=NOW))
        yield provider


def verify(provider: KindeProvider, body: bytes) -> Envelope | str:
    """Return the envelope of a body, or the reason for which it is refused."""
    try:
        return provider.verify(Delivery(body=body, received_at=NOW))
    except Refused as refusal:
        return refusal.reason


def bare(body: bytes) -> list[bytes]:
    """Return the segments of a token without what is passed over."""
    return [segment.rstrip(b"=") for segment in body.strip(b" \t\r\n\v\f").split(b".")]


@budget(800)
@given(body=mutated(GENUINE))
def test_mutated_token__is_a_genuine_one_or_refused(provider: KindeProvider, body: bytes) -> None:
    outcome = verify(provider, body)

    if isinstance(outcome, Envelope):
        assert bare(body) in [bare(genuine) for genuine in GENUINE]
        assert outcome.identity in [event["event_id"] for event in EVENTS]
    else:
        target(float(STAGES.index(outcome) if outcome in STAGES else len(STAGES)))


HEADER = {"alg": "RS256", "kid": TENANT.kid, "typ": "JWT"}
header_values = values | st.sampled_from(
    ["RS256", "none", "HS256", "RS512", TENANT.kid, True, False, ["exp"], ["b64"], {}]
)
headers = edited(HEADER, header_values) | edited(
    {**HEADER, "crit": ["exp"], "b64": True, "jwk": {}}
)


def is_acceptable(header: dict[str, Any]) -> bool:
    """Return whether a header asks for RS256 by the tenant's key, and for nothing critical."""
    return (
        header.get("alg") == "RS256"
        and header.get("kid") == TENANT.kid
        and "crit" not in header
        and header.get("b64", True) is True
    )


@budget(500)
@given(header=headers)
def test_edited_header__rightly_signed_is_accepted_if_it_asks_for_what_we_do(
    provider: KindeProvider, header: dict[str, Any]
) -> None:
    outcome = verify(provider, compact(header, json.dumps(EVENTS[0]).encode(), TENANT.key))

    # What the header says beside may be no JSON to a strict reader, and is then refused too.
    if outcome != "header":
        assert isinstance(outcome, Envelope) == is_acceptable(header)


@budget(300)
@given(header=headers)
def test_edited_header__under_the_old_signature_is_refused(
    provider: KindeProvider, header: dict[str, Any]
) -> None:
    head, payload, signature = GENUINE[0].split(b".")
    edited_head = base64url(json.dumps(header).encode())

    if edited_head != head:
        outcome = verify(provider, b".".join([edited_head, payload, signature]))
        assert isinstance(outcome, str)


PAYLOADS = [json.dumps(event).encode() for event in EVENTS]
# Of what is rightly signed only tokens for another purpose, tenant or time are refused.
FOREIGN = {"not_a_webhook", "issuer", "expired"}


@budget(500)
@given(payload=mutated(PAYLOADS))
def test_mutated_payload__rightly_signed_is_an_event_or_kept(
    provider: KindeProvider, payload: bytes
) -> None:
    outcome = verify(provider, TENANT.sign_bytes(payload))

    if isinstance(outcome, str):
        assert outcome in FOREIGN
    else:
        assert outcome.identity
        assert bool(outcome.problem) == (not outcome.event_type)
        assert outcome == verify(provider, TENANT.sign_bytes(payload))


@budget(300)
@given(payload=mutated(PAYLOADS))
def test_mutated_payload__under_the_old_signature_is_refused(
    provider: KindeProvider, payload: bytes
) -> None:
    head, old, signature = GENUINE[0].split(b".")
    segment = base64.urlsafe_b64encode(payload).rstrip(b"=")

    if segment != old and segment not in [genuine.split(b".")[1] for genuine in GENUINE]:
        assert isinstance(verify(provider, b".".join([head, segment, signature])), str)


@budget(300)
@given(body=mutated(GENUINE))
def test_stored_body__whatever_it_is_has_an_envelope_or_is_not_proven(
    provider: KindeProvider, body: bytes
) -> None:
    """What is in quarantine is read anew, and the database may have been changed by hand."""
    try:
        envelope = provider.envelope(body, NOW)
    except Refused:
        return
    assert bool(envelope.problem) == (not envelope.event_type)
