"""What the tests of confirmations share: BillaBear's API, and events that wait for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from billing_webhooks.models import WebhookEvent
from billing_webhooks.sweeping import sweep
from tests.billabear.api import API_KEY, StandIn
from tests.billabear.deliveries import CONTENT
from tests.conftest import SECRET, PostBillaBear, make_due

Say = Callable[..., WebhookEvent]


@pytest.fixture
def say(post_billabear: PostBillaBear) -> Say:
    """Post a genuine event, with other content where given, and return it as stored."""

    def post(event_type: str, **content: Any) -> WebhookEvent:
        response = post_billabear(event_type, **CONTENT[event_type] | content)
        assert response.status_code == 200
        return WebhookEvent.objects.latest("received_at")

    return post


@pytest.fixture
def api(settings: Any, no_waiting: None) -> Iterator[StandIn]:
    """BillaBear's API, by which events are confirmed; it knows of nothing yet."""
    with StandIn() as api:
        use_api(settings, API_URL=api.url)
        settings.BILLING_WEBHOOKS_DISPATCH = "deferred"
        yield api


@pytest.fixture
def say_later(post_billabear: PostBillaBear) -> Say:
    """Post a genuine event, with other content where given, and return it, worked twice."""

    def post(event_type: str, **content: Any) -> WebhookEvent:
        response = post_billabear(event_type, **CONTENT[event_type] | content)
        assert response.status_code == 200
        work_off(2)
        return WebhookEvent.objects.latest("received_at", "id")

    return post


def use_api(settings: Any, **options: Any) -> None:
    """Configure the API; an option of None is left out."""
    configured = settings.BILLING_WEBHOOKS_PROVIDERS
    entry = configured["billabear"]
    wanted = {"SECRETS": [SECRET], "API_KEY": API_KEY, **options}
    chosen = {name: value for name, value in wanted.items() if value is not None}
    settings.BILLING_WEBHOOKS_PROVIDERS = {**configured, "billabear": {**entry, "OPTIONS": chosen}}


def work_off(times: int = 1) -> None:
    """Work what is pending so often, whatever it waits for."""
    for _ in range(times):
        make_due()
        sweep(limit=WebhookEvent.objects.filter(state="pending").count())


@pytest.fixture
def few_attempts(settings: Any) -> None:
    settings.BILLING_WEBHOOKS_MAX_ATTEMPTS = 4
