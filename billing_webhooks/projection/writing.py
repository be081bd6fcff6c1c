"""Rows that have changed are written, all tables by one statement where that can be."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

from django.utils import timezone

from billing_webhooks.bulk import Update, write_each
from billing_webhooks.models.billing import BillingRow
from billing_webhooks.projection.registers import Draft

KEPT = frozenset({"id", "provider", "created_at", "identity"})


def write(db: str, *tables: Iterable[Draft[Any]]) -> None:
    """Write the drafts that need it, each time of one table, none of them of each other's."""
    dirty = [[draft.row for draft in drafts if draft.needs_writing()] for drafts in tables]
    new = [[row for row in rows if row.pk is None] for rows in dirty]
    old = [[row for row in rows if row.pk is not None] for rows in dirty]
    write_each(db, new, [_update(rows) for rows in old if rows])


def _update(rows: list[Any]) -> Update:
    model: type[BillingRow] = type(rows[0])
    now = timezone.now()
    for row in rows:
        row.updated_at = now
    written = _written(model)
    values = [[row.pk, *(getattr(row, attname) for _, attname in written)] for row in rows]
    return Update(model, [name for name, _ in written], values)


@cache
def _written(model: type[BillingRow]) -> list[tuple[str, str]]:
    """Return the fields that are written, each with the attribute that holds its value."""
    fields = model._meta.concrete_fields
    return [(field.name, field.attname) for field in fields if field.name not in KEPT]
