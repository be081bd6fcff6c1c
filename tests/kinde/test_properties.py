"""No input whatsoever: facts or NotUnderstood, an envelope or a refusal, nothing else."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.core.validators import DecimalValidator
from hypothesis import example, given, settings
from hypothesis import strategies as st

from billing_webhooks.exceptions import NotUnderstood, Refused
from billing_webhooks.facts import Money
from billing_webhooks.providers.base import Delivery, Envelope
from billing_webhooks.providers.kinde import KindeProvider, reading
from billing_webhooks.providers.kinde.jwk import usable_keys
from billing_webhooks.providers.strict_json import NotStrictJSON, parse
from billing_webhooks.testing import KindeIssuer, kinde_event
from tests.conftest import at
from tests.kinde.deliveries import CHANGED_PLAN, changed_byte, compact, payload_of
from tests.once import on_one_database

on_one_database()

NOW = at("10:30")

budget = settings(max_examples=150, deadline=None, database=None, derandomize=True)

# Everywhere that anything is looked for, so that payloads are often nearly right ones.
PATHS = sorted(
    {path for paths in vars(reading).values() if isinstance(paths, tuple) for path in paths}
    | {"event_id", "event_timestamp", "exp", "iss", "timestamp", "type"}
)
NAMES = sorted({name for path in PATHS for name in path.split(".")})

# Lone surrogates and NUL included: JSON can spell them.
texts = st.text(st.characters(exclude_categories=[]), max_size=12) | st.sampled_from(
    ["", "0", "1e400", "x" * 256, "2026-03-02T10:30:00.123456789+00", "\0", "\ud800"]
)
limits = st.decimals(10**18 - 2, 10**18 + 2, places=7)
numbers = st.integers() | limits | limits.map(str) | st.decimals(allow_nan=False)
scalars = st.none() | st.booleans() | numbers | texts
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(NAMES) | texts, inner),
    max_leaves=5,
)
# Mostly what is expected at a path, because one bad id ends the reading of everything.
expected: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(PATHS, st.sampled_from(["customer_1", "x" * 255, 7, None])),
    **dict.fromkeys((*reading.EMAIL, *reading.PLAN_NAME, *reading.CURRENCY), texts),
    **dict.fromkeys((*reading.AMOUNT, *reading.QUANTITY), numbers),
}


def mostly(usual: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.integers(0, 30).flatmap(lambda die: usual if die else values)


written = st.fixed_dictionaries(
    {}, optional={path: mostly(usual) for path, usual in expected.items()}
)
payloads = written.map(payload_of) | st.dictionaries(st.sampled_from(NAMES), values, max_size=6)


def leaves(fact: Any) -> Iterator[Any]:
    """Yield every value of a fact, those of the references in it too."""
    for each in dataclasses.fields(fact):
        value = getattr(fact, each.name)
        if dataclasses.is_dataclass(value):
            yield from leaves(value)
        else:
            yield value


def assert_storable(fact: Any) -> None:
    """Assert that every supported database can store each value of a fact."""
    for value in leaves(fact):
        if isinstance(value, str):
            value.encode()
            assert len(value) <= 255
            assert "\0" not in value
        elif isinstance(value, Decimal):
            DecimalValidator(max_digits=24, decimal_places=6)(value)
        elif isinstance(value, datetime):
            assert value.utcoffset() is not None
    money = getattr(fact, "money", None)
    if isinstance(money, Money) and money.currency:
        assert len(money.currency) <= 16


@budget
@given(st.sampled_from(sorted(reading.MEANINGS)), payloads)
@example(
    "customer.payment_succeeded",
    {"data": {"amount": 10**18 - 2, "currency": "c" * 255}},
)
def test_read__facts_or_not_understood(event_type: str, payload: dict[str, Any]) -> None:
    assert isinstance(reading.subject(payload), str)
    try:
        facts = reading.read(event_type, payload, NOW)
    except NotUnderstood:
        return
    for fact in facts:
        assert_storable(fact)


@pytest.fixture(scope="module")
def tenant() -> Iterator[KindeIssuer]:
    with KindeIssuer() as tenant:
        yield tenant


@pytest.fixture(scope="module")
def provider(tenant: KindeIssuer) -> KindeProvider:
    return KindeProvider("kinde", {"ISSUER": tenant.url})


def verify(provider: KindeProvider, body: bytes) -> Envelope | None:
    """Return the envelope of a body, None for a refused one."""
    delivery = Delivery(body=body, received_at=datetime.now(UTC))
    try:
        return provider.verify(delivery)
    except Refused:
        return None


@budget
@given(st.binary(max_size=600))
def test_verify__any_bytes_refused(provider: KindeProvider, body: bytes) -> None:
    assert verify(provider, body) is None


@budget
@given(st.lists(st.binary(max_size=100) | st.just(b"eyJ"), min_size=3, max_size=3))
def test_verify__any_three_segments_refused(provider: KindeProvider, parts: list[bytes]) -> None:
    assert verify(provider, b".".join(parts)) is None


def json_text(value: Any) -> bytes:
    return json.dumps(value, default=str).encode()


headers = st.dictionaries(
    st.sampled_from(["alg", "kid", "typ", "crit", "b64", "jku", "jwk"]),
    values | st.just("RS256"),
).map(json_text)


@budget
@given(headers | st.binary(max_size=200).map(lambda junk: b"{" + junk))
def test_verify__any_header_refused(
    provider: KindeProvider, tenant: KindeIssuer, header: bytes
) -> None:
    assert verify(provider, compact(header, b"{}", tenant.key)) is None


@budget
@given(
    payloads.map(json_text)
    | payloads.map(lambda claims: json_text({**kinde_event("x", {}), **claims}))
    | st.binary(max_size=300)
)
@example(b'{"event_id":"event_1","type":"x","data":{"amount":1e-99999999999999999999}}')
@example(b"[" * 100_000)
def test_verify__any_signed_payload_enveloped_or_refused(
    provider: KindeProvider, tenant: KindeIssuer, payload: bytes
) -> None:
    envelope = verify(provider, tenant.sign_bytes(payload))
    if envelope is None:
        return
    assert envelope.identity
    assert len(envelope.event_type) <= 100
    assert len(envelope.external_id) <= 255
    (envelope.event_type + envelope.external_id).encode()
    assert bool(envelope.problem) == (not envelope.event_type)


@budget
@given(st.data())
def test_verify__any_changed_byte_refused(
    provider: KindeProvider, tenant: KindeIssuer, data: st.DataObject
) -> None:
    body = tenant.sign(kinde_event("customer.plan_changed", CHANGED_PLAN, event_id="event_1"))
    position = data.draw(st.integers(0, len(body) - 1))

    assert verify(provider, body) is not None
    assert verify(provider, changed_byte(body, position)) is None


JWK_MEMBERS = ["kty", "kid", "n", "e", "alg", "use", "key_ops", "d", "p", "crv", "x", "k"]


@budget
@given(
    values
    | st.lists(
        st.dictionaries(
            st.sampled_from(JWK_MEMBERS),
            values | st.sampled_from(["RSA", "RS256", "AQAB", "sig", "EC", "A" * 342]),
        )
        | values
    ).map(lambda entries: {"keys": entries})
)
def test_usable_keys__none_of_any_document(document: Any) -> None:
    assert all(usable_keys(document).values())


@budget
@given(st.binary(max_size=200) | values.map(json_text))
def test_parse__document_or_not_strict_json(body: bytes) -> None:
    try:
        document = parse(body)
    except NotStrictJSON:
        return
    assert not isinstance(document.value, float)
