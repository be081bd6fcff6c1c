"""What the tests of health share: an inbox in which all is well, and events by their age."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from billing_webhooks import health
from billing_webhooks.models import Heartbeat, WebhookEvent
from tests.overview.events import event

MINUTE = timedelta(minutes=1)
Received = Callable[..., None]


@pytest.fixture
def well(db: None) -> None:
    """A sweep has run just now, and nothing is to be looked at."""
    Heartbeat.objects.create(name="sweep", at=timezone.now())


@pytest.fixture
def received(db: None) -> Received:
    """Store events of an alias that came so many minutes ago."""

    def received(*minutes_ago: float, provider: str = "kinde", **fields: Any) -> None:
        now = timezone.now()
        WebhookEvent.objects.bulk_create(
            event(now - ago * MINUTE, provider, **fields) for ago in minutes_ago
        )

    return received


def about() -> list[tuple[str, str]]:
    """Return what the problems are about, each with its alias."""
    return [(problem.about, problem.alias) for problem in health().problems]
