"""The same identity with another content: the first stays, the other is kept to be looked at."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections
from django.test import Client

from billing_webhooks.models import ConflictingDelivery, Payment, WebhookEvent
from billing_webhooks.storing import MAX_CONFLICTS
from billing_webhooks.testing import KindeIssuer, kinde_event
from tests.conftest import PostBillaBear, at
from tests.endpoint.deliveries import CUSTOMER

pytestmark = pytest.mark.django_db

PAYMENT_ID = "c0ffee00-1234-4abc-9def-0123456789ab"


@pytest.fixture
def pay(post_billabear: PostBillaBear) -> Any:
    def pay(amount: int, **more: Any) -> None:
        content = {"id": PAYMENT_ID, "customer": CUSTOMER, "amount": amount, **more}
        assert post_billabear("payment_received", **content).status_code == 200

    return pay


def test_other_content__first_stays_and_other_is_kept(
    pay: Any, caplog: pytest.LogCaptureFixture
) -> None:
    pay(3000)
    caplog.clear()
    caplog.set_level(logging.INFO)
    pay(9999)

    event = WebhookEvent.objects.get()
    assert (event.deliveries, event.payload["amount"]) == (2, 3000)
    assert Payment.objects.get().amount == 3000
    conflict = ConflictingDelivery.objects.get()
    assert (conflict.event, b"9999" in conflict.body) == (event, True)
    (record,) = caplog.records
    assert (record.levelname, "contradicted" in record.getMessage()) == ("WARNING", True)
    assert str(event.pk) in record.getMessage()


def test_other_content_again__kept_once(pay: Any) -> None:
    for amount in (3000, 9999, 9999, 3000):
        pay(amount)

    assert WebhookEvent.objects.get().deliveries == 4
    assert ConflictingDelivery.objects.count() == 1


def test_other_order_and_spelling__the_same_content(client: Client, pay: Any) -> None:
    pay(3000, note="\u00fc")
    pay(3000, note="ü")

    assert not ConflictingDelivery.objects.exists()
    assert WebhookEvent.objects.get().deliveries == 2


def test_many_others__a_few_are_kept(pay: Any) -> None:
    for amount in range(MAX_CONFLICTS + 5):
        pay(amount)

    assert WebhookEvent.objects.get().deliveries == MAX_CONFLICTS + 5
    assert ConflictingDelivery.objects.count() == MAX_CONFLICTS


def test_kinde__when_it_was_built_is_no_other_content(client: Client, issuer: KindeIssuer) -> None:
    event = kinde_event("customer.plan_changed", {"customer_id": "c"}, occurred_at=at("10:30"))
    for more in ({}, {"timestamp": "2999-01-01T00:00:00Z"}, {"source": "api"}):
        answer = client.post("/webhooks/kinde", issuer.sign(event | more), content_type="")
        assert answer.status_code == 200

    assert WebhookEvent.objects.get().deliveries == 3
    conflict = ConflictingDelivery.objects.get()
    assert bytes(conflict.body) == issuer.sign(event | {"source": "api"})


@pytest.mark.django_db(transaction=True)
def test_at_once__all_are_counted(pay: Any) -> None:
    def deliver(amount: int) -> None:
        try:
            pay(amount)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(deliver, [1, 2, 3, 4] * 5))

    assert WebhookEvent.objects.get().deliveries == 20
    assert ConflictingDelivery.objects.count() == 3
