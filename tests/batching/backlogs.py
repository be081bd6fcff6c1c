"""Purchases that wait to be worked, and what that takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, TypeAlias

from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing_webhooks.models import WebhookEvent

Backlog: TypeAlias = Callable[..., None]


def purchase(customer: str, number: int = 1) -> dict[str, Any]:
    return {
        "customer_id": customer,
        "agreement_id": f"agreement_of_{customer}",
        "plan": {"code": "pro", "name": "Pro"},
        "payment_id": f"payment_{number}_of_{customer}",
        "amount": 10,
        "currency": "EUR",
    }


def customers(number: int) -> list[str]:
    return [f"customer_{each}" for each in range(number)]


def statements(job: Callable[[], Any]) -> list[str]:
    with CaptureQueriesContext(connection) as queries:
        job()
    return [each["sql"] for each in queries]


def states() -> Counter[str]:
    return Counter(WebhookEvent.objects.values_list("state", flat=True))
