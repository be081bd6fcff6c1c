"""A resolver that a test makes up, and whom it is asked about."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from billing_webhooks.models import Customer, ReceiverRun, WebhookEvent
from tests.linking import resolvers

Resolve = Callable[..., None]

NAME = "tests.linking.resolvers.whose"
WHO = {"customer_id": "customer_1", "user": {"id": "kp_1", "email": "ada@example.org"}}
ORGANIZATION = {"org_code": "org_1"}


@pytest.fixture
def resolve(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Resolve:
    """Let a function be the project's resolver, or None nobody."""

    def resolve(function: Callable[..., Any], *, name: str = "whose") -> None:
        monkeypatch.setattr(resolvers, "function", function)
        settings.BILLING_WEBHOOKS_USER_RESOLVER = f"{resolvers.__name__}.{name}"

    return resolve


@pytest.fixture
def ada() -> User:
    return User.objects.create_user("ada", "ada@example.org")


@pytest.fixture
def bob() -> User:
    return User.objects.create_user("bob", "bob@example.org")


def by_username(customer: Customer, event: WebhookEvent) -> Any:
    return User.objects.filter(username=customer.email.partition("@")[0])


def runs() -> dict[str, str]:
    """Return how each receiver's last run has ended."""
    return dict(ReceiverRun.objects.values_list("receiver", "state"))
