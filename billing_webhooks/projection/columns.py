"""The columns of billing rows that events write."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from operator import itemgetter
from typing import Any, TypeVar

from billing_webhooks.models.billing import BillingRow

Row = TypeVar("Row", bound=BillingRow)

NOT_WRITTEN = frozenset(
    {"id", "provider", "registers", "created_at", "updated_at", "identity", "subscription"}
)


@cache
def written_fields(model: type[BillingRow]) -> tuple[Any, ...]:
    """Return the fields that events write."""
    fields = model._meta.concrete_fields
    return tuple(field for field in fields if field.name not in NOT_WRITTEN)


@cache
def names_of(model: type[BillingRow]) -> tuple[str, ...]:
    """Return the names of the fields that events write."""
    return tuple(field.name for field in written_fields(model))


@cache
def defaults_of(model: type[BillingRow]) -> tuple[Any, ...]:
    """Return what each of these fields is before anything is said of it."""
    return tuple(field.get_default() for field in written_fields(model))


@cache
def all_names_of(model: type[BillingRow]) -> frozenset[str]:
    """Return the names of all columns; registers of other names have none."""
    return frozenset(field.name for field in model._meta.concrete_fields)


def values_of(row: BillingRow) -> tuple[Any, ...]:
    """Return what each of these fields of a row is; a foreign key as its pk."""
    values: tuple[Any, ...] = _reader(type(row))(row.__dict__)
    return values


@cache
def _reader(model: type[BillingRow]) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    return itemgetter(*(each.attname for each in written_fields(model)))


def new_row(model: type[Row], provider: str, **values: Any) -> Row:
    """
    Return a new row with these values, and the defaults of all other columns.

    Django would ask each column for its default each time, and take twice as long.
    """
    values |= {"provider": provider, "registers": {}}
    return model(*(_blank(model) | values).values())


@cache
def _blank(model: type[BillingRow]) -> dict[str, Any]:
    """Return the default of each column, in the order in which a model takes them."""
    return {field.attname: field.get_default() for field in model._meta.concrete_fields}
