"""Whatever is sent, it is kept and answered; nothing is our fault."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing_webhooks.exceptions import NotUnderstood
from billing_webhooks.models import WebhookEvent
from billing_webhooks.providers import get_provider
from billing_webhooks.providers.base import Delivery
from billing_webhooks.providers.billabear.reading import READINGS
from billing_webhooks.providers.billabear.shape import KEYS
from tests.billabear.deliveries import CONTENT, CUSTOMER_ID
from tests.conftest import SECRET

State = WebhookEvent.State
NOW = datetime(2026, 3, 2, tzinfo=UTC)

budget = settings(
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

texts = st.text(st.characters(exclude_categories=[]), max_size=40)
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=10**17, max_value=10**20)
    | st.floats()
    | texts
    | st.sampled_from([CUSTOMER_ID, "active", "Pro", "90000.00", "1e99", "NaN", "x" * 300])
)
keys = st.sampled_from(sorted(KEYS)) | texts
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)
types = st.sampled_from(sorted(READINGS)) | texts


@st.composite
def almost_genuine(draw: st.DrawFn) -> dict[str, Any]:
    """A genuine payload in which some values are something else."""
    event_type = draw(st.sampled_from(sorted(CONTENT)))
    payload: dict[str, Any] = {"type": event_type, **CONTENT[event_type]}
    for name in draw(st.lists(st.sampled_from(sorted(payload)), max_size=2, unique=True)):
        inner = payload[name]
        if isinstance(inner, dict) and draw(st.booleans()):
            payload[name] = inner | draw(
                st.dictionaries(st.sampled_from(sorted(inner)), values, max_size=2)
            )
        elif name != "type":
            payload[name] = draw(values)
    return payload


payloads = (
    almost_genuine()
    | st.builds(
        lambda event_type, rest: {**rest, "type": event_type},
        types,
        st.dictionaries(keys, values, max_size=6),
    )
    | values
)
bodies = payloads.map(lambda payload: json.dumps(payload).encode()) | st.binary(max_size=200)


@budget
@given(body=bodies)
def test_any_body__read_or_not_understood(body: bytes) -> None:
    provider = get_provider("billabear")

    envelope = provider.verify(Delivery(body=body, received_at=NOW, path_token=SECRET))

    assert bool(envelope.problem) != bool(envelope.event_type)
    if envelope.event_type in provider.signals:
        payload = provider.decode(body)
        try:
            first = provider.read(envelope.event_type, payload, NOW)
        except NotUnderstood:
            return
        assert first == provider.read(envelope.event_type, payload, NOW)


@pytest.mark.django_db
@settings(budget, max_examples=150)
@given(body=bodies)
def test_any_body__answered_kept_and_settled(client: Client, body: bytes) -> None:
    with transaction.atomic():
        response = client.post(f"/webhooks/billabear/{SECRET}", body, content_type="")

        event = WebhookEvent.objects.get()
        assert bytes(event.body) == body
        assert response.status_code == (400 if event.state == State.QUARANTINED else 200)
        assert event.state != State.PENDING, event.last_error
        transaction.set_rollback(True)
