"""Rows as the projection would leave them, without the events that lead there."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count
from typing import Any

from django.contrib.auth import get_user_model

from billing_webhooks.models import Customer, CustomerLink, Plan, PlanIdentity, Subscription
from tests.conftest import at

NOW = at("12:00")
DAY = timedelta(days=1)
MOMENT = timedelta(microseconds=1)
numbers = count(1)


def ago(days: float, *, more: timedelta = timedelta()) -> datetime:
    return NOW - timedelta(days=days) - more


def plan(code: str, **fields: Any) -> Plan:
    row = Plan.objects.create(provider="kinde", code=code, **{"name": code.title(), **fields})
    PlanIdentity.objects.create(provider="kinde", kind="id", value=code, row=row)
    return row


def customer(**fields: Any) -> Customer:
    fields = {"provider": "kinde", "external_id": f"customer_{next(numbers)}", **fields}
    return Customer.objects.create(**fields)


def subscription(status: str, owner: Customer | None = None, **fields: Any) -> Subscription:
    fields = {"provider": "kinde", "external_id": f"agreement_{next(numbers)}", **fields}
    return Subscription.objects.create(status=status, customer=owner or customer(), **fields)


def user(*customers: Customer, name: str = "ada") -> Any:
    row = get_user_model().objects.create(username=name, email=f"{name}@example.org")
    for each in customers:
        CustomerLink.objects.create(customer=each, user=row)
    return row
