"""The billing rows of a database, to be compared with those of another history."""

from __future__ import annotations

import json
from typing import Any

from django.db import models

from billing_webhooks.models import (
    Customer,
    CustomerIdentity,
    Invoice,
    Payment,
    Plan,
    PlanIdentity,
    Subscription,
    UsageRecord,
)

BILLING_MODELS: list[type[models.Model]] = [
    Customer,
    CustomerIdentity,
    Plan,
    PlanIdentity,
    Subscription,
    Payment,
    Invoice,
    UsageRecord,
]
NOT_COMPARED = {"id", "created_at", "updated_at"}


def snapshot() -> dict[str, list[str]]:
    """Return every billing row without what depends on the database: keys and clocks."""
    return {
        model.__name__: sorted(repr(_columns(row)) for row in model._base_manager.all())
        for model in BILLING_MODELS
    }


def _columns(row: models.Model) -> list[tuple[str, Any]]:
    return [
        (field.name, natural(getattr(row, field.name)))
        for field in row._meta.concrete_fields
        if field.name not in NOT_COMPARED
    ]


def natural(value: Any) -> Any:
    if isinstance(value, Customer):
        return (value.external_id, value.organization_code)
    if isinstance(value, Plan):
        return (value.code, value.name)
    if isinstance(value, Subscription):
        return value.external_id
    if isinstance(value, dict):
        return json.dumps(value, sort_keys=True)
    return value
