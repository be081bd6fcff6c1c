"""A customer of whom a few things are told."""

from __future__ import annotations

from typing import Any

import pytest

from billing_webhooks.models import Customer
from tests.conftest import PostKinde, at

ADA = {"customer_id": "customer_1", "agreement_id": "agreement_1"}
PRO: dict[str, Any] = {"plan": {"code": "pro", "name": "Pro"}}


@pytest.fixture
def ada(post_kinde: PostKinde) -> Customer:
    """Ada, who has signed up for Pro, whose payment failed, and who then took Max."""
    told = [
        (
            "agreement_created",
            PRO | {"email": "ada@example.org", "next_billing_date": "2026-04-01"},
        ),
        ("payment_failed", {"payment_id": "payment_1", "amount": "12.5", "currency": "EUR"}),
        ("plan_changed", {"plan": {"code": "customer_max", "name": "Max"}}),
    ]
    for hour, (event_type, data) in enumerate(told, start=10):
        post_kinde(f"customer.{event_type}", ADA | data, occurred_at=at(f"{hour}:00"))
    return Customer.objects.get(external_id="customer_1")


def texts(customer: Customer, kind: str) -> list[str]:
    """Return what a customer's timeline tells of one kind."""
    return [item.text for item in customer.timeline() if item.kind == kind]
