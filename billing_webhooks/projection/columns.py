"""The columns of billing rows that events write."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from operator import itemgetter
from typing import Any

from billing_webhooks.models.billing import BillingRow

NOT_WRITTEN = frozenset(
    {"id", "provider", "registers", "created_at", "updated_at", "identity", "subscription"}
)


@cache
def written_fields(model: type[BillingRow]) -> tuple[Any, ...]:
    """Return the fields that events write."""
    fields = model._meta.concrete_fields
    return tuple(field for field in fields if field.name not in NOT_WRITTEN)


@cache
def defaults(model: type[BillingRow]) -> dict[str, Any]:
    """Return what each written column is before anything is said of it, by field name."""
    return {field.name: field.get_default() for field in written_fields(model)}


@cache
def names_of(model: type[BillingRow]) -> frozenset[str]:
    """Return the names of all columns; registers of other names have none."""
    return frozenset(field.name for field in model._meta.concrete_fields)


def columns_of(row: BillingRow) -> dict[str, Any]:
    """Return the written columns of a row by field name; a foreign key as its pk."""
    names, values_of = _reader(type(row))
    return dict(zip(names, values_of(row.__dict__), strict=True))


@cache
def _reader(model: type[BillingRow]) -> tuple[list[str], Callable[[Mapping[str, Any]], Any]]:
    fields = written_fields(model)
    return [each.name for each in fields], itemgetter(*(each.attname for each in fields))
