"""A row that is made of defaults known before is the one that its model makes."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import pytest

from billing_webhooks.models import Customer, Invoice, Payment, Plan, Subscription, UsageRecord
from billing_webhooks.projection.columns import new_row
from tests.once import on_one_database

on_one_database()

MODELS: list[Any] = [Customer, Invoice, Payment, Plan, Subscription, UsageRecord]


def columns(row: Any) -> dict[str, Any]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


@pytest.mark.parametrize("model", MODELS)
def test_new_row__is_one_of_its_model(model: Any) -> None:
    assert columns(new_row(model, "kinde")) == columns(model(provider="kinde"))


@pytest.mark.parametrize("model", MODELS)
def test_new_rows__share_nothing_that_can_change(model: Any) -> None:
    one, other = columns(new_row(model, "kinde")), columns(new_row(model, "kinde"))
    shared = {name for name, value in one.items() if value is other[name]}
    assert all(isinstance(one[name], Hashable) for name in shared)
    assert "registers" not in shared
