"""Whatever stands in an event, every database can store what is read of it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing_webhooks import facts
from billing_webhooks.exceptions import NotUnderstood, Refused
from billing_webhooks.providers.base import Provider
from billing_webhooks.providers.billabear import BillaBearProvider
from billing_webhooks.providers.kinde import KindeProvider, reading
from billing_webhooks.testing import KindeIssuer, kinde_event
from tests.billabear.deliveries import CONTENT
from tests.fuzzing.budget import budget
from tests.fuzzing.documents import edited, numbers, texts, values
from tests.kinde.deliveries import AGREEMENT_ID, CUSTOMER_ID
from tests.once import on_one_database

on_one_database()

NOW = datetime(2026, 3, 2, 10, 30, tzinfo=UTC)
KINDE = KindeProvider("kinde", {"ISSUER": "https://acme.kinde.com"})
BILLABEAR = BillaBearProvider("billabear", {"SECRETS": []})
TENANT = KindeIssuer()

# Everything that Kinde's events have been seen to hold, at once.
DATA: dict[str, Any] = {
    "customer_id": CUSTOMER_ID,
    "customer": {"id": CUSTOMER_ID, "email": "one@example.org"},
    "org_code": "org_1",
    "user_id": "kp_1",
    "agreement_id": AGREEMENT_ID,
    "agreement": {"id": AGREEMENT_ID},
    "plan": {"code": "pro", "key": "pro", "id": "plan_1", "name": "Pro"},
    "invoice": {"id": "invoice_1", "amount": 1999, "currency": "EUR"},
    "payment": {"id": "payment_1", "amount": "19.99", "currency": "EUR"},
    "amount": 19.99,
    "currency": "EUR",
    "invoice_due_on": "2026-04-01T00:00:00Z",
    "next_billing_date": "2026-04-01T00:00:00.123456789+02:00",
    "meter_id": "seats",
    "quantity": "3",
}
# Spelled as JSON may spell it: more digits and a wider range than any column has.
LIMITS = ["9" * 18, "9" * 19, "9" * 18 + ".9999999", "1e18", "-9.9e18", "1e-7", "1e308", "1e-999"]
spelled = st.sampled_from(LIMITS) | st.from_regex(
    r"-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?", fullmatch=True
)
dates = st.datetimes().map(datetime.isoformat) | st.from_regex(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,12})?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?",
    fullmatch=True,
)
# What some column or some database does not take.
hostile = st.sampled_from(["a\0b", "\0", "\ud800", "a\udfffb", "x" * 256, "\U0001f600" * 300])
others = hostile | numbers | spelled | texts | dates | values


def bodies(genuine: Mapping[str, Any]) -> st.SearchStrategy[bytes]:
    """Return a strategy for an event in which any number may be spelled in any way."""
    written = edited(genuine, others).map(lambda payload: json.dumps(payload).encode())
    return st.builds(lambda body, number: body.replace(b"19.99", number.encode()), written, spelled)


kinde_bodies = st.sampled_from(sorted(reading.MEANINGS)).flatmap(
    lambda event_type: bodies(kinde_event(event_type, DATA, event_id="event_1", occurred_at=NOW))
)
billabear_bodies = st.sampled_from(sorted(CONTENT)).flatmap(
    lambda event_type: bodies({"type": event_type, **CONTENT[event_type]})
)


def leaves(fact: Any) -> Iterator[tuple[str, Any]]:
    """Yield the name and value of every field, those of the facts and references in it too."""
    for field in dataclasses.fields(fact):
        value = getattr(fact, field.name)
        if dataclasses.is_dataclass(value):
            yield from leaves(value)
        else:
            yield field.name, value


def assert_storable(name: str, value: Any) -> None:
    if isinstance(value, str):
        assert len(value) <= (16 if name == "currency" else 255)
        assert "\0" not in value
        assert not any("\ud800" <= character <= "\udfff" for character in value)
    elif isinstance(value, Decimal):
        # What fits in 24 digits of which 6 are behind the point.
        assert value.is_finite()
        assert value == value.quantize(Decimal("0.000001"))
        assert abs(value) < 10**18
    elif isinstance(value, datetime):
        assert value.utcoffset() is not None
        assert 1970 <= value.year < 9999
    elif isinstance(value, int):
        assert 0 <= value < 2**31
    else:
        assert value is None


def assert_short(message: str) -> None:
    assert message.isprintable()
    assert len(message) < 200


def read(provider: Provider, body: bytes) -> list[facts.Fact]:
    """Return the facts in a body, or none if it is refused or not understood, by its own error."""
    try:
        envelope = provider.envelope(body, NOW)
    except Refused as error:
        assert_short(str(error))
        return []
    if envelope.event_type not in provider.signals:
        return []
    payload = provider.decode(body)
    try:
        first = list(provider.read(envelope.event_type, payload, envelope.occurred_at or NOW))
    except NotUnderstood as error:
        assert_short(str(error))
        return []
    assert first == list(provider.read(envelope.event_type, payload, envelope.occurred_at or NOW))
    return first


@budget(800)
@given(body=kinde_bodies)
def test_kinde__facts_that_can_be_stored(body: bytes) -> None:
    for fact in read(KINDE, TENANT.sign_bytes(body)):
        for name, value in leaves(fact):
            assert_storable(name, value)


@budget(800)
@given(body=billabear_bodies)
def test_billabear__facts_that_can_be_stored(body: bytes) -> None:
    for fact in read(BILLABEAR, body):
        for name, value in leaves(fact):
            assert_storable(name, value)


@pytest.mark.parametrize(("provider", "seeds"), [(KINDE, DATA), (BILLABEAR, CONTENT)])
def test_seeds__are_read(provider: Provider, seeds: Mapping[str, Any]) -> None:
    """Nothing is tried by the others if what they start from is not understood."""
    if provider is KINDE:
        events = [kinde_event(each, DATA, occurred_at=NOW) for each in reading.MEANINGS]
        found = [read(provider, TENANT.sign(event)) for event in events]
    else:
        found = [
            read(provider, json.dumps({"type": name, **content}).encode())
            for name, content in CONTENT.items()
            if name != "usage_warning_triggered"
        ]
    assert all(found)
