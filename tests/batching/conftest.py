"""What the tests of batches share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from django.test import Client

from billing_webhooks.testing import KindeIssuer
from tests.batching.backlogs import Backlog, purchase
from tests.conftest import PostKinde, at

Post = Callable[[Iterable[dict[str, Any]]], None]


@pytest.fixture
def post_all(issuer: KindeIssuer, client: Client) -> Post:
    """Post the claims of events, in this order."""

    def post_all(events: Iterable[dict[str, Any]]) -> None:
        for event in events:
            body = issuer.sign(event)
            assert client.post("/webhooks/kinde", body, "application/jwt").status_code == 200

    return post_all


@pytest.fixture
def backlog(settings: Any, post_kinde: PostKinde) -> Backlog:
    """Let purchases of some customers wait, each with this many events."""

    def backlog(*customers: str, events: int = 2) -> None:
        settings.BILLING_WEBHOOKS_DISPATCH = "deferred"
        for minute in range(events):
            for customer in customers:
                post_kinde(
                    "customer.payment_succeeded",
                    purchase(customer, minute),
                    occurred_at=at(f"10:{minute:02d}"),
                )

    return backlog
