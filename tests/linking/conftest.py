"""A resolver that a test makes up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from tests.linking import resolvers

Resolve = Callable[..., None]


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
