"""The same vectors posted: each verdict is a status, one line in the log, and what is stored."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache

from billing_webhooks import providers
from billing_webhooks.models import WebhookEvent
from tests.kinde.conftest import configure
from tests.kinde.origin import Origin, answer
from tests.once import on_one_database
from tests.vectors.test_verdicts import VECTORS
from tests.vectors.verifier import ACCEPTED, NO_KEYS, Vector

on_one_database()

pytestmark = pytest.mark.django_db

STATUS = {ACCEPTED: 200, "not_compact_jws": 400, NO_KEYS: 503}
# These are told from the token alone, so nobody is asked for a key.
BEFORE_ANY_KEY = {"not_compact_jws", "header", "alg", "crit", "nested", "kid"}


@pytest.fixture(scope="module")
def running_origin() -> Iterator[Origin]:
    with Origin(b"") as origin:
        yield origin


@pytest.fixture
def origin(running_origin: Origin, settings: Any) -> Origin:
    """The key set endpoint of a tenant that nobody has asked yet."""
    cache.clear()
    providers._instances.clear()
    running_origin.requests = 0
    configure(settings, ISSUER="https://acme.kinde.com", JWKS_URL=running_origin.url)
    return running_origin


@pytest.mark.parametrize("vector", VECTORS.values(), ids=VECTORS)
def test_vector__gets_its_answer(
    client: Any, origin: Origin, caplog: pytest.LogCaptureFixture, vector: Vector
) -> None:
    origin.answer = answer(json.dumps(vector.jwks).encode())
    response = client.post("/webhooks/kinde", vector.body, content_type="application/jwt")

    assert response.status_code == STATUS.get(vector.verdict, 401)
    stored = [bytes(event.body) for event in WebhookEvent.objects.all()]
    assert stored == ([vector.body] if vector.verdict == ACCEPTED else [])
    assert origin.requests <= (vector.verdict not in BEFORE_ANY_KEY)
    if vector.verdict != ACCEPTED:
        assert f"reason={vector.verdict} " in caplog.messages[-1]
    assert all(message.isprintable() and len(message) < 300 for message in caplog.messages)
