"""What the tests of batches share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from django.test import Client

from billing_webhooks.testing import KindeIssuer

Post = Callable[[Iterable[dict[str, Any]]], None]


@pytest.fixture
def post_all(issuer: KindeIssuer, client: Client) -> Post:
    """Post the claims of events, in this order."""

    def post_all(events: Iterable[dict[str, Any]]) -> None:
        for event in events:
            body = issuer.sign(event)
            assert client.post("/webhooks/kinde", body, "application/jwt").status_code == 200

    return post_all
