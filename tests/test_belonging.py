"""What names a subscription alone is its customer's, whatever came first."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from typing import Any

import pytest

from billing_webhooks.models import Customer, Invoice, Payment, UsageRecord, WebhookEvent
from billing_webhooks.signals import payment_changed, payment_succeeded
from tests.conftest import Connect, PostKinde, at

pytestmark = pytest.mark.django_db

ALONE = {"agreement_id": "agreement_1"}
HISTORY: tuple[tuple[str, dict[str, Any]], ...] = (
    ("customer.agreement_created", ALONE | {"customer_id": "customer_1"}),
    ("customer.payment_succeeded", ALONE | {"payment_id": "payment_1", "amount": 10}),
    ("customer.invoice_overdue", ALONE | {"invoice_id": "invoice_1"}),
    ("customer.meter_usage_updated", ALONE | {"meter_id": "requests", "quantity": 0}),
)


def play(post_kinde: PostKinde, order: Sequence[int]) -> None:
    for index in order:
        event_type, data = HISTORY[index]
        post_kinde(event_type, data, occurred_at=at(f"10:0{index}"))


@pytest.mark.parametrize("order", list(permutations(range(4))), ids=str)
def test_entries__are_the_subscriptions_customers(
    post_kinde: PostKinde, order: Sequence[int]
) -> None:
    play(post_kinde, order)

    customer = Customer.objects.get()
    rows = [*Payment.objects.all(), *Invoice.objects.all(), *UsageRecord.objects.all()]
    assert [row.customer for row in rows] == [customer] * 3
    assert {event.customer for event in WebhookEvent.objects.all()} == {customer}


def test_entry__that_names_its_own_customer_keeps_it(post_kinde: PostKinde) -> None:
    post_kinde("customer.payment_succeeded", ALONE | {"customer_id": "customer_2"})
    post_kinde("customer.agreement_created", ALONE | {"customer_id": "customer_1"})

    assert Payment.objects.get().customer == Customer.objects.get(external_id="customer_2")


def test_entry__follows_a_name_that_passes_to_another_customer(post_kinde: PostKinde) -> None:
    organisation, both = {"org_code": "org_1"}, {"org_code": "org_1", "customer_id": "customer_1"}
    agreed = ALONE | organisation
    post_kinde("customer.plan_assigned", both, occurred_at=at("08:00"))
    post_kinde("customer.agreement_created", agreed, occurred_at=at("09:00"))
    post_kinde("customer.payment_succeeded", ALONE, occurred_at=at("10:00"))
    new = organisation | {"customer_id": "customer_2"}
    post_kinde("customer.plan_assigned", new, occurred_at=at("11:00"))

    assert Payment.objects.get().customer == Customer.objects.get(external_id="customer_2")


def test_receivers__are_told_when_it_is_found(connect: Connect, post_kinde: PostKinde) -> None:
    told: list[Any] = []
    for signal in (payment_succeeded, payment_changed):
        connect(signal, lambda signal, customer, **_: told.append((signal.name, customer)))
    play(post_kinde, (1, 0))

    assert told == [("payment_succeeded", None), ("payment_changed", Customer.objects.get())]
