"""Requests of any kind: only who knows a secret is let in, and none who does is kept out."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from billing_webhooks.exceptions import NotProven
from billing_webhooks.providers.base import Delivery
from billing_webhooks.providers.billabear import BillaBearProvider
from billing_webhooks.testing import billabear_body
from tests.billabear.deliveries import CONTENT
from tests.conftest import basic
from tests.fuzzing.budget import budget
from tests.fuzzing.mutations import mutated
from tests.once import on_one_database

on_one_database()

NOW = datetime(2026, 3, 2, tzinfo=UTC)
SECRETS = ["first-secret-of-the-tests", "z\u00fcrich: a second one"]
PROVIDER = BillaBearProvider("billabear", {"SECRETS": SECRETS})
GENUINE = [billabear_body(event_type, **content) for event_type, content in CONTENT.items()]

# A server hands the bytes of a header on as latin-1, and Django the path as text.
headers = mutated([basic(secret).encode() for secret in SECRETS]).map(
    lambda content: content.decode("latin-1")
)
words = mutated([secret.encode() for secret in SECRETS]).map(
    lambda content: content.decode(errors="surrogateescape")
)
deliveries = st.builds(
    Delivery,
    body=mutated(GENUINE) | st.binary(max_size=50),
    received_at=st.just(NOW),
    headers=st.fixed_dictionaries(
        {},
        optional={
            "authorization": headers | st.text(max_size=30),
            "content-encoding": st.sampled_from(["", "identity", "gzip"]) | st.text(max_size=5),
            "x-token": words,
        },
    ),
    query=st.dictionaries(st.sampled_from(["token", "Token", "secret", ""]), words, max_size=2),
    path_token=words | st.just(""),
    truncated=st.booleans(),
)


def knows_a_secret(delivery: Delivery) -> bool:
    """Return whether a secret stands at one of the places for it."""
    scheme, _, rest = delivery.headers.get("authorization", "").partition(" ")
    user = password = ""
    if scheme.lower() == "basic":
        user, _, password = decoded(rest.strip()).partition(":")
    return any(
        place in SECRETS
        for place in (user, password, delivery.path_token, delivery.query.get("token"))
    )


def decoded(credentials: str) -> str:
    """Return what Basic credentials stand for, which passes over what is no base64."""
    try:
        return base64.b64decode(credentials).decode(errors="surrogateescape")
    except ValueError:
        return ""


@budget(1500)
@given(delivery=deliveries)
def test_any_delivery__is_let_in_if_it_knows_a_secret(delivery: Delivery) -> None:
    is_known = knows_a_secret(delivery)
    event("known" if is_known else "not known")
    if not is_known:
        with pytest.raises(NotProven, match=r"^secret$"):
            PROVIDER.verify(delivery)
        return
    envelope = PROVIDER.verify(delivery)
    assert bool(envelope.problem) == (not envelope.event_type)
    assert envelope.problem or not (delivery.truncated or delivery.is_encoded)


@budget(500)
@given(body=mutated(GENUINE))
def test_mutated_body__is_an_event_or_says_what_is_wrong_with_it(body: bytes) -> None:
    envelope = PROVIDER.envelope(body, NOW)

    assert bool(envelope.problem) == (not envelope.event_type)
    assert len(envelope.problem) < 200
    assert envelope.problem.isascii()
    assert len(envelope.event_type) <= 100
    assert envelope == PROVIDER.envelope(body, NOW)
