"""Each way in which a stored event reaches a worker, and none that can fail the request."""

from __future__ import annotations

from typing import Any

import pytest

from billing_webhooks import dispatch, processing
from billing_webhooks.conf import Settings
from billing_webhooks.models import WebhookEvent
from tests.conftest import PostBillaBear

pytestmark = pytest.mark.django_db(transaction=True)

CUSTOMER = {"id": "0b1e5c1e-0000-4000-8000-000000000001", "email": "ada@example.org"}


def test_ways__are_those_of_the_setting() -> None:
    assert set(dispatch.WAYS) == set(Settings.DISPATCH.choices)


@pytest.mark.parametrize(("way", "state"), [("inline", "processed"), ("deferred", "pending")])
def test_way__decides_who_works_the_event(
    way: str, state: str, settings: Any, post_billabear: PostBillaBear
) -> None:
    settings.BILLING_WEBHOOKS_DISPATCH = way
    assert post_billabear("customer_created", customer=CUSTOMER).status_code == 200
    assert WebhookEvent.objects.get().state == state


def test_way__that_nobody_knows_leaves_the_event_to_the_sweep(
    settings: Any, post_billabear: PostBillaBear, caplog: pytest.LogCaptureFixture
) -> None:
    settings.BILLING_WEBHOOKS_DISPATCH = "pigeon"
    assert post_billabear("customer_created", customer=CUSTOMER).status_code == 200
    assert WebhookEvent.objects.get().state == "pending"
    [error] = [record for record in caplog.records if record.levelname == "ERROR"]
    assert "the sweep will find it" in error.getMessage()


def test_inline__that_fails_leaves_the_event_to_the_sweep(
    post_billabear: PostBillaBear, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(processing, "work", fail)
    assert post_billabear("customer_created", customer=CUSTOMER).status_code == 200
    assert WebhookEvent.objects.get().state == "pending"
